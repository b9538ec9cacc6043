//! Files of the Hugging Face hub that are on this machine already.
//!
//! `hf download ORG/NAME FILE`, like every program that loads a model of the hub, keeps it in a
//! folder of one layout, which is read here; nothing is fetched:
//!
//! ```text
//! CACHE/models--ORG--NAME/refs/REVISION            the commit of a branch or tag, as text
//! CACHE/models--ORG--NAME/snapshots/COMMIT/FILE    the file, a link to its content
//! ```
//!
//! Not by the crate `hf-hub`, which brings an HTTP client and its runtime for these two lines.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use driftfield_problems::echo::{echo, echo_path};

/// The revision that is taken where none is given.
const MAIN: &str = "main";
/// Longest text in `refs`; a commit has 40 characters.
const LONGEST_COMMIT: usize = 128;

/// Why a file of the hub is not to be had from this machine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// A name that no repository, file or revision has.
    #[error(
        "`{}` is no {what} of the hub; the address is ORG/NAME/FILE, without `.` and `..`",
        echo(name)
    )]
    Name {
        /// What it should be.
        what: &'static str,
        /// What was given.
        name: String,
    },
    /// No variable of the environment says where the cache is.
    #[error("nothing says where the hub's cache is; set HF_HOME to the folder above `hub`")]
    NoCache,
    /// The file is not in the cache.
    #[error(
        "{} is not there; fetch it with `{fetch}`, or set HF_HOME if the cache is elsewhere",
        echo_path(looked)
    )]
    NotCached {
        /// Where it should be.
        looked: PathBuf,
        /// The command that fetches it.
        fetch: String,
    },
    /// The cache cannot be read.
    #[error("{}: {source}", echo_path(path))]
    Io {
        /// The file.
        path: PathBuf,
        /// What the file system said.
        source: std::io::Error,
    },
}

/// The path of a file of the hub on this machine: `FILE` of the model `ORG/NAME`, at a branch, tag
/// or commit, `main` if none is given.
///
/// The cache is `HF_HUB_CACHE`, or `HF_HOME/hub`, or `~/.cache/huggingface/hub`.
pub fn cached(
    org: &str,
    name: &str,
    file: &str,
    revision: Option<&str>,
) -> Result<PathBuf, HubError> {
    cached_in(&cache_of(|key| env::var_os(key).map(PathBuf::from))?, org, name, file, revision)
}

/// The same in a cache that is given.
pub fn cached_in(
    cache: &Path,
    org: &str,
    name: &str,
    file: &str,
    revision: Option<&str>,
) -> Result<PathBuf, HubError> {
    let one = |text: &str| !text.contains('/');
    check("organisation", org, one(org))?;
    check("model", name, one(name))?;
    check("file", file, true)?;
    let revision = revision.unwrap_or(MAIN);
    check("revision", revision, true)?;
    let folder = cache.join(format!("models--{org}--{name}"));
    let fetch = fetch_command(org, name, file, revision);
    let missing = |looked| HubError::NotCached { looked, fetch: fetch.clone() };
    let reference = folder.join("refs").join(revision);
    let commit = match fs::read_to_string(&reference) {
        Ok(text) => text.trim().to_owned(),
        // A commit refers to itself.
        Err(error) if error.kind() == ErrorKind::NotFound => revision.to_owned(),
        Err(source) => return Err(HubError::Io { path: reference, source }),
    };
    let known = commit.len() <= LONGEST_COMMIT && folder.join("snapshots").join(&commit).is_dir();
    if !known && commit == revision {
        return Err(missing(reference));
    }
    check("revision", &commit, commit.len() <= LONGEST_COMMIT)?;
    let path = folder.join("snapshots").join(&commit).join(file);
    // The end of the link: its content may have been cleared away.
    if path.is_file() { Ok(path) } else { Err(missing(path)) }
}

/// Refuses a name that would lead out of its folder.
fn check(what: &'static str, name: &str, fits: bool) -> Result<(), HubError> {
    let plain = |segment: &str| {
        let known = |letter: char| letter.is_alphanumeric() || "-_.+ ()=@".contains(letter);
        !matches!(segment, "" | "." | "..") && segment.chars().all(known)
    };
    if fits && name.split('/').all(plain) {
        return Ok(());
    }
    Err(HubError::Name { what, name: name.to_owned() })
}

fn fetch_command(org: &str, name: &str, file: &str, revision: &str) -> String {
    let command = format!("hf download {org}/{name} {file}");
    if revision == MAIN { command } else { format!("{command} --revision {revision}") }
}

