//! Products with the Jacobian of any network, with the evaluation they come from.

use std::ops::Range;

use driftfield_solvers::{FieldError, Scalar};
use rayon::prelude::*;

use super::tapes::{Buffers, with_buffers, with_tape};
use super::{Plan, single, store};
use crate::kernel::add_scaled;
use crate::pass::{Direction, Gradients, PassInputs, Times};

/// Given rows by number and their outputs, writes what goes back from them over zeros; called for
/// pieces of a batch, on any thread.
pub type RowCotangent<'c, T> =
    dyn Fn(Range<usize>, &[T], &mut [T]) -> Result<(), FieldError> + Sync + 'c;

/// Where the results of [`Plan::pull_back`] go.
#[derive(Debug)]
pub struct Pulled<'a, T> {
    /// The output `f(x, t)`.
    pub output: &'a mut [T],
    /// `(df/dx)^T c`, row by row, if it is wanted.
    pub states: Option<&'a mut [T]>,
    /// `(df/dt)^T c`, one number for each row, if it is wanted.
    pub times: Option<&'a mut [f64]>,
    /// `(df/dw)^T c` summed over the rows, in the order of the parameters, if it is wanted.
    pub parameters: Option<&'a mut [f32]>,
}

/// Where the results of [`Plan::push_forward`] go.
#[derive(Debug)]
pub struct Pushed<'a, T> {
    /// The output `f(x, t)`.
    pub output: &'a mut [T],
    /// `df/dx v + df/dt tau`.
    pub product: &'a mut [T],
}

/// Rows of a [`Plan::pull_back`]: a task, or what is left to cut into tasks.
struct Piece<'a, T> {
    first: usize,
    states: &'a [T],
    output: &'a mut [T],
    of_states: Option<&'a mut [T]>,
    of_times: Option<&'a mut [f64]>,
}

impl<T> Piece<'_, T> {
    /// Up to `most` pieces of `count` rows, the last of which may have fewer, off its front.
    fn pieces(&mut self, plan: &Plan, count: usize, most: usize) -> Vec<Self> {
        (0..most).map_while(|_| self.split(plan, count)).collect()
    }

    /// The next piece; the sizes of all parts have been checked.
    fn split(&mut self, plan: &Plan, count: usize) -> Option<Self> {
        let count = count.min(self.states.len() / plan.dimension());
        if count == 0 {
            return None;
        }
        let (inputs, outputs) = (count * plan.dimension(), count * plan.outputs());
        let first = self.first;
        self.first += count;
        Some(Piece {
            first,
            states: self.states.split_off(..inputs)?,
            output: self.output.split_off_mut(..outputs)?,
            of_states: self.of_states.as_mut().and_then(|rest| rest.split_off_mut(..inputs)),
            of_times: self.of_times.as_mut().and_then(|rest| rest.split_off_mut(..count)),
        })
    }
}

/// Runs all tasks, spread over the threads.
fn each<W: Send>(
    work: Vec<W>,
    run: impl Fn(W) -> Result<(), FieldError> + Send + Sync,
) -> Result<(), FieldError> {
    // Going through a pool of one thread would only be a detour.
    if work.len() == 1 || rayon::current_num_threads() == 1 {
        work.into_iter().try_for_each(run)
    } else {
        work.into_par_iter().try_for_each(run)
    }
}

impl Plan {
    /// The output at states `x`, row after row, and back from it along what
    /// `cotangent(rows, f(x, t), c)` writes: one pass forward and one back.
    ///
    /// Rows are taken in pieces, so that the memory does not grow with their number, and the sum
    /// over rows does not depend on the number of threads.
    ///
    /// ```
    /// use driftfield_networks::{MlpConfig, Parameters, Plan, Pulled, Times};
    /// let config = MlpConfig { residual: true, ..MlpConfig::new(2) };
    /// let plan = Plan::new(&Parameters::initialise(&config, 0).unwrap());
    /// let (mut output, mut states) = ([0.0; 2], [0.0; 2]);
    /// let results = Pulled {
    ///     output: &mut output,
    ///     states: Some(&mut states),
    ///     times: None,
    ///     parameters: None,
    /// };
    /// // An untrained residual network is the identity; of |f|^2 / 2 the gradient is x.
    /// let own = |_rows: std::ops::Range<usize>, output: &[f64], c: &mut [f64]| {
    ///     c.copy_from_slice(output);
    ///     Ok(())
    /// };
    /// plan.pull_back(results, &[3.0, 4.0], Times::One(0.5), &own).unwrap();
    /// assert_eq!((output, states), ([3.0, 4.0], [3.0, 4.0]));
    /// ```
    ///
    /// # Errors
    /// States, times, labels or results whose sizes do not fit, and times that are not finite.
    pub fn pull_back<T: Scalar>(
        &self,
        results: Pulled<'_, T>,
        x: &[T],
        times: Times<'_>,
        cotangent: &RowCotangent<'_, T>,
    ) -> Result<(), FieldError> {
        let rows = self.check(x.len(), times)?;
        self.check_pulled(rows, &results)?;
        let Pulled { output, states: of_states, times: of_times, parameters } = results;
        let mut rest = Piece { first: 0, states: x, output, of_states, of_times };
        let run = |(piece, partial): (Piece<'_, T>, Option<&mut [f32]>)| {
            self.pull_back_piece(piece, partial, times, cotangent)
        };
        let Some(total) = parameters else {
            let pieces = rest.pieces(self, self.task_rows(rows), rows);
            return each(pieces.into_iter().map(|piece| (piece, None)).collect(), run);
        };
        // Sums over rows are formed of pieces of a fixed size.
        let (rows_of_piece, weights) = (self.layers.chunk(), self.weights());
        let at_once = rayon::current_num_threads().min(rows.div_ceil(rows_of_piece));
        let mut partial = vec![0.0; at_once * weights];
        total.fill(0.0);
        loop {
            let pieces = rest.pieces(self, rows_of_piece, at_once);
            let count = pieces.len();
            if count == 0 {
                return Ok(());
            }
            partial.fill(0.0);
            let partials = partial.chunks_exact_mut(weights).map(Some);
            each(pieces.into_iter().zip(partials).collect(), run)?;
            for partial in partial.chunks_exact(weights).take(count) {
                add_scaled(total, partial, 1.0);
            }
        }
    }

