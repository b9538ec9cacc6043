use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::StudyError;
use super::record::locked;

/// `work(0), work(1), ..` on `jobs` threads, in order of their numbers; the first error ends all.
///
/// What is parallel inside a piece of work stays within its job's share of the threads:
/// in one common pool a job that waits would take up another's work, whose time would then be
/// counted as its own.
pub(super) fn in_parallel<T: Send>(
    jobs: usize,
    pieces: usize,
    work: impl Fn(usize) -> Result<T, StudyError> + Sync,
) -> Result<Vec<T>, StudyError> {
    let jobs = jobs.clamp(1, pieces.max(1));
    if jobs == 1 {
        return (0..pieces).map(work).collect();
    }
    let share = (rayon::current_num_threads() / jobs).max(1);
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Result<T, StudyError>)>> = Mutex::new(Vec::new());
    let job = || loop {
        let piece = next.fetch_add(1, Ordering::Relaxed);
        if piece >= pieces {
            return;
        }
        let result = work(piece);
        if result.is_err() {
            next.store(pieces, Ordering::Relaxed);
        }
        locked(&done).push((piece, result));
    };
    let pools: Vec<_> = (0..jobs)
        .map(|_| rayon::ThreadPoolBuilder::new().num_threads(share).build())
        .collect::<Result<_, _>>()
        .map_err(|error| StudyError::Threads(error.to_string()))?;
    thread::scope(|scope| {
        for pool in &pools {
            scope.spawn(|| pool.install(job));
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(piece, _)| *piece);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_their_order_and_jobs_their_share() {
        for jobs in [0, 1, 2, 3, 100] {
            let found = in_parallel(jobs, 20, |piece| Ok(10 * piece)).unwrap();
            assert_eq!(found, (0..20).map(|piece| 10 * piece).collect::<Vec<_>>());
        }
        let threads = in_parallel(2, 2, |_| Ok(rayon::current_num_threads())).unwrap();
        assert!(threads.iter().all(|&own| own == (rayon::current_num_threads() / 2).max(1)));
        assert!(in_parallel(2, 0, |_| Ok(())).unwrap().is_empty());
    }

    #[test]
    fn an_error_ends_all() {
        let started = AtomicUsize::new(0);
        let failed = in_parallel(2, 1000, |piece| {
            started.fetch_add(1, Ordering::Relaxed);
            if piece == 3 { Err(StudyError::Threads("no more".into())) } else { Ok(()) }
        });
        assert!(failed.unwrap_err().to_string().contains("no more"));
        assert!(started.load(Ordering::Relaxed) < 1000);
    }
}
