use ndarray::Array1;

use super::{LaneNumbers, PerLane, State, StateError, Tolerance, draw};

/// A state and one more `f64` for each of its lanes, integrated together: the change of a
/// log-density, the log-weight of a particle, a cost along the path. The numbers stay in double
/// precision whatever the state is made of, and go wherever their lanes go.
///
/// In the error norm a number is one more component of its lane, the last one: tolerances given
/// by component end with its own. [`WithNumbers::outside_error_norm`] leaves it out; then the
/// steps are those of the state alone.
///
/// # Noise
///
/// Under scalar and general noise a Brownian motion of the lane drives the number as it drives
/// every other component, with the number that the field's column has there: the weight of
/// Girsanov's theorem, `d log w = -|a|^2/2 dt - a dW`, is integrated with the very increments of
/// its path. Under diagonal noise every component has a Brownian motion of its own and the number
/// has none: the path is that of the state alone to the bit, and the field must write 0 for the
/// number's diffusion.
///
/// # Which fields
///
/// Any method of ordinary and of stochastic equations. The linear part of a semilinear equation
/// acts on all of a state, on the numbers too, so that exponential methods do not fit.
///
/// ```
/// use driftfield_solvers::{OdeProblem, SolveOptions, WithNumbers, method::Tsit5, solve};
/// use ndarray::{Array2, array};
/// // Points in the flow `x' = a x` carry d(log p)/dt = -div = -2 a.
/// let a = 0.5;
/// type Points = WithNumbers<Array2<f64>>;
/// let field = |du: &mut Points, u: &Points, _t: f64| {
///     du.state.zip_mut_with(&u.state, |du, u| *du = a * u);
///     du.numbers.fill(-2.0 * a);
/// };
/// let start = WithNumbers::new(array![[1.0, 0.0], [0.5, 2.0], [0.0, 1.0]]);
/// let problem = OdeProblem::new(field, start, (0.0, 3.0));
/// let options = SolveOptions::adaptive(1e-9, 1e-9);
/// let end = solve(&problem, &Tsit5::new(), options).unwrap().complete().unwrap();
/// assert!((end.numbers[2] + 3.0).abs() < 1e-12);
/// assert!((end.state[[2, 1]] - 1.5_f64.exp()).abs() < 1e-7);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct WithNumbers<S> {
    /// The state.
    pub state: S,
    /// The number of each lane.
    pub numbers: Array1<f64>,
    judged: bool,
}

impl<S: State> WithNumbers<S> {
    /// A state with numbers of 0.
    pub fn new(state: S) -> Self {
        let numbers = Array1::zeros(state.lanes());
        WithNumbers { state, numbers, judged: true }
    }

    /// The same, in a solve whose error norm does not see the numbers. They must still be finite.
    #[must_use]
    pub fn outside_error_norm(mut self) -> Self {
        self.judged = false;
        self
    }

    /// Refuses numbers that are not one for each lane: both are open to fields and observers.
    fn check(&self) -> Result<(), StateError> {
        let (lanes, found) = (self.state.lanes(), self.numbers.len());
        if found == lanes { Ok(()) } else { Err(StateError::LaneCoefficients { lanes, found }) }
    }
}

/// Terms of both parts.
type Terms<'a, C, S> = (Vec<(C, &'a S)>, Vec<(C, &'a Array1<f64>)>);

fn apart<'a, C: Copy, S>(terms: &[(C, &'a WithNumbers<S>)]) -> Terms<'a, C, S> {
    terms.iter().map(|&(c, term)| ((c, &term.state), (c, &term.numbers))).unzip()
}

impl<S: State> State for WithNumbers<S> {
    fn lanes(&self) -> usize {
        self.state.lanes()
    }

    fn lane_len(&self) -> usize {
        self.state.lane_len() + usize::from(self.judged)
    }

    fn lane_reals(&self) -> usize {
        self.state.lane_reals() + 1
    }

    fn zeros_like(&self) -> Self {
        let (state, numbers) = (self.state.zeros_like(), Array1::zeros(self.numbers.len()));
        WithNumbers { state, numbers, judged: self.judged }
    }

    fn copy_from(&mut self, other: &Self) -> Result<(), StateError> {
        self.state.copy_from(&other.state)?;
        self.numbers.copy_from(&other.numbers)
    }

    fn take_from(&mut self, other: &mut Self) -> Result<(), StateError> {
        self.state.take_from(&mut other.state)?;
        self.numbers.take_from(&mut other.numbers)
    }

    fn linear_combination(&mut self, own: f64, terms: &[(f64, &Self)]) -> Result<(), StateError> {
        let (states, numbers) = apart(terms);
        self.state.linear_combination(own, &states)?;
        self.numbers.linear_combination(own, &numbers)
    }

