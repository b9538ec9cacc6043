//! What the layers of every network do with a few rows: forward, back, and along a direction.

use std::any::Any;
use std::fmt::Debug;

pub use driftfield_solvers::Times;

/// What a pass is given.
#[derive(Debug, Clone, Copy)]
pub struct PassInputs<'a> {
    /// States, row after row.
    pub states: &'a [f32],
    /// Their times.
    pub times: Times<'a>,
    /// A label for every row, or none at all if the network takes none.
    pub labels: &'a [u32],
}

/// Where the products `J^T c` of a pass go, of those that are wanted.
#[derive(Debug, Default)]
pub struct Gradients<'a> {
    /// Into the states, row by row.
    pub states: Option<&'a mut [f32]>,
    /// Into the time of every row.
    pub times: Option<&'a mut [f64]>,
    /// Into all parameters, summed over the rows and added to what is there.
    pub parameters: Option<&'a mut [f32]>,
}

/// A direction of the states and of every row's time.
#[derive(Debug, Clone, Copy)]
pub struct Direction<'a> {
    /// Row by row.
    pub states: &'a [f32],
    /// One for each row.
    pub times: &'a [f64],
}

/// The layers of a network with their weights, on the CPU in single precision.
///
/// Every row is treated by itself: its results have the same bits alone and among others.
/// [`Layers::forward`] leaves on the tape what one product needs that follows it, of either kind.
pub trait Layers: Debug + Send + Sync + 'static {
    /// Working memory.
    type Tape: Send + 'static;

    /// Most rows of a task of an evaluation.
    const TILE: usize;
    /// Rows that a sum over rows is formed of first, so that it does not depend on the threads.
    const CHUNK: usize;

    /// Takes all weights, in the order of the parameters.
    fn fill(&mut self, values: &[f32]);

    /// Number of weights.
    fn count(&self) -> usize;

    /// Values of a row of the states, and of the outputs.
    fn sizes(&self) -> [usize; 2];

    /// Working memory for up to `rows` rows.
    fn tape(&self, rows: usize) -> Self::Tape;

    /// Whether a tape of these or other layers serves these, for up to `rows` rows.
    fn fits(&self, tape: &Self::Tape, rows: usize) -> bool;

    /// `out <- f(x, t)`, row by row, and what the products need.
    fn forward(&self, tape: &mut Self::Tape, inputs: PassInputs<'_>, out: &mut [f32]);

    /// [`Layers::forward`] where no product follows, the same to rounding.
    fn evaluate(&self, tape: &mut Self::Tape, inputs: PassInputs<'_>, out: &mut [f32]) {
        self.forward(tape, inputs, out);
    }

    /// `J^T c` with the Jacobian of the last pass, which was [`Layers::forward`] of `inputs`.
    fn backward(
        &self,
        tape: &mut Self::Tape,
        inputs: PassInputs<'_>,
        c: &[f32],
        gradients: Gradients<'_>,
    );

    /// `out <- J v + f_t tau` with the Jacobian of the last pass, which was [`Layers::forward`]
    /// of `inputs`.
    fn along(
        &self,
        tape: &mut Self::Tape,
        inputs: PassInputs<'_>,
        direction: Direction<'_>,
        out: &mut [f32],
    );
}

/// [`Layers`] of a network that is not known at compile time.
pub(crate) trait AnyLayers: Debug + Send + Sync {
    fn tile(&self) -> usize;
    fn chunk(&self) -> usize;
    fn fill(&mut self, values: &[f32]);
    fn count(&self) -> usize;
    fn sizes(&self) -> [usize; 2];
    fn tape(&self, rows: usize) -> AnyTape;
    fn fits(&self, tape: &AnyTape, rows: usize) -> bool;
    fn forward(&self, tape: &mut AnyTape, inputs: PassInputs<'_>, out: &mut [f32]);
    fn evaluate(&self, tape: &mut AnyTape, inputs: PassInputs<'_>, out: &mut [f32]);
    fn backward(
        &self,
        tape: &mut AnyTape,
        inputs: PassInputs<'_>,
        c: &[f32],
        gradients: Gradients<'_>,
    );
    fn along(
        &self,
        tape: &mut AnyTape,
        inputs: PassInputs<'_>,
        direction: Direction<'_>,
        out: &mut [f32],
    );
}

/// A tape of whichever layers.
pub(crate) type AnyTape = Box<dyn Any + Send>;

/// The tape as that of `L`, which its owner has asked [`AnyLayers::fits`].
fn tape_of<L: Layers>(tape: &mut AnyTape) -> &mut L::Tape {
    match tape.downcast_mut() {
        Some(tape) => tape,
        None => unreachable!("a tape is used by the layers that it fits"),
    }
}

impl<L: Layers> AnyLayers for L {
    fn tile(&self) -> usize {
        L::TILE
    }
    fn chunk(&self) -> usize {
        L::CHUNK
    }
    fn fill(&mut self, values: &[f32]) {
        Layers::fill(self, values);
    }
    fn count(&self) -> usize {
        Layers::count(self)
    }
    fn sizes(&self) -> [usize; 2] {
        Layers::sizes(self)
    }
    fn tape(&self, rows: usize) -> AnyTape {
        Box::new(Layers::tape(self, rows))
    }
    fn fits(&self, tape: &AnyTape, rows: usize) -> bool {
        tape.downcast_ref().is_some_and(|tape| Layers::fits(self, tape, rows))
    }
    fn forward(&self, tape: &mut AnyTape, inputs: PassInputs<'_>, out: &mut [f32]) {
        Layers::forward(self, tape_of::<L>(tape), inputs, out);
    }
    fn evaluate(&self, tape: &mut AnyTape, inputs: PassInputs<'_>, out: &mut [f32]) {
        Layers::evaluate(self, tape_of::<L>(tape), inputs, out);
    }
    fn backward(
        &self,
        tape: &mut AnyTape,
        inputs: PassInputs<'_>,
        c: &[f32],
        gradients: Gradients<'_>,
    ) {
        Layers::backward(self, tape_of::<L>(tape), inputs, c, gradients);
    }
    fn along(
        &self,
        tape: &mut AnyTape,
        inputs: PassInputs<'_>,
        direction: Direction<'_>,
        out: &mut [f32],
    ) {
        Layers::along(self, tape_of::<L>(tape), inputs, direction, out);
    }
}
