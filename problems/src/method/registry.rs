//! Every method that runs on the fields of a Gaussian path, by name.

use driftfield_solvers::State;
use driftfield_solvers::method::registry::{
    additive_methods, exponential_methods, runge_kutta_methods, stochastic_exponential_methods,
    stochastic_methods,
};
use driftfield_solvers::method::{BoxedMethod, Method};

use super::{
    Ancestral, ancestral_steps, churned, deis, dpm_solver, langevin, sde_dpm_solver, unipc,
};
use crate::flow::PathField;
use crate::process::SharedPath;
use crate::spacing::{Spacing, SpacingError};
use crate::spec::{Spec, SpecError};

/// A method for the fields of a Gaussian path, chosen at run time.
pub type PathMethod<S> = BoxedMethod<S, PathField<S>>;

/// Every method with its default settings, Runge-Kutta first.
pub fn path_methods<S: State>() -> Vec<PathMethod<S>> {
    let mut methods = runge_kutta_methods();
    methods.extend(exponential_methods());
    methods.extend(stochastic_methods());
    methods.extend(additive_methods());
    methods.extend(stochastic_exponential_methods());
    methods.push(BoxedMethod::new(Ancestral::new()));
    methods.extend(langevin::defaults());
    methods
}

/// The fixed grid a method is going to run on, for those that follow it.
#[derive(Debug, Clone)]
pub struct IntendedGrid {
    /// The path.
    pub path: SharedPath,
    /// What places the grid's times, and the inner nodes of singlestep exponential
    /// methods too.
    pub spacing: Spacing,
    /// Evaluations to be used up, if that is what is given instead of a number of
    /// steps.
    pub evaluations: Option<usize>,
}

/// A method and the grid it asks for.
pub struct ChosenMethod<S: State> {
    /// The method.
    pub method: PathMethod<S>,
    /// Order, and number of evaluations, of every step, for methods that use up a number of
    /// evaluations by an order list (singlestep DPM-Solver).
    pub orders: Option<Vec<usize>>,
}

impl IntendedGrid {
    /// The times of steps of these orders. For `logsnr`, that many steps; for any other
    /// spacing, the grid of one step per evaluation, of which every step takes
    /// as many as its order (the grids of DPM-Solver's published code).
    pub fn times_of_orders(
        &self,
        start: f64,
        end: f64,
        orders: &[usize],
    ) -> Result<Vec<f64>, SpacingError> {
        if self.spacing == Spacing::LogSnr {
            return self.spacing.times(&self.path, start, end, orders.len());
        }
        let fine = self.spacing.times(&self.path, start, end, orders.iter().sum())?;
        let ends = orders.iter().scan(0, |at, order| {
            *at += order;
            Some(fine[*at])
        });
        Ok(std::iter::once(start).chain(ends).collect())
    }
}

/// The method written `name` or `name:key=value`.
///
/// ```
/// use driftfield_problems::method::parse;
/// use driftfield_solvers::method::Method;
/// assert_eq!(parse::<[f64; 2]>("heun").unwrap().info().order, 2);
/// assert_eq!(parse::<[f64; 2]>("dpm-solver++3m:form=reference").unwrap().info().order, 2);
/// let error = parse::<[f64; 2]>("huen").err().unwrap();
/// assert!(error.to_string().contains("did you mean `heun`"));
/// ```
pub fn parse<S: State>(text: &str) -> Result<PathMethod<S>, SpecError> {
    Ok(choose(text, None)?.method)
}

/// The method written `name` or `name:key=value`, made for a grid.
pub fn parse_for<S: State>(text: &str, grid: &IntendedGrid) -> Result<ChosenMethod<S>, SpecError> {
    choose(text, Some(grid))
}

/// The method `spec` names, if it is one of the family; made for the grid, if there is one.
type Builder<S> = fn(&Spec, Option<&IntendedGrid>) -> Result<Option<ChosenMethod<S>>, SpecError>;

/// The families whose methods have parameters.
fn builders<S: State>() -> [Builder<S>; 7] {
    [
        dpm_solver::build,
        unipc::build,
        deis::build,
        churned::build,
        ancestral_steps::build,
        sde_dpm_solver::build,
        langevin::build,
    ]
}

fn choose<S: State>(text: &str, grid: Option<&IntendedGrid>) -> Result<ChosenMethod<S>, SpecError> {
    let spec: Spec = text.parse()?;
    for build in builders() {
        if let Some(chosen) = build(&spec, grid)? {
            return Ok(chosen);
        }
    }
    let methods = path_methods::<S>();
    let names: Vec<&str> = methods.iter().map(|method| method.info().name).collect();
    let unknown = || SpecError::unknown_name("solver", spec.name(), names.iter().copied());
    let at = names.iter().position(|&name| name == spec.name()).ok_or_else(unknown)?;
    spec.only(&[])?;
    let method = methods.into_iter().nth(at).ok_or_else(unknown)?;
    Ok(ChosenMethod { method, orders: None })
}
