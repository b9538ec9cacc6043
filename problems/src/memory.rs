//! How much memory can be had.
//!
//! The machine is not the only limit: a shell (`ulimit -v`), a container or a batch system may
//! grant less, and an allocation beyond that ends the process. What a request will take is
//! therefore held against all of them before it is begun.

use std::fs;
use std::path::{Path, PathBuf};

/// More was asked for than there is memory for.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error(
    "{count} {what} take {:.2} GB, more memory than there is: {:.2} GB can be had; ask for fewer, {fits} at most", gigabytes(*.bytes), gigabytes(u128::from(*.available))
)]
pub struct MemoryError {
    /// What there is too much of.
    pub what: &'static str,
    /// How many were asked for.
    pub count: u64,
    /// What they take.
    pub bytes: u128,
    /// What can be had.
    pub available: u64,
    /// How many that is enough for.
    pub fits: u64,
}

pub(crate) fn gigabytes(bytes: u128) -> f64 {
    bytes as f64 / 1e9
}

/// Bytes for which nobody asks the system, which takes a millisecond: what is running has them.
const TRIFLE: u128 = 1 << 20;

/// Refuses `count` things that together take `bytes`, if these cannot be had.
pub fn check(what: &'static str, count: u64, bytes: u128) -> Result<(), MemoryError> {
    if bytes <= TRIFLE {
        return Ok(());
    }
    check_against(available(), what, count, bytes)
}

fn check_against(
    available: u64,
    what: &'static str,
    count: u64,
    bytes: u128,
) -> Result<(), MemoryError> {
    if bytes <= u128::from(available) {
        return Ok(());
    }
    Err(MemoryError { what, count, bytes, available, fits: fits(count, bytes, available) })
}

/// How many of `count` things that take `bytes` there is room for.
pub(crate) fn fits(count: u64, bytes: u128, available: u64) -> u64 {
    // In floating point: the product may have more digits than any integer.
    (count as f64 * (available as f64 / bytes as f64)) as u64
}

/// Bytes that this process can still be given, as far as the system says; otherwise any number
/// that an address can have.
///
/// The least of what the machine has free, what the limits on address space and data leave, and
/// what every control group above the process leaves (versions 1 and 2).
pub fn available() -> u64 {
    available_below(Path::new("/"))
}

/// The same by the files below `root`.
fn available_below(root: &Path) -> u64 {
    let space = resource(root, "Max address space", "VmSize:");
    let limits = [
        machine(root),
        space.map(|left| left.max(reserved(root))),
        resource(root, "Max data size", "VmData:"),
    ];
    let groups = control_groups(root);
    limits.into_iter().flatten().chain(groups).min().unwrap_or(isize::MAX as u64)
}

/// The number behind `key` in a text of lines `key  number ...`.
fn number_after(text: &str, key: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(key))?;
    rest.split_whitespace().next()?.parse().ok()
}

fn machine(root: &Path) -> Option<u64> {
    let text = fs::read_to_string(root.join("proc/meminfo")).ok()?;
    Some(number_after(&text, "MemAvailable:")?.saturating_mul(1024))
}

/// What a limit on this process leaves of what it has.
fn resource(root: &Path, limit: &str, used: &str) -> Option<u64> {
    let own = root.join("proc/self");
    let limits = fs::read_to_string(own.join("limits")).ok()?;
    // `unlimited` is no number.
    let limit = number_after(&limits, limit)?;
    let status = fs::read_to_string(own.join("status")).ok()?;
    let used = number_after(&status, used)?.saturating_mul(1024);
    Some(limit.saturating_sub(used))
}

/// The most that the process has reserved in one piece and not touched, as allocators do at their
/// start: it counts against a limit on address space, and can be had.
fn reserved(root: &Path) -> u64 {
    let maps = fs::read_to_string(root.join("proc/self/smaps")).unwrap_or_default();
    let (mut anonymous, mut size, mut most) = (false, 0, 0);
    for line in maps.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            // address, permissions, offset, device, inode, and a path if there is one.
            [_, _, _, _, inode, path @ ..] => anonymous = *inode == "0" && path.is_empty(),
            ["Size:", kilobytes, _] => size = kilobytes.parse().unwrap_or(0),
            ["Rss:", kilobytes, _] if anonymous => {
                most = most.max(u64::saturating_sub(size, kilobytes.parse().unwrap_or(0)));
            }
            _ => {}
        }
    }
    most.saturating_mul(1024)
}

