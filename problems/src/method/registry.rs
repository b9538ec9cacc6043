//! Every method that runs on the fields of a Gaussian path, by name.

use driftfield_solvers::State;
use driftfield_solvers::method::registry::{runge_kutta_methods, stochastic_methods};
use driftfield_solvers::method::{BoxedMethod, Method};

use super::Ancestral;
use crate::flow::PathField;
use crate::spec::{Spec, SpecError};

/// A method for the fields of a Gaussian path, chosen at run time.
pub type PathMethod<S> = BoxedMethod<S, PathField<S>>;

/// Every method, Runge-Kutta first.
pub fn path_methods<S: State>() -> Vec<PathMethod<S>> {
    let mut methods = runge_kutta_methods();
    methods.extend(stochastic_methods());
    methods.push(BoxedMethod::new(Ancestral::new()));
    methods
}

/// The method written `name` or `name:key=value`.
///
/// ```
/// use driftfield_problems::method::parse;
/// use driftfield_solvers::method::Method;
/// assert_eq!(parse::<[f64; 2]>("heun").unwrap().info().order, 2);
/// let error = parse::<[f64; 2]>("huen").err().unwrap();
/// assert!(error.to_string().contains("did you mean `heun`"));
/// ```
pub fn parse<S: State>(text: &str) -> Result<PathMethod<S>, SpecError> {
    let spec: Spec = text.parse()?;
    let methods = path_methods::<S>();
    let names: Vec<&str> = methods.iter().map(|method| method.info().name).collect();
    let unknown = || SpecError::unknown_name("solver", spec.name(), names.iter().copied());
    let at = names.iter().position(|&name| name == spec.name()).ok_or_else(unknown)?;
    spec.only(&[])?;
    methods.into_iter().nth(at).ok_or_else(unknown)
}
