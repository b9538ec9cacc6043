//! What a pickle may name.

/// A callable that a pickle may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tensors) enum Class {
    /// A dictionary.
    Dict,
    /// From a storage, an offset, a shape and strides to a tensor.
    Tensor,
    /// From a tensor to a parameter.
    Parameter,
    /// From a function, a type and arguments to what the function makes of them.
    Typed,
    /// The type of a storage, by its name.
    Storage(&'static str),
    /// Makes what is no tensor and is never looked at.
    Inert,
}

/// Every callable by module and name, but for the types of storages.
const KNOWN: [(&str, &str, Class); 27] = [
    ("collections", "OrderedDict", Class::Dict),
    ("collections", "defaultdict", Class::Dict),
    ("collections", "Counter", Class::Inert),
    ("torch._utils", "_rebuild_tensor", Class::Tensor),
    ("torch._utils", "_rebuild_tensor_v2", Class::Tensor),
    ("torch._utils", "_rebuild_tensor_v3", Class::Tensor),
    ("torch._utils", "_rebuild_parameter", Class::Parameter),
    ("torch._utils", "_rebuild_parameter_with_state", Class::Parameter),
    ("torch._tensor", "_rebuild_from_type_v2", Class::Typed),
    ("torch", "Tensor", Class::Inert),
    ("torch.nn.parameter", "Parameter", Class::Inert),
    ("torch", "Size", Class::Inert),
    ("torch", "device", Class::Inert),
    ("torch.serialization", "_get_layout", Class::Inert),
    // Settings that training scripts keep beside the weights.
    ("argparse", "Namespace", Class::Inert),
    ("pathlib", "PosixPath", Class::Inert),
    ("pathlib", "WindowsPath", Class::Inert),
    ("datetime", "datetime", Class::Inert),
    ("numpy", "dtype", Class::Inert),
    ("numpy", "ndarray", Class::Inert),
    ("numpy.core.multiarray", "scalar", Class::Inert),
    ("numpy._core.multiarray", "scalar", Class::Inert),
    ("numpy.core.multiarray", "_reconstruct", Class::Inert),
    ("numpy._core.multiarray", "_reconstruct", Class::Inert),
    ("_codecs", "encode", Class::Inert),
    ("pytorch_lightning.utilities.parsing", "AttributeDict", Class::Inert),
    ("lightning_fabric.utilities.data", "AttributeDict", Class::Inert),
];

/// The types of storages. Those that no tensor here can be made of are named all the same, so that
/// the tensor is refused and not its storage.
const STORAGES: [&str; 13] = [
    "BoolStorage",
    "CharStorage",
    "ByteStorage",
    "ShortStorage",
    "IntStorage",
    "LongStorage",
    "HalfStorage",
    "BFloat16Storage",
    "FloatStorage",
    "DoubleStorage",
    "ComplexFloatStorage",
    "ComplexDoubleStorage",
    "UntypedStorage",
];

/// The types of numbers, which some settings name.
const TYPES: [&str; 17] = [
    "bool",
    "uint8",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "bfloat16",
    "float32",
    "float64",
    "float8_e4m3fn",
    "float8_e5m2",
    "complex64",
    "complex128",
];

/// Python's own plain types.
const PLAIN: [&str; 13] = [
    "set",
    "frozenset",
    "complex",
    "bytearray",
    "slice",
    "list",
    "dict",
    "tuple",
    "int",
    "float",
    "str",
    "bytes",
    "bool",
];

impl Class {
    /// What a module's name is; `None` if it is none that may be named.
    pub(super) fn find(module: &str, name: &str) -> Option<Class> {
        let known = KNOWN.iter().find(|(of, known, _)| *of == module && *known == name);
        if let Some((.., class)) = known {
            return Some(*class);
        }
        match module {
            "torch" | "torch.storage" => {
                let storage = STORAGES.iter().find(|known| **known == name);
                let number = || TYPES.contains(&name).then_some(Class::Inert);
                storage.map(|known| Class::Storage(known)).or_else(number)
            }
            // Under their names of Python 2 and 3.
            "builtins" | "__builtin__" => PLAIN.contains(&name).then_some(Class::Inert),
            _ => None,
        }
    }
}
