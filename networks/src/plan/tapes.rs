//! The working memory that threads keep from one evaluation to the next.

use std::cell::RefCell;

use crate::pass::{AnyLayers, AnyTape};

/// Networks whose working memory a thread keeps.
const KEPT: usize = 3;

/// Rows of a task in the precision of the kernels.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    pub(super) states: Vec<f32>,
    pub(super) outputs: Vec<f32>,
    pub(super) labels: Vec<u32>,
}

thread_local! {
    static TAPES: RefCell<Vec<AnyTape>> = const { RefCell::new(Vec::new()) };
    static BUFFERS: RefCell<Buffers> = RefCell::default();
}

/// Runs `work` with working memory of the calling thread for up to `rows` rows, which it keeps.
pub(crate) fn with_tape<R>(
    layers: &dyn AnyLayers,
    rows: usize,
    work: impl FnOnce(&mut AnyTape) -> R,
) -> R {
    // Taken out of its cell: the kernels may let the thread start on another task.
    let kept = TAPES.with_borrow_mut(|tapes| {
        let at = tapes.iter().position(|tape| layers.fits(tape, rows))?;
        Some(tapes.swap_remove(at))
    });
    // A whole tile's, so that the next task does not ask for more.
    let mut tape = kept.unwrap_or_else(|| layers.tape(rows.next_multiple_of(layers.tile())));
    let result = work(&mut tape);
    TAPES.with_borrow_mut(|tapes| {
        tapes.truncate(KEPT - 1);
        tapes.push(tape);
    });
    result
}

/// Runs `work` with buffers of the calling thread.
pub(super) fn with_buffers<R>(work: impl FnOnce(&mut Buffers) -> R) -> R {
    // Taken out of its cell for the same reason.
    let mut buffers = BUFFERS.take();
    let result = work(&mut buffers);
    BUFFERS.set(buffers);
    result
}
