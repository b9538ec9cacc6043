use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// The signals that end a command, with what a message calls them.
const ENDING: [(i32, &str); 2] = [(SIGINT, "SIGINT"), (SIGTERM, "SIGTERM")];

/// For so long a second signal is taken for the first: `timeout` sends one to the program and one
/// to its group.
const ONE_SIGNAL: Duration = Duration::from_millis(500);
/// Between two looks whether there was a signal.
const TICK: Duration = Duration::from_millis(100);

/// What SIGINT and SIGTERM do: end the program at once, or, while a command
/// [listens](Signals::listen), ask it to end. A second one ends it at once.
#[derive(Debug)]
pub(super) struct Signals {
    stop: Arc<AtomicBool>,
    at_once: Arc<AtomicBool>,
    received: Arc<AtomicUsize>,
}

impl Signals {
    /// From here on. Where a handler is refused, the system's own stays, and so does a signal that
    /// whoever started the program has it ignore: a shell its jobs in the background, `nohup`.
    pub(super) fn install() -> Self {
        let signals = Signals {
            stop: Arc::default(),
            at_once: Arc::new(AtomicBool::new(true)),
            received: Arc::default(),
        };
        let ignored = ignored();
        for (signal, _) in ENDING.into_iter().filter(|(signal, _)| ignored >> (signal - 1) & 1 == 0)
        {
            let (stop, at_once) = (signals.stop.clone(), signals.at_once.clone());
            let received = signals.received.clone();
            let _ = flag::register_conditional_shutdown(signal, 128 + signal, at_once)
                .and_then(|_| flag::register_usize(signal, received, signal as usize))
                .and_then(|_| flag::register(signal, stop));
        }
        // A write beyond the limit for files is an error like that of a full disk, and no death.
        #[cfg(unix)]
        let _ = flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
        signals
    }

    /// A flag that the first signal sets, for a command that ends when it sees it set.
    pub(super) fn listen(&self) -> Arc<AtomicBool> {
        self.at_once.store(false, Ordering::Relaxed);
        let (stop, at_once) = (self.stop.clone(), self.at_once.clone());
        // Without a thread, where none is to be had, a second signal does nothing.
        let _ = thread::Builder::new().spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                thread::sleep(TICK);
            }
            thread::sleep(ONE_SIGNAL);
            at_once.store(true, Ordering::Relaxed);
        });
        self.stop.clone()
    }

    /// The signal that asked the command to end, with its name.
    pub(super) fn received(&self) -> Option<(u8, &'static str)> {
        let received = self.received.load(Ordering::Relaxed) as i32;
        let (signal, name) = ENDING.into_iter().find(|(signal, _)| *signal == received)?;
        Some((u8::try_from(signal).ok()?, name))
    }
}

/// The signals ignored since before the program began, a bit each, as far as the system says.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
