use candle_core::Tensor;

use super::tensor::{backend, check_shape, sum_by_kernels};
use super::{LaneNumbers, PerLane, State, StateError, Tolerance};

/// A tensor whose graph is kept through the whole solve, so that gradients of
/// the solution with respect to the initial state or to the field's parameters
/// can be asked for (discretise, then optimise).
///
/// A plain [`Tensor`] is detached at every step, because the graph of a long
/// solve keeps every intermediate state in memory.
///
/// ```
/// use candle_core::{Device, Tensor, Var};
/// use driftfield_solvers::{OdeProblem, SolveOptions, TrackedTensor, method::Euler, solve};
/// let start = Var::new(&[[1.0f64]], &Device::Cpu).unwrap();
/// let decay = |du: &mut TrackedTensor, u: &TrackedTensor, _t: f64| du.0 = u.0.neg().unwrap();
/// let problem = OdeProblem::new(decay, TrackedTensor(start.as_tensor().clone()), (0.0, 1.0));
/// let end = solve(&problem, &Euler::new(), SolveOptions::steps(10)).unwrap().complete().unwrap();
/// let gradient = end.0.backward().unwrap().get(&start).unwrap().clone();
/// let slope = gradient.flatten_all().unwrap().to_vec1::<f64>().unwrap()[0];
/// assert!((slope - 0.9f64.powi(10)).abs() < 1e-14);
/// ```
#[derive(Debug, Clone)]
pub struct TrackedTensor(pub Tensor);

impl State for TrackedTensor {
    fn lanes(&self) -> usize {
        self.0.lanes()
    }

    fn lane_len(&self) -> usize {
        self.0.lane_len()
    }

    fn zeros_like(&self) -> Self {
        TrackedTensor(State::zeros_like(&self.0))
    }

    fn copy_from(&mut self, other: &Self) -> Result<(), StateError> {
        check_shape(&self.0, &other.0)?;
        self.0 = other.0.clone();
        Ok(())
    }

    fn linear_combination(&mut self, own: f64, terms: &[(f64, &Self)]) -> Result<(), StateError> {
        for (_, term) in terms {
            check_shape(&self.0, &term.0)?;
        }
        let own = (own != 0.0).then_some((own, &self.0));
        let all = own.into_iter().chain(terms.iter().map(|&(c, term)| (c, &term.0)));
        self.0 = match sum_by_kernels(all).map_err(backend)? {
            Some(sum) => sum,
            None => Tensor::zeros_like(&self.0).map_err(backend)?,
        };
        Ok(())
    }

    fn add_product(&mut self, a: &Self, b: &Self) -> Result<(), StateError> {
        check_shape(&self.0, &a.0)?;
        check_shape(&self.0, &b.0)?;
        self.0 = (&a.0 * &b.0).and_then(|product| &self.0 + product).map_err(backend)?;
        Ok(())
    }

    fn weighted_mean_squares(
        &self,
        before: &Self,
        after: &Self,
        tolerance: &Tolerance,
        mean_squares: &mut Vec<f64>,
    ) -> Result<(), StateError> {
        self.0.weighted_mean_squares(&before.0, &after.0, tolerance, mean_squares)
    }

    fn dot_lanes(&self, other: &Self) -> Result<Vec<f64>, StateError> {
        self.0.dot_lanes(&other.0)
    }

    fn first_non_finite_lane(&self) -> Result<Option<usize>, StateError> {
        self.0.first_non_finite_lane()
    }

    fn fill_lanes(&mut self, fill: impl FnMut(usize, &mut [f64])) -> Result<(), StateError> {
        self.0.fill_lanes(fill)
    }

    fn draw_lanes(
        states: &mut [Self],
        each: PerLane,
        scales: &[f64],
        numbers: &mut impl LaneNumbers,
    ) -> Result<(), StateError> {
        let mut tensors: Vec<_> = states.iter().map(|state| state.0.clone()).collect();
        Tensor::draw_lanes(&mut tensors[..], each, scales, numbers)?;
        for (state, tensor) in states.iter_mut().zip(tensors) {
            state.0 = tensor;
        }
        Ok(())
    }
}