/// Where control groups are found, and how they name limit and use.
struct Hierarchy {
    mounts: &'static [&'static str],
    limit: &'static str,
    usage: &'static str,
    /// In `memory.stat`: what of the use is given back when it is needed.
    cache: &'static str,
}

const VERSION_1: Hierarchy = Hierarchy {
    mounts: &["sys/fs/cgroup/memory"],
    limit: "memory.limit_in_bytes",
    usage: "memory.usage_in_bytes",
    cache: "total_inactive_file",
};

const VERSION_2: Hierarchy = Hierarchy {
    mounts: &["sys/fs/cgroup", "sys/fs/cgroup/unified"],
    limit: "memory.max",
    usage: "memory.current",
    cache: "inactive_file",
};

/// What each control group of this process, and each above it, leaves.
fn control_groups(root: &Path) -> Vec<u64> {
    let text = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let lines = text.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        match controllers {
            "" => Some((VERSION_2, path)),
            some if some.split(',').any(|one| one == "memory") => Some((VERSION_1, path)),
            _ => None,
        }
    });
    lines.flat_map(|(hierarchy, path)| left_by_all(root, &hierarchy, path)).collect()
}

/// From the group at `path` up to the root of the hierarchy. Within a container the path may be
/// that of the host, of which only the root is there.
fn left_by_all(root: &Path, hierarchy: &Hierarchy, path: &str) -> Vec<u64> {
    let within = Path::new(path.trim_start_matches('/'));
    let groups = |mount: &&str| {
        let mount = root.join(mount);
        within.ancestors().map(|group| mount.join(group)).collect::<Vec<PathBuf>>()
    };
    let groups = hierarchy.mounts.iter().flat_map(groups);
    groups.filter_map(|group| left_by(&group, hierarchy)).collect()
}