/// Where the cache is, by the variables of the environment.
fn cache_of(variable: impl Fn(&str) -> Option<PathBuf>) -> Result<PathBuf, HubError> {
    let set = |key| variable(key).filter(|path| !path.as_os_str().is_empty());
    let home = || {
        let above = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
        above.map(|cache| cache.join("huggingface"))
    };
    set("HF_HUB_CACHE")
        .or_else(|| Some(set("HF_HOME").or_else(home)?.join("hub")))
        .ok_or(HubError::NoCache)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    /// A cache as `hf download acme/cat unet/model.safetensors` leaves it.
    fn cache() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let model = directory.path().join("models--acme--cat");
        let snapshot = model.join("snapshots").join(COMMIT);
        for folder in [&model.join("refs"), &model.join("blobs"), &snapshot.join("unet")] {
            fs::create_dir_all(folder).unwrap();
        }
        fs::write(model.join("refs/main"), COMMIT).unwrap();
        fs::write(model.join("blobs/content"), "weights").unwrap();
        let file = snapshot.join("unet/model.safetensors");
        #[cfg(unix)]
        std::os::unix::fs::symlink("../../../blobs/content", file).unwrap();
        #[cfg(not(unix))]
        fs::write(file, "weights").unwrap();
        directory
    }

    #[test]
    fn a_file_is_found_by_branch_and_by_commit() {
        let cache = cache();
        for revision in [None, Some("main"), Some(COMMIT)] {
            let found = cached_in(cache.path(), "acme", "cat", "unet/model.safetensors", revision);
            assert_eq!(fs::read_to_string(found.unwrap()).unwrap(), "weights");
        }
    }

    #[test]
    fn what_is_not_there_is_said_with_the_command_that_fetches_it() {
        let cache = cache();
        let refused = |name, file, revision| {
            cached_in(cache.path(), "acme", name, file, revision).unwrap_err().to_string()
        };
        let error = refused("cat", "other.bin", None);
        assert!(error.contains(&format!("snapshots/{COMMIT}/other.bin")), "{error}");
        assert!(error.contains("`hf download acme/cat other.bin`"), "{error}");
        let error = refused("cat", "other.bin", Some("v2"));
        assert!(error.contains("refs/v2") && error.contains("--revision v2"), "{error}");
        assert!(refused("dog", "a.bin", None).contains("models--acme--dog/refs/main"));
        fs::remove_file(cache.path().join("models--acme--cat/blobs/content")).unwrap();
        #[cfg(unix)]
        assert!(refused("cat", "unet/model.safetensors", None).contains("is not there"));
    }

    #[test]
    fn no_name_leads_out_of_the_cache() {
        let cache = cache();
        let bad = [
            ("..", "cat", "a", None),
            ("acme", "a/b", "a", None),
            ("acme", "cat", "../../../blobs/content", None),
            ("acme", "cat", "/etc/passwd", None),
            ("acme", "cat", "a", Some("../refs/main")),
            ("acme", "", "a", None),
            ("acme", "cat", "a\u{1b}[31m", None),
        ];
        for (org, name, file, revision) in bad {
            let error = cached_in(cache.path(), org, name, file, revision).unwrap_err();
            assert!(matches!(error, HubError::Name { .. }), "{error}");
            assert!(!error.to_string().contains('\u{1b}'));
        }
        fs::write(cache.path().join("models--acme--cat/refs/main"), "../../..").unwrap();
        let error = cached_in(cache.path(), "acme", "cat", "a", None).unwrap_err();
        assert!(matches!(error, HubError::Name { what: "revision", .. }), "{error}");
    }

    #[test]
    fn the_environment_says_where_the_cache_is() {
        let all =
            [("HF_HUB_CACHE", "/a"), ("HF_HOME", "/b"), ("XDG_CACHE_HOME", "/c"), ("HOME", "/d")];
        let expected = ["/a", "/b/hub", "/c/huggingface/hub", "/d/.cache/huggingface/hub"];
        for (first, expected) in expected.iter().enumerate() {
            let variable = |key: &str| {
                let found = all[first..].iter().find(|(known, _)| *known == key);
                found.map(|(_, value)| PathBuf::from(value))
            };
            assert_eq!(cache_of(variable).unwrap(), Path::new(expected));
        }
        assert!(matches!(cache_of(|_| None), Err(HubError::NoCache)));
        assert!(matches!(cache_of(|_| Some(PathBuf::new())), Err(HubError::NoCache)));
    }
}
