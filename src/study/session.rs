use std::time::SystemTime;

use driftfield_problems::echo::echo;
use serde::{Deserialize, Serialize};

use super::{CaseResult, Origin, Row, StudyResult};

/// A run of the program that made rows of a study; one that was stopped and went on has several. Times
/// are compared within one alone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Session {
    /// When it was begun (RFC 3339, UTC).
    pub date: String,
    /// System and processor.
    pub machine: String,
    /// Threads that it shared.
    pub threads: usize,
    /// Commit of the program, if that is known.
    pub commit: Option<String>,
}

impl Session {
    /// One that begins now.
    pub(super) fn now() -> Self {
        Session {
            date: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            machine: machine(),
            threads: rayon::current_num_threads(),
            commit: option_env!("DRIFTFIELD_COMMIT").map(str::to_owned),
        }
    }

    /// The one of a study that tells of no others.
    pub(super) fn of(origin: &Origin) -> Self {
        let Origin { date, machine, threads, commit, .. } = origin.clone();
        Session { date, machine, threads, commit }
    }

    /// In words.
    fn told(&self) -> String {
        let commit = self.commit.as_ref().map_or(String::new(), |c| format!(", {}", echo(c)));
        let [date, machine] = [&self.date, &self.machine].map(|text| echo(text));
        format!("{date}, {machine}, {} thread(s){commit}", self.threads)
    }
}

/// System, architecture and, where the system says it, the processor.
fn machine() -> String {
    let mut machine = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let named = cpus.lines().find_map(|line| line.strip_prefix("model name"));
    if let Some((_, name)) = named.and_then(|line| line.split_once(':')) {
        machine += ", ";
        machine += name.trim();
    }
    machine
}

/// How many of the rows each session made, of those that made any.
fn counted<'r>(rows: impl Iterator<Item = &'r Row>) -> Vec<(usize, usize)> {
    let mut counted: Vec<(usize, usize)> = Vec::new();
    for row in rows {
        match counted.iter_mut().find(|(session, _)| *session == row.session) {
            Some((_, count)) => *count += 1,
            None => counted.push((row.session, 1)),
        }
    }
    counted.sort_unstable();
    counted
}

impl StudyResult {
    /// Whether its rows are of more sessions than one, so that not all times are comparable.
    pub(super) fn is_of_sessions(&self) -> bool {
        counted(self.rows()).len() > 1
    }

    /// What is to be said of its times if its rows are of several sessions: which there are, each with
    /// the number of its rows.
    pub(super) fn sessions_told(&self) -> Option<String> {
        let counted = counted(self.rows());
        let told = |&(session, rows): &(usize, usize)| {
            let known = self.sessions.get(session).map_or(String::new(), Session::told);
            format!("session {session} made {rows} row(s) ({known})")
        };
        let all: Vec<String> = counted.iter().map(told).collect();
        let runs = counted.len();
        (runs > 1).then(|| {
            format!(
                "times are of {runs} runs and are comparable within one alone: {}",
                all.join("; ")
            )
        })
    }
}

impl CaseResult {
    /// The session that made most of its rows, the first of those: of whose times pictures are.
    pub(super) fn timed(&self) -> usize {
        let counted = counted(self.rows.iter());
        // Of those that are alike `max_by_key` takes the last.
        counted.into_iter().rev().max_by_key(|&(_, rows)| rows).map_or(0, |(session, _)| session)
    }

    /// What the caption of a picture of times says of rows that are not in it.
    pub(super) fn timed_told(&self) -> Option<String> {
        let timed = self.timed();
        let (all, drawn) =
            (self.rows.len(), self.rows.iter().filter(|row| row.session == timed).count());
        (drawn < all).then(|| {
            format!(
                "Times are of the {drawn} of {all} row(s) that session {timed} made; those of another run are not comparable."
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::made_up;
    use super::super::pictures::curve_pictures;

    #[test]
    fn a_picture_of_times_has_the_rows_of_one_session() {
        let mut case = made_up::study(2).cases.remove(0);
        case.rows[0].session = 1;
        for (name, curves, caption) in curve_pictures(&case) {
            let points = |of: &str| {
                let own = curves.series.iter().find(|series| series.name == of);
                own.map_or(0, |series| series.points.len())
            };
            // The other row of the solver is of the session of most.
            let (drawn, told) = if name.contains("-time-") { (1, true) } else { (2, false) };
            assert_eq!((points("heun"), points("euler")), (drawn, 1), "{name}");
            assert_eq!(caption.contains("that session 0 made"), told, "{caption}");
        }
    }

    #[test]
    fn most_rows_are_of_one_session_the_first_of_those_that_have_as_many() {
        let mut case = made_up::study(2).cases.remove(0);
        assert_eq!((case.timed(), case.timed_told()), (0, None));
        case.rows[0].session = 1;
        assert!(case.timed_told().unwrap().contains("the 3 of 4 row(s) that session 0 made"));
        case.rows[1].session = 1;
        assert_eq!(case.timed(), 0);
        case.rows[2].session = 1;
        assert_eq!(case.timed(), 1);
    }
}
