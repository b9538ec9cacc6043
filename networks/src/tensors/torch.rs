//! Tensors of a PyTorch file.
//!
//! `torch.save` writes a zip archive: `NAME/data.pkl` describes tensors as views of storages, which
//! are the files `NAME/data/0`, `NAME/data/1`, ...

use std::collections::{BTreeMap, HashSet};

use driftfield_problems::echo::echo;

use super::archive::Archive;
use super::element::Element;
use super::map::check_memory;
use super::pickle::{self, Object, Pickle, Storage, Value, View};
use super::{Format, NamedTensors, TensorsError};

/// Longest pickle. That of a network of ten thousand tensors has two megabytes.
const LONGEST_PICKLE: u64 = 1 << 25;
/// What the dictionary of the whole file is called, where there are others.
const ROOT: &str = ".";
/// How deep dictionaries of tensors are looked for.
const DEPTH: usize = 4;
/// Bytes of a tensor that may have more values than its storage.
const SMALL: u128 = 1 << 16;

const OLD: TensorsError = TensorsError::Unsupported {
    found: "a PyTorch file of before version 1.6, a bare pickle,",
    advice: "write it anew in Python, if you trust who made it: torch.save(torch.load(FILE), NEW)",
};
const FOREIGN_ORDER: TensorsError = TensorsError::Unsupported {
    found: "a PyTorch file of a big-endian machine",
    advice: "write it anew there with torch.serialization.set_default_load_endianness, or as .safetensors",
};

fn malformed(reason: impl ToString) -> TensorsError {
    TensorsError::malformed(Format::Torch, reason)
}

/// The tensors of the bytes of a file of `torch.save`: of the dictionary under `key`, or of the
/// only one there is.
pub(super) fn read(bytes: &[u8], key: Option<&str>) -> Result<NamedTensors, TensorsError> {
    if bytes.first() == Some(&0x80) {
        return Err(OLD);
    }
    let mut archive = Archive::new(bytes, Format::Torch)?;
    let names = archive.names();
    let mut pickles = names.iter().filter_map(|name| name.strip_suffix("data.pkl"));
    let (Some(root), None) = (pickles.next(), pickles.next()) else {
        return Err(malformed("it has not one data.pkl"));
    };
    if archive.size(&format!("{root}byteorder")).is_some()
        && archive.read(&format!("{root}byteorder"), 16)? != b"little"
    {
        return Err(FOREIGN_ORDER);
    }
    let text = archive.read(&format!("{root}data.pkl"), LONGEST_PICKLE)?;
    let pickle = pickle::read(&text)?;
    let views = chosen(&pickle, key)?;
    load(&mut archive, root, &pickle, &views)
}

/// The views of a dictionary by name.
type Views<'p> = BTreeMap<&'p str, &'p View>;

/// The dictionary of tensors under `key`, or the only one.
fn chosen<'p>(pickle: &'p Pickle<'p>, key: Option<&str>) -> Result<Views<'p>, TensorsError> {
    let mut search = Search { pickle, seen: HashSet::new(), found: Vec::new() };
    search.descend(pickle.root, ROOT.to_owned(), DEPTH);
    let mut found = search.found;
    let position = match key {
        Some(key) => found.iter().position(|(path, _)| path == key),
        None => (found.len() == 1).then_some(0),
    };
    match position {
        Some(position) => Ok(found.swap_remove(position).1),
        None => {
            let found = found.iter().map(|(path, _)| echo(path)).collect();
            Err(TensorsError::Part { key: key.map(str::to_owned), found })
        }
    }
}

/// The search for dictionaries with tensors among their values.
struct Search<'p> {
    pickle: &'p Pickle<'p>,
    /// The dictionaries that were looked at: one may hold itself.
    seen: HashSet<usize>,
    found: Vec<(String, Views<'p>)>,
}

impl<'p> Search<'p> {
    /// Looks at `value` and below.
    fn descend(&mut self, value: Value<'p>, path: String, depth: usize) {
        let (Value::Object(index), pickle) = (value, self.pickle) else { return };
        let Some(Object::Dict(entries)) = pickle.object(value) else { return };
        if !self.seen.insert(index) {
            return;
        }
        let named = entries.iter().filter_map(|&(key, value)| match key {
            Value::Text(key) => Some((key, value)),
            _ => None,
        });
        let views = named.clone().filter_map(|(name, value)| match pickle.object(value)? {
            Object::View(view) => Some((name, view)),
            _ => None,
        });
        let views: Views<'p> = views.collect();
        let below = |name: &str| if path == ROOT { name.into() } else { format!("{path}.{name}") };
        if depth > 0 {
            named.for_each(|(name, value)| self.descend(value, below(name), depth - 1));
        }
        if views.values().any(|view| self.is_weight(view)) {
            self.found.push((path, views));
        }
    }

