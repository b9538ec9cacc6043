//! Products with the Jacobian of any network, with the evaluation they come from.

use std::ops::Range;

use driftfield_solvers::{FieldError, Scalar};
use rayon::prelude::*;

use super::tapes::{Buffers, with_buffers, with_tape};
use super::{Plan, single, store};
use crate::kernel::add_scaled;
use crate::pass::{Direction, Gradients, Inputs, Times};

/// Given rows by number and their outputs, writes what goes back from them; called for pieces of
/// a batch, on any thread.
pub type RowCotangent<'c, T> =
    dyn Fn(Range<usize>, &[T], &mut [T]) -> Result<(), FieldError> + Sync + 'c;

/// Where the results of [`Plan::pull_back`] go.
#[derive(Debug)]
pub struct Pulled<'a, T> {
    /// The output `f(x, t)`.
    pub output: &'a mut [T],
    /// What the cotangent wrote: `c`.
    pub direction: &'a mut [T],
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

/// A task of [`Plan::pull_back`].
struct Piece<'a, T> {
    first: usize,
    states: &'a [T],
    output: &'a mut [T],
    direction: &'a mut [T],
    of_states: Option<&'a mut [T]>,
    of_times: Option<&'a mut [f64]>,
    /// All parameters' of these rows alone.
    of_parameters: Option<&'a mut [f32]>,
}

/// The first `len` values of what is left in `rest`, which there are if any are wanted.
fn take<'a, V>(rest: &mut Option<&'a mut [V]>, len: usize) -> Option<&'a mut [V]> {
    rest.as_mut()?.split_off_mut(..len)
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
    /// let (mut output, mut direction, mut states) = ([0.0; 2], [0.0; 2], [0.0; 2]);
    /// let results = Pulled {
    ///     output: &mut output,
    ///     direction: &mut direction,
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
        let Pulled { output, direction, mut states, times: mut of_times, parameters } = results;
        let (mut output, mut direction) = (Some(output), Some(direction));
        let (threads, weights) = (rayon::current_num_threads(), self.weights());
        // Sums over rows are formed of pieces of a fixed size.
        let piece = if parameters.is_some() { self.layers.chunk() } else { self.task_rows(rows) };
        let mut sums = parameters.map(|total| {
            total.fill(0.0);
            (total, vec![0.0; threads.min(rows.div_ceil(piece)) * weights])
        });
        let at_once = if sums.is_some() { threads * piece } else { rows };
        for first in (0..rows).step_by(at_once) {
            let last = rows.min(first + at_once);
            let mut partial = sums.as_mut().map(|(_, partial)| {
                partial.fill(0.0);
                &mut partial[..]
            });
            let mut pieces = Vec::new();
            for first in (first..last).step_by(piece) {
                let count = piece.min(last - first);
                let (inputs, outputs) = (count * self.dimension(), count * self.outputs());
                let results = (take(&mut output, outputs), take(&mut direction, outputs));
                // The sizes are checked: there are as many as rows.
                let (Some(output), Some(direction)) = results else { break };
                pieces.push(Piece {
                    first,
                    states: &x[first * self.dimension()..][..inputs],
                    output,
                    direction,
                    of_states: take(&mut states, inputs),
                    of_times: take(&mut of_times, count),
                    of_parameters: take(&mut partial, weights),
                });
            }
            let count = pieces.len();
            let one = |piece| self.pull_back_piece(piece, times, cotangent);
            if count == 1 || threads == 1 {
                pieces.into_iter().try_for_each(one)?;
            } else {
                pieces.into_par_iter().try_for_each(one)?;
            }
            if let Some((total, partial)) = &mut sums {
                for partial in partial.chunks_exact(weights).take(count) {
                    add_scaled(total, partial, 1.0);
                }
            }
        }
        Ok(())
    }

    fn pull_back_piece<T: Scalar>(
        &self,
        piece: Piece<'_, T>,
        times: Times<'_>,
        cotangent: &RowCotangent<'_, T>,
    ) -> Result<(), FieldError> {
        let Piece { first, states, output, direction, of_states, of_times, of_parameters } = piece;
        let count = states.len() / self.dimension();
        with_buffers(|Buffers { states: buffer, outputs, labels }| {
            let states = single(buffer, states);
            let labels = self.labels_of(labels, first, count);
            let inputs = Inputs { states, times: times.part(first, count), labels };
            outputs.resize(output.len(), 0.0);
            with_tape(&*self.layers, self.guidance.passes() * count, |tape| {
                let mut pass = self.pass(tape, inputs);
                pass.forward(outputs);
                store(output, outputs);
                cotangent(first..first + count, output, direction)?;
                let c = single(outputs, direction);
                let mut found = of_states.as_ref().map(|of_states| vec![0.0; of_states.len()]);
                pass.backward(
                    c,
                    Gradients {
                        states: found.as_deref_mut(),
                        times: of_times,
                        parameters: of_parameters,
                    },
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
                let inputs = Inputs { states, times: times.part(first, tau.len()), labels };
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
        let Pulled { output, direction, states, times, parameters } = results;
        self.check_outputs(rows, output.len())?;
        self.check_outputs(rows, direction.len())?;
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