    fn linear_combination_and_product(
        &mut self,
        own: f64,
        terms: &[(f64, &Self)],
        (a, b): (&Self, &Self),
    ) -> Result<(), StateError> {
        let (states, numbers) = apart(terms);
        self.state.linear_combination_and_product(own, &states, (&a.state, &b.state))?;
        self.numbers.linear_combination_and_product(own, &numbers, (&a.numbers, &b.numbers))
    }

    fn add_product(&mut self, a: &Self, b: &Self) -> Result<(), StateError> {
        self.state.add_product(&a.state, &b.state)?;
        self.numbers.add_product(&a.numbers, &b.numbers)
    }

    fn weighted_mean_squares(
        &self,
        before: &Self,
        after: &Self,
        tolerance: &Tolerance,
        mean_squares: &mut Vec<f64>,
    ) -> Result<(), StateError> {
        self.check()?;
        tolerance.abstol.check_len(self.lane_len())?;
        tolerance.reltol.check_len(self.lane_len())?;
        let len = self.state.lane_len();
        let of_state = tolerance.part(0..len);
        self.state.weighted_mean_squares(&before.state, &after.state, &of_state, mean_squares)?;
        if !self.judged {
            let lanes = mean_squares.iter_mut().zip(self.numbers.iter().zip(&after.numbers));
            let bad = lanes.filter(|(_, (error, after))| !(error.is_finite() && after.is_finite()));
            bad.for_each(|(mean, _)| *mean = f64::NAN);
            return Ok(());
        }
        let mut squares = Vec::new();
        let of_number = tolerance.part(len..len + 1);
        let (before, after) = (&before.numbers, &after.numbers);
        self.numbers.weighted_mean_squares(before, after, &of_number, &mut squares)?;
        let len = len as f64;
        for (mean, square) in mean_squares.iter_mut().zip(squares) {
            *mean = (len * *mean + square) / (len + 1.0);
        }
        Ok(())
    }

    fn select_lanes(&self, lanes: &[usize]) -> Result<Self, StateError> {
        let numbers = self.numbers.select_lanes(lanes)?;
        Ok(WithNumbers { state: self.state.select_lanes(lanes)?, numbers, judged: self.judged })
    }

    fn assign_lanes(&mut self, other: &Self, pairs: &[(usize, usize)]) -> Result<(), StateError> {
        self.state.assign_lanes(&other.state, pairs)?;
        self.numbers.assign_lanes(&other.numbers, pairs)
    }

    fn combine_lanes(&mut self, own: &[f64], terms: &[(&[f64], &Self)]) -> Result<(), StateError> {
        let (states, numbers) = apart(terms);
        self.state.combine_lanes(own, &states)?;
        self.numbers.combine_lanes(own, &numbers)
    }

    fn dot_lanes(&self, other: &Self) -> Result<Vec<f64>, StateError> {
        let (states, numbers) =
            (self.state.dot_lanes(&other.state)?, self.numbers.dot_lanes(&other.numbers)?);
        Ok(states
            .into_iter()
            .zip(numbers)
            .map(|(of_state, of_number)| of_state + of_number)
            .collect())
    }

    fn first_non_finite_lane(&self) -> Result<Option<usize>, StateError> {
        self.check()?;
        let lanes = [self.state.first_non_finite_lane()?, self.numbers.first_non_finite_lane()?];
        Ok(lanes.into_iter().flatten().min())
    }

    /// The number is the last of its lane.
    fn fill_lanes(&mut self, mut fill: impl FnMut(usize, &mut [f64])) -> Result<(), StateError> {
        let mut numbers = self.numbers.iter_mut().map(std::slice::from_mut).enumerate();
        let mut current = 0;
        self.state.fill_lanes(|lane, block| {
            if lane != current {
                current = lane;
                if let Some((lane, number)) = numbers.next() {
                    fill(lane, number);
                }
            }
            fill(lane, block);
        })?;
        numbers.for_each(|(lane, number)| fill(lane, number));
        Ok(())
    }

    fn draw_lanes(
        states: &mut [Self],
        each: PerLane,
        scales: &[f64],
        numbers: &mut impl LaneNumbers,
    ) -> Result<(), StateError> {
        if each == PerLane::One {
            return draw::lane_by_lane(states, each, scales, numbers);
        }
        for (to, scale) in states.iter_mut().zip(scales) {
            let (state, scale) = (std::slice::from_mut(&mut to.state), std::slice::from_ref(scale));
            S::draw_lanes(state, each, scale, numbers)?;
            to.numbers.fill(0.0);
        }
        Ok(())
    }
}
