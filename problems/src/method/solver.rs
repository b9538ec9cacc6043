use std::fmt;
use std::sync::Arc;

use driftfield_solvers::Scalar;
use driftfield_solvers::method::{Method, MethodInfo, StochasticInfo};
use ndarray::ArrayD;

use super::catalog::catalog;
use super::{ChosenMethod, IntendedGrid, Recipe};
use crate::flow::PathField;
use crate::spec::SpecError;

/// A method with a label, for states of either precision: what generation and the study take,
/// be it one of [ours](catalog) or one of your own.
///
/// ```
/// use driftfield_problems::method::Solver;
/// use driftfield_solvers::method::exponential::Ddim;
/// let ours = Solver::parse("dpm-solver++2m:start=matching").unwrap();
/// assert_eq!((ours.label(), ours.info().order), ("dpm-solver++2m:start=matching", 2));
/// // Whatever is a method for both precisions; `Ddim` stands for one of your own.
/// let own = Solver::new("mine", Ddim::default());
/// assert_eq!((own.label(), own.info().evaluations_per_step), ("mine", 1));
/// ```
#[derive(Clone)]
pub struct Solver {
    label: Arc<str>,
    info: MethodInfo,
    stochastic: Option<StochasticInfo>,
    single: Recipe<ArrayD<f32>>,
    double: Recipe<ArrayD<f64>>,
}

impl Solver {
    /// A method of your own, written for any state,
    /// `impl<S: State, F: SemilinearField<S>> Method<S, F> for Mine`, or for these two.
    pub fn new<M>(label: impl Into<Arc<str>>, method: M) -> Self
    where
        M: Method<ArrayD<f32>, PathField<ArrayD<f32>>>
            + Method<ArrayD<f64>, PathField<ArrayD<f64>>>
            + Clone
            + Send
            + Sync
            + 'static,
    {
        Solver::of(label, Recipe::new(method.clone()), Recipe::new(method))
    }

    /// A method in both precisions, of which each is made when its grid is known.
    pub fn of(
        label: impl Into<Arc<str>>,
        single: Recipe<ArrayD<f32>>,
        double: Recipe<ArrayD<f64>>,
    ) -> Self {
        let method = double.make(None).method;
        let (info, stochastic) = (method.info(), method.stochastic());
        Solver { label: label.into(), info, stochastic, single, double }
    }

    /// The method of the [standard catalogue](catalog) written `name` or `name:key=value`, with
    /// that text, in names of ours, for its label.
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        catalog().build(text)
    }

    /// What it is called in tables and messages.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The same under another label.
    #[must_use]
    pub fn labelled(self, label: impl Into<Arc<str>>) -> Self {
        Solver { label: label.into(), ..self }
    }

    /// Name, orders and costs.
    pub fn info(&self) -> MethodInfo {
        self.info
    }

    /// Sense, kinds of noise and orders of a stochastic method.
    pub fn stochastic(&self) -> Option<StochasticInfo> {
        self.stochastic
    }

    /// The method in one precision, made for a fixed grid if there is one.
    pub fn make<T: MethodPrecision>(&self, grid: Option<&IntendedGrid>) -> ChosenMethod<ArrayD<T>> {
        T::recipe(self).make(grid)
    }
}

impl fmt::Debug for Solver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Solver").field("label", &self.label).field("info", &self.info).finish()
    }
}

impl fmt::Display for Solver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label)
    }
}

/// The numbers a [`Solver`] has a method for: `f32` and `f64`.
pub trait MethodPrecision: Scalar {
    /// The solver's method for states of these numbers.
    fn recipe(solver: &Solver) -> &Recipe<ArrayD<Self>>;
}

impl MethodPrecision for f32 {
    fn recipe(solver: &Solver) -> &Recipe<ArrayD<f32>> {
        &solver.single
    }
}

impl MethodPrecision for f64 {
    fn recipe(solver: &Solver) -> &Recipe<ArrayD<f64>> {
        &solver.double
    }
}
