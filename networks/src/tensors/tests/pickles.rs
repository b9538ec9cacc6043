//! Pickles made to do harm.

use super::torch::{archive, dict, file, global, int, pickle, storage, text, tuple, view};
use super::*;
use crate::tensors::{Format, TensorsError};

fn read(pickle: &[u8]) -> Result<NamedTensors, TensorsError> {
    NamedTensors::from_bytes(&archive(pickle), Format::Torch)
}

/// A state dict with something more in it.
fn with(more: Vec<u8>) -> Vec<u8> {
    let tensor = view(storage("FloatStorage", "0", 6), 0, &[6], &[1]);
    pickle(&dict(&[("x", tensor), ("y", more)]))
}

#[test]
fn code_is_refused_and_not_run() {
    let directory = tempfile::tempdir().unwrap();
    let witness = directory.path().join("ran");
    let command = tuple(&[text(&format!("touch {}", witness.display()))]);
    let call = |function: Vec<u8>| [function, command.clone(), b"R".to_vec()].concat();
    let stacked = |module: &str, name: &str| [text(module), text(name), vec![0x93]].concat();
    let short = |t: &str| [&[0x8c, t.len() as u8], t.as_bytes()].concat();
    let calls = [
        (call(global("os", "system")), "os.system"),
        (call(global("posix", "system")), "posix.system"),
        (call(global("builtins", "eval")), "builtins.eval"),
        (call(global("builtins", "getattr")), "builtins.getattr"),
        (call(global("torch", "load")), "torch.load"),
        (call(global("torch.storage", "_load_from_bytes")), "torch.storage._load_from_bytes"),
        (call(stacked("subprocess", "Popen")), "subprocess.Popen"),
        (call([short("os"), short("system"), vec![0x93]].concat()), "os.system"),
        // Named and never called.
        (global("my.package", "Model"), "my.package.Model"),
        (global("torch.nn.modules.linear", "Linear"), "torch.nn.modules.linear.Linear"),
        (global("os", "sys\u{1b}[31mtem"), "os.sys\\u{1b}[31mtem"),
    ];
    for (call, name) in calls {
        let error = read(&with(call)).unwrap_err();
        assert!(matches!(&error, TensorsError::Code { name: found } if found == name), "{error}");
        let text = error.to_string();
        assert!(text.contains("nothing of it was run") && text.contains("state_dict()"), "{text}");
    }
    // A call of what a call has made, and the older instructions for calls.
    let made = call([global("collections", "OrderedDict"), b")R".to_vec()].concat());
    assert!(matches!(read(&with(made)), Err(TensorsError::Code { .. })));
    for instruction in ["(S'touch'\nios\nsystem\n", "(cos\nsystem\no", "\u{2}\u{1}"] {
        assert!(read(&with(instruction.as_bytes().to_vec())).is_err());
    }
    assert!(!witness.exists());
}

#[test]
fn settings_beside_the_weights_do_no_harm_and_are_left_out() {
    let namespace =
        [global("argparse", "Namespace"), b")\x81}".to_vec(), text("lr"), int(1), b"sb".to_vec()];
    let path = [global("pathlib", "PosixPath"), tuple(&[text("a")]), b"R".to_vec()].concat();
    let set = [global("builtins", "set"), b"(](".to_vec(), int(1), b"et\x52".to_vec()].concat();
    let ordered =
        [global("collections", "OrderedDict"), b")R}".to_vec(), text("_metadata"), b"Nsb".to_vec()];
    for more in [namespace.concat(), path, ordered.concat(), global("torch", "float32"), set] {
        let tensors = read(&with(more)).unwrap();
        assert_eq!(tensors.names().collect::<Vec<_>>(), ["x"]);
    }
}

#[test]
fn a_pickle_that_remembers_itself_over_and_over_takes_no_room() {
    // Pairs of the pair before, 200 deep: 2^200 values if they were copied.
    let mut bomb = b")q\0".to_vec();
    for level in 1..=200u8 {
        bomb.extend([b'h', level - 1, b'h', level - 1, 0x86, b'q', level]);
    }
    assert_eq!(read(&with([&vec![b'('][..], &bomb, b"t"].concat())).unwrap().len(), 1);
    // Tuples of the tuple before, a million deep.
    let deep = [&b")"[..], &[0x85].repeat(1 << 20)].concat();
    assert_eq!(read(&with(deep)).unwrap().len(), 1);
    // A dictionary that holds itself, many times.
    let mut own = b"}q\0(".to_vec();
    for key in 0..2000 {
        own.extend([text(&key.to_string()), b"h\0".to_vec()].concat());
    }
    own.push(b'u');
    let only = [b"}", &text("own")[..], &own, b"s"].concat();
    assert!(matches!(read(&pickle(&only)), Err(TensorsError::Part { .. })));
}

#[test]
fn broken_programs_are_refused_each_for_its_reason() {
    let rebuild = || global("torch._utils", "_rebuild_tensor_v2");
    let bad: [(&str, Vec<u8>); 14] = [
        ("without the arguments", [rebuild(), b")R".to_vec()].concat()),
        ("without the arguments", [rebuild(), tuple(&[int(1)]), b"R".to_vec()].concat()),
        (
            "without the arguments",
            [global("torch._utils", "_rebuild_parameter"), b")R".to_vec()].concat(),
        ),
        ("without the arguments", [rebuild(), b"NR".to_vec()].concat()),
        ("no storage", [tuple(&[text("storage")]), b"Q".to_vec()].concat()),
        ("no storage", b"NQ".to_vec()),
        ("never kept", b"h\x09".to_vec()),
        ("ends too early", [b"X", &u32::MAX.to_le_bytes()[..]].concat()),
        ("ends too early", [&[0x8d], &u64::MAX.to_le_bytes()[..]].concat()),
        ("no end", b"cos".to_vec()),
        ("no list", b"N(u".to_vec()),
        ("no list", b"](N]u".to_vec()),
        ("without a value", b"}(Nu".to_vec()),
        ("0xff", vec![0xff]),
    ];
    for (reason, program) in bad {
        let last = if reason == "no end" { Vec::new() } else { vec![b'.'] };
        let error = read(&[b"\x80\x02", &program[..], &last].concat()).unwrap_err().to_string();
        assert!(error.contains(reason), "{reason}: {error}");
    }
    for empty in [&b"."[..], b"0.", b"t.", b"\x87.", b"R.", b"s.", b"q\0.", b"2."] {
        let error = read(empty).unwrap_err().to_string();
        assert!(error.contains("empty stack"), "{error}");
    }
    assert!(NamedTensors::from_bytes(&file(), Format::Torch).is_ok());
}

#[test]
fn a_pickle_longer_than_any_is_refused_before_it_is_unpacked() {
    let long = vec![b'N'; (1 << 25) + 1];
    let bomb = zip(&[("n/data.pkl", &long)], CompressionMethod::Deflated);
    assert!(bomb.len() < 1 << 16);
    let error = NamedTensors::from_bytes(&bomb, Format::Torch).unwrap_err();
    assert!(matches!(error, TensorsError::TooLarge { held, .. } if held == 1 << 25), "{error}");
}
