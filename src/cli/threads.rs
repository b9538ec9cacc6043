//! How many threads there are.

use std::env;
use std::thread::available_parallelism;

use driftfield_problems::echo::echo;

use super::exit;

/// What rayon reads, and candle if its own variable says nothing.
const RAYON: &str = "RAYON_NUM_THREADS";
/// What candle reads.
const CANDLE: &str = "CANDLE_NUM_THREADS";
/// Most threads for each that the machine runs at a time: more only wait for each other, and
/// candle's do so at full speed.
const MOST_EACH: usize = 4;
/// So many are always granted.
const ALWAYS: usize = 8;

/// Makes the threads that all work in parallel is shared among, as many as the environment asks
/// for or the machine has, but no more than are of use; says so if it has to.
///
/// To be called before anything else that works in parallel.
pub(super) fn prepare() {
    let cores = available_parallelism().map_or(1, usize::from);
    let choices = [RAYON, CANDLE].map(|variable| {
        let asked = env::var_os(variable).map(|text| text.to_string_lossy().into_owned());
        (variable, Choice::new(variable, asked.as_deref(), cores))
    });
    for (_, choice) in &choices {
        if let Some(note) = &choice.note {
            exit::warn(note);
        }
    }
    if choices.iter().any(|(_, choice)| choice.capped) {
        start_again(&choices);
    }
    // With threads made already, by whoever embeds this, theirs are used.
    let threads = choices[0].1.threads;
    let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
}

/// Puts this program in its own place with an environment of usable numbers, which libraries read
/// for themselves; where that cannot be, goes on.
fn start_again(choices: &[(&str, Choice)]) {
    #[cfg(unix)]
    if let Ok(program) = env::current_exe() {
        use std::os::unix::process::CommandExt;

        let mut words = env::args_os();
        let mut command = std::process::Command::new(program);
        command.arg0(words.next().unwrap_or_default()).args(words);
        for (variable, choice) in choices.iter().filter(|(_, choice)| choice.capped) {
            command.env(variable, choice.threads.to_string());
        }
        // Comes back only with an error.
        let _ = command.exec();
    }
    #[cfg(not(unix))]
    let _ = choices;
}

/// The number of threads that a variable is taken for.
#[derive(Debug, PartialEq)]
struct Choice {
    threads: usize,
    /// Whether more were asked for.
    capped: bool,
    /// What is to be said of it.
    note: Option<String>,
}

impl Choice {
    fn new(variable: &str, asked: Option<&str>, cores: usize) -> Choice {
        let most = (MOST_EACH * cores).max(ALWAYS);
        let granted = |threads| Choice { threads, capped: false, note: None };
        let Some(text) = asked.map(str::trim).filter(|text| !text.is_empty()) else {
            return granted(cores);
        };
        let shown = echo(text);
        match text.parse::<usize>() {
            // rayon's own word for "as many as there are".
            Ok(0) => granted(cores),
            Ok(threads) if threads <= most => granted(threads),
            Err(_) if !text.bytes().all(|byte| byte.is_ascii_digit()) => Choice {
                note: Some(format!("{variable}={shown} is no number of threads; using {cores}")),
                ..granted(cores)
            },
            _ => {
                let note =
                    format!("{variable}={shown} is more than {cores} cores can use; using {most}");
                Choice { threads: most, capped: true, note: Some(note) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_granted_within_reason() {
        for (asked, threads, capped, noted) in [
            (None, 2, false, false),
            (Some(""), 2, false, false),
            (Some("0"), 2, false, false),
            (Some("1"), 1, false, false),
            (Some(" 7 "), 7, false, false),
            (Some("8"), 8, false, false),
            (Some("9"), 8, true, true),
            (Some("200000"), 8, true, true),
            (Some("99999999999999999999999"), 8, true, true),
            (Some("-3"), 2, false, true),
            (Some("many"), 2, false, true),
            (Some("2.5"), 2, false, true),
        ] {
            let choice = Choice::new(RAYON, asked, 2);
            let found = (choice.threads, choice.capped, choice.note.is_some());
            assert_eq!(found, (threads, capped, noted), "{asked:?}: {choice:?}");
        }
        assert_eq!(Choice::new(RAYON, Some("64"), 16).threads, 64);
    }
}