    /// `parameters` are those of these rows alone.
    fn pull_back_piece<T: Scalar>(
        &self,
        piece: Piece<'_, T>,
        parameters: Option<&mut [f32]>,
        times: Times<'_>,
        cotangent: &RowCotangent<'_, T>,
    ) -> Result<(), FieldError> {
        let Piece { first, states, output, of_states, of_times } = piece;
        let count = states.len() / self.dimension();
        with_buffers(|Buffers { states: buffer, outputs, labels }| {
            let states = single(buffer, states);
            let labels = self.labels_of(labels, first, count);
            let inputs = PassInputs { states, times: times.part(first, count), labels };
            outputs.resize(output.len(), 0.0);
            with_tape(&*self.layers, self.guidance.passes() * count, |tape| {
                let mut pass = self.pass(tape, inputs);
                pass.forward(outputs);
                store(output, outputs);
                let mut c = vec![T::zero(); output.len()];
                cotangent(first..first + count, output, &mut c)?;
                let c = single(outputs, &c);
                let mut found = of_states.as_ref().map(|of_states| vec![0.0; of_states.len()]);
                pass.backward(
                    c,
                    Gradients { states: found.as_deref_mut(), times: of_times, parameters },
                );
                if let (Some(to), Some(found)) = (of_states, found) {
                    store(to, &found);
                }
                Ok(())
            })
        })
    }

    /// The output at states `x`, and its change along a direction `v` of the states and `tau` of
    /// every row's time: `df/dx v + df/dt tau`, in one pass.
    ///
    /// # Errors
    /// As of [`Plan::pull_back`].
    pub fn push_forward<T: Scalar>(
        &self,
        results: Pushed<'_, T>,
        (x, v): (&[T], &[T]),
        (times, tau): (Times<'_>, &[f64]),
    ) -> Result<(), FieldError> {
        let rows = self.check(x.len(), times)?;
        self.check_outputs(rows, results.output.len())?;
        self.check_outputs(rows, results.product.len())?;
        if v.len() != x.len() || tau.len() != rows {
            return Err(FieldError::Shape {
                expected: format!("a direction of {} value(s) and {rows} time(s)", x.len()),
                found: format!("{} value(s) and {} time(s)", v.len(), tau.len()),
            });
        }
        let tile = self.task_rows(rows);
        let (inputs, outputs) = (tile * self.dimension(), tile * self.outputs());
        let Pushed { output, product } = results;
        let results = output.par_chunks_mut(outputs).zip(product.par_chunks_mut(outputs));
        let given = x.par_chunks(inputs).zip(v.par_chunks(inputs)).zip(tau.par_chunks(tile));
        results.zip(given).enumerate().for_each(|(index, ((output, product), ((x, v), tau)))| {
            let first = index * tile;
            with_buffers(|Buffers { states, outputs, labels }| {
                let states = single(states, x);
                let labels = self.labels_of(labels, first, tau.len());
                let inputs = PassInputs { states, times: times.part(first, tau.len()), labels };
                outputs.resize(output.len(), 0.0);
                with_tape(&*self.layers, self.guidance.passes() * tau.len(), |tape| {
                    let mut pass = self.pass(tape, inputs);
                    pass.forward(outputs);
                    store(output, outputs);
                    let mut along = Vec::new();
                    let direction = Direction { states: single(&mut along, v), times: tau };
                    pass.along(direction, outputs);
                    store(product, outputs);
                });
            });
        });
        Ok(())
    }

    /// Refuses results that do not fit.
    fn check_pulled<T>(&self, rows: usize, results: &Pulled<'_, T>) -> Result<(), FieldError> {
        let Pulled { output, states, times, parameters } = results;
        self.check_outputs(rows, output.len())?;
        let fits = |found: Option<usize>, expected| found.is_none_or(|found| found == expected);
        let all = fits(states.as_ref().map(|states| states.len()), rows * self.dimension())
            && fits(times.as_ref().map(|times| times.len()), rows)
            && fits(parameters.as_ref().map(|values| values.len()), self.weights());
        if all {
            return Ok(());
        }
        Err(FieldError::Shape {
            expected: format!(
                "gradients of {} value(s), {rows} time(s) and {} parameter(s)",
                rows * self.dimension(),
                self.weights()
            ),
            found: format!(
                "{:?}, {:?} and {:?}",
                states.as_ref().map(|states| states.len()),
                times.as_ref().map(|times| times.len()),
                parameters.as_ref().map(|values| values.len())
            ),
        })
    }
}
