//! The pictures in a study's directory: which are of this study, and which of an earlier one.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use driftfield_problems::{atomic_file, checksum};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::StudyError;
use crate::plot::{PictureStyle, Plot, PlotError};

/// Names of pictures, each with the checksum of its content in hexadecimal.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Pictures(BTreeMap<String, String>);

/// A picture as its files hold it.
pub(super) struct Drawn {
    pub(super) png: Vec<u8>,
    pub(super) svg: String,
}

/// What the `study.json` of a directory says of the study before.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    /// Whether it was finished. Those of before did not say, and were.
    pub(super) complete: bool,
    /// Its pictures; none where it lists none.
    pub(super) pictures: Pictures,
}

impl Earlier {
    /// None where there is no study.
    pub(super) fn in_folder(directory: &Path) -> Option<Self> {
        let text = std::fs::read(directory.join("study.json")).ok()?;
        let Value::Object(mut study) = serde_json::from_slice(&text).ok()? else { return None };
        let pictures = study.remove("pictures").unwrap_or_default();
        Some(Earlier {
            complete: study.get("complete") != Some(&Value::Bool(false)),
            pictures: serde_json::from_value(pictures).unwrap_or_default(),
        })
    }
}

impl Pictures {
    /// Draws a picture to `NAME.png`, `NAME.svg` and `NAME.pdf`, or to none of them, and returns what a
    /// page shows of it.
    pub(super) fn render(
        &mut self,
        (picture, style): (&impl Plot, &PictureStyle),
        directory: &Path,
        name: &str,
    ) -> Result<Drawn, StudyError> {
        let picture = style.picture(picture)?;
        let drawn = Drawn { png: picture.png()?, svg: picture.svg()? };
        let pdf = picture.pdf()?;
        let files =
            [("png", &drawn.png[..]), ("svg", drawn.svg.as_bytes()), ("pdf", pdf.as_slice())];
        for (extension, bytes) in files {
            let name = format!("{name}.{extension}");
            atomic_file::write(directory.join(&name), bytes).map_err(PlotError::from)?;
            self.0.insert(name, checksum(bytes));
        }
        Ok(drawn)
    }

    /// These, and of others those under other names.
    pub(super) fn or(&self, others: &Pictures) -> Pictures {
        let mut all = others.0.clone();
        all.extend(self.0.clone());
        Pictures(all)
    }

    /// Removes all that `kept` does not name, but none that has changed since: that is somebody's
    /// own. What cannot be removed stays.
    pub(super) fn remove_all_but(&self, kept: &Pictures, directory: &Path) {
        for (name, sum) in self.0.iter().filter(|(name, _)| !kept.0.contains_key(*name)) {
            let path = directory.join(name);
            let regular = || path.symlink_metadata().is_ok_and(|found| found.is_file());
            let unchanged = || std::fs::read(&path).is_ok_and(|bytes| checksum(&bytes) == *sum);
            if is_picture_name(name) && regular() && unchanged() {
                let _ = std::fs::remove_file(&path);
            }
        }
    }
}

/// Whether it is a name, no path that leads elsewhere, of a picture.
fn is_picture_name(name: &str) -> bool {
    let one = Path::new(name).components().map(|part| matches!(part, Component::Normal(_)));
    one.eq([true]) && [".png", ".svg", ".pdf"].iter().any(|extension| name.ends_with(extension))
}

fn checksum(bytes: &[u8]) -> String {
    format!("{:016x}", checksum::of([bytes]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unchanged_pictures_of_an_earlier_study_are_removed() {
        let room = tempfile::tempdir().unwrap();
        let directory = room.path().join("out");
        std::fs::create_dir(&directory).unwrap();
        let put = |name: &str, text: &str| std::fs::write(directory.join(name), text).unwrap();
        let list = |names: &[&str]| {
            Pictures(names.iter().map(|&name| (name.to_owned(), checksum(b"ours"))).collect())
        };
        let outside = room.path().join("outside.png");
        std::fs::write(&outside, "ours").unwrap();
        for name in ["old.png", "old.svg", "kept.png", "unlisted.png", "data.npy", "study.csv"] {
            put(name, "ours");
        }
        put("changed.png", "somebody's own");
        let earlier = list(&[
            "old.png",
            "old.svg",
            "kept.png",
            "changed.png",
            "data.npy",
            "study.csv",
            "gone.png",
            "../outside.png",
            outside.to_str().unwrap(),
        ]);
        put("study.json", &serde_json::json!({ "pictures": earlier }).to_string());
        let listed = Earlier::in_folder(&directory).unwrap().pictures;
        assert_eq!(listed, earlier);
        listed.remove_all_but(&list(&["kept.png"]), &directory);
        let there = |name: &&str| directory.join(name).exists();
        let left = ["kept.png", "unlisted.png", "data.npy", "study.csv", "changed.png"];
        assert!(left.iter().all(there) && outside.exists());
        assert!(!["old.png", "old.svg"].iter().any(there));
    }

    #[test]
    fn any_other_study_json_lists_nothing() {
        let room = tempfile::tempdir().unwrap();
        assert!(Earlier::in_folder(room.path()).is_none());
        for text in ["", "{}", "[1]", "7", r#"{"pictures": 3}"#, r#"{"pictures": {"a.png": 1}}"#] {
            std::fs::write(room.path().join("study.json"), text).unwrap();
            let earlier = Earlier::in_folder(room.path()).unwrap_or_default();
            assert_eq!(earlier.pictures, Pictures::default(), "{text}");
        }
    }
}