    /// Whether a tensor can be a layer's: beside a network a checkpoint may keep counters, which
    /// are single numbers, and states of generators of random numbers, which are integers.
    fn is_weight(&self, view: &View) -> bool {
        let storage = self.pickle.object(Value::Object(view.storage));
        let element = match storage {
            Some(Object::Storage(storage)) => storage.element,
            _ => None,
        };
        !view.shape.is_empty() && element.is_none_or(Element::is_float)
    }
}

/// Reads the storages one after the other, each once, and takes the views of each from it.
fn load(
    archive: &mut Archive<'_>,
    root: &str,
    pickle: &Pickle<'_>,
    views: &Views<'_>,
) -> Result<NamedTensors, TensorsError> {
    let mut total = 0u128;
    let mut by_storage: BTreeMap<&str, Vec<(&str, &View, &Storage<'_>)>> = BTreeMap::new();
    for (&name, &view) in views {
        let Some(Object::Storage(storage)) = pickle.object(Value::Object(view.storage)) else {
            return Err(malformed(format!("`{name}` has no storage")));
        };
        total = total.saturating_add(check(archive, root, name, view, storage)?);
        by_storage.entry(storage.key).or_default().push((name, view, storage));
    }
    check_memory(views.len(), total)?;
    let mut tensors = NamedTensors::new();
    for (key, views) in by_storage {
        let bytes = archive.read(&file_of(root, key), u64::MAX)?;
        for (name, view, storage) in views {
            let Some(element) = storage.element else { continue };
            let gathered;
            let values = if view.shape.contains(&0) {
                &[]
            } else if is_contiguous(view) {
                &bytes[view.offset * element.size()..][..element.bytes(&view.shape) as usize]
            } else {
                gathered = gather(&bytes, element.size(), view);
                &gathered[..]
            };
            tensors.insert(name, element.tensor(name, &view.shape, values)?)?;
        }
    }
    Ok(tensors)
}

fn file_of(root: &str, key: &str) -> String {
    format!("{root}data/{key}")
}

/// Holds a tensor against its storage, and the storage against its file; its bytes.
fn check(
    archive: &Archive<'_>,
    root: &str,
    name: &str,
    view: &View,
    storage: &Storage<'_>,
) -> Result<u128, TensorsError> {
    let Some(element) = storage.element else {
        let found = "numbers of a type that candle has not".to_owned();
        return Err(TensorsError::Dtype { name: echo(name), found });
    };
    let file = file_of(root, storage.key);
    let missing =
        || malformed(format!("it has no `{}`, where `{}` should be", echo(&file), echo(name)));
    let held = archive.size(&file).ok_or_else(missing)?;
    let (stored, claimed) = (element.bytes(&[storage.count]), element.bytes(&view.shape));
    // A small one may repeat its values along an axis.
    let most = stored.max(SMALL);
    let within = view.reach().is_some_and(|reach| reach <= storage.count);
    if stored > u128::from(held) || claimed > most || !within {
        let claimed = claimed.max(stored);
        return Err(TensorsError::TooLarge { name: echo(name), claimed, held });
    }
    Ok(claimed)
}

/// Whether the values of a view are one after the other, row-major.
fn is_contiguous(view: &View) -> bool {
    let mut step = 1;
    view.shape.iter().zip(&view.strides).rev().all(|(&length, &stride)| {
        let fits = length == 1 || stride == step;
        step *= length;
        fits
    })
}

/// The values of a view, row-major. It has been checked to stay within its storage.
fn gather(bytes: &[u8], size: usize, view: &View) -> Vec<u8> {
    let count: usize = view.shape.iter().product();
    let mut out = Vec::with_capacity(count * size);
    let mut index = vec![0; view.shape.len()];
    let mut at = view.offset;
    for _ in 0..count {
        out.extend_from_slice(&bytes[at * size..][..size]);
        for axis in (0..index.len()).rev() {
            index[axis] += 1;
            at += view.strides[axis];
            if index[axis] < view.shape[axis] {
                break;
            }
            at -= view.strides[axis] * view.shape[axis];
            index[axis] = 0;
        }
    }
    out
}