fn left_by(group: &Path, hierarchy: &Hierarchy) -> Option<u64> {
    let number = |name: &str| -> Option<u64> {
        fs::read_to_string(group.join(name)).ok()?.trim().parse().ok()
    };
    // `max` is no number.
    let limit = number(hierarchy.limit)?;
    let stat = fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
    let cache = stat.lines().find_map(|line| {
        let (key, value) = line.split_once(' ')?;
        if key == hierarchy.cache { value.trim().parse().ok() } else { None }
    });
    let used = number(hierarchy.usage).unwrap_or(0).saturating_sub(cache.unwrap_or(0));
    Some(limit.saturating_sub(used))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file system of these files.
    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        root
    }

    fn found(files: &[(&str, &str)]) -> u64 {
        available_below(tree(files).path())
    }

    const MEMINFO: (&str, &str) = (
        "proc/meminfo",
        "MemTotal:       32000000 kB\nMemFree:  1000 kB\nMemAvailable:   20000000 kB\n",
    );
    const MACHINE: u64 = 20_000_000 * 1024;

    #[test]
    fn without_limits_it_is_what_the_machine_has() {
        assert_eq!(found(&[]), isize::MAX as u64);
        assert_eq!(found(&[MEMINFO]), MACHINE);
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
                      Max data size             unlimited            unlimited            bytes     \n\
                      Max address space         unlimited            unlimited            bytes     \n";
        let status = "VmPeak:\t  900000 kB\nVmSize:\t  800000 kB\nVmData:\t  100000 kB\n";
        let limits = [MEMINFO, ("proc/self/limits", limits), ("proc/self/status", status)];
        assert_eq!(found(&limits), MACHINE);
    }

    #[test]
    fn limits_on_address_space_and_data_count_what_is_taken_already() {
        let status = ("proc/self/status", "VmSize:\t  800000 kB\nVmData:\t  100000 kB\n");
        let space = "Max address space         1536000000           unlimited            bytes\n";
        let found_with = |limits| found(&[MEMINFO, status, ("proc/self/limits", limits)]);
        assert_eq!(found_with(space), 1_536_000_000 - 800_000 * 1024);
        // An allocator's own reserve is not taken yet.
        let maps = "7f0000000000-7f0040000000 ---p 00000000 00:00 0 \nSize:  1048576 kB\nRss:  48576 kB\n\
                    7f1000000000-7f2000000000 r--p 00000000 08:01 77 /usr/lib/big\nSize:  9000000 kB\nRss:  4 kB\n\
                    VmFlags: rd mr mw me ac\n";
        let limits = [MEMINFO, status, ("proc/self/limits", space), ("proc/self/smaps", maps)];
        assert_eq!(found(&limits), 1_000_000 * 1024);
        let data = "Max data size             204800000            unlimited            bytes\n";
        assert_eq!(found_with(data), 204_800_000 - 100_000 * 1024);
        let spent = "Max address space         1000           1000            bytes\n";
        assert_eq!(found_with(spent), 0);
    }

    #[test]
    fn groups_of_version_2_are_walked_to_the_root() {
        let group = ("proc/self/cgroup", "0::/batch/job 7/step\n");
        let files = [
            MEMINFO,
            group,
            ("sys/fs/cgroup/batch/job 7/step/memory.max", "max\n"),
            ("sys/fs/cgroup/batch/job 7/step/memory.current", "5\n"),
            ("sys/fs/cgroup/batch/job 7/memory.max", "4000000000\n"),
            ("sys/fs/cgroup/batch/job 7/memory.current", "1500000000\n"),
            ("sys/fs/cgroup/batch/job 7/memory.stat", "anon 3\ninactive_file 500000000\n"),
            ("sys/fs/cgroup/batch/memory.max", "9000000000\n"),
            ("sys/fs/cgroup/batch/memory.current", "1000000000\n"),
        ];
        assert_eq!(found(&files), 3_000_000_000);
        // A group above may be the narrower one.
        let full = ("sys/fs/cgroup/batch/memory.current", "8999999000\n");
        assert_eq!(found(&[&files[..8], &[full]].concat()), 1000);
        // In a container with a view of its own, or where the group's name is the host's.
        for group in ["0::/\n", "0::/docker/abc\n"] {
            let files = [
                MEMINFO,
                ("proc/self/cgroup", group),
                ("sys/fs/cgroup/memory.max", "1000\n"),
                ("sys/fs/cgroup/memory.current", "400\n"),
            ];
            assert_eq!(found(&files), 600, "{group}");
        }
    }

    #[test]
    fn groups_of_version_1_are_walked_to_the_root() {
        let group = "12:cpuset:/other\n5:cpu,memory:/user/job\n1:name=systemd:/user\n";
        let files = [
            MEMINFO,
            ("proc/self/cgroup", group),
            ("sys/fs/cgroup/memory/user/job/memory.limit_in_bytes", "9223372036854771712\n"),
            ("sys/fs/cgroup/memory/user/job/memory.usage_in_bytes", "1000\n"),
            ("sys/fs/cgroup/memory/user/memory.limit_in_bytes", "2000000\n"),
            ("sys/fs/cgroup/memory/user/memory.usage_in_bytes", "1500000\n"),
            (
                "sys/fs/cgroup/memory/user/memory.stat",
                "inactive_file 7\ntotal_inactive_file 100000\n",
            ),
        ];
        assert_eq!(found(&files), 600_000);
        let host = ("proc/self/cgroup", "5:memory:/docker/abc\n");
        let limit = ("sys/fs/cgroup/memory/memory.limit_in_bytes", "3000\n");
        assert_eq!(found(&[MEMINFO, host, limit]), 3000);
    }

    #[test]
    fn a_refusal_says_how_many_fit() {
        assert_eq!(check_against(1000, "steps", 10, 1000), Ok(()));
        let error = check_against(3_000_000_000, "steps", 1_000_000, 16_000_000_000).unwrap_err();
        assert_eq!(error.fits, 187_500);
        let words = error.to_string();
        assert!(words.contains("16.00 GB") && words.contains("3.00 GB"), "{words}");
        assert!(words.contains("187500 at most"), "{words}");
        let most = check_against(1 << 30, "samples", u64::MAX, u128::MAX).unwrap_err();
        assert_eq!(most.fits, 0);
    }

    #[test]
    fn of_this_machine_something_is_known() {
        assert!(available() > 0);
    }
}
