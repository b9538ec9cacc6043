use std::fmt;
use std::sync::Arc;

use driftfield_solvers::State;
use driftfield_solvers::method::{BoxedMethod, Method};

use crate::flow::PathField;
use crate::process::SharedPath;
use crate::spacing::{Spacing, SpacingError};

/// A method for the fields of a Gaussian path, chosen at run time.
pub type PathMethod<S> = BoxedMethod<S, PathField<S>>;

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

/// A method with its settings, to be made as soon as the grid is known that it will run on: most
/// are the same on all, singlestep exponential methods follow it.
pub struct Recipe<S: State> {
    make: Arc<Make<S>>,
}

type Make<S> = dyn Fn(Option<&IntendedGrid>) -> ChosenMethod<S> + Send + Sync;

impl<S: State> Recipe<S> {
    /// `method`, on whatever grid.
    pub fn new<M>(method: M) -> Self
    where
        M: Method<S, PathField<S>> + Clone + Send + Sync + 'static,
    {
        Recipe::made_by(move || BoxedMethod::new(method.clone()))
    }

    /// What `make` makes, on whatever grid.
    pub fn made_by(make: impl Fn() -> PathMethod<S> + Send + Sync + 'static) -> Self {
        Recipe::following(move |_| ChosenMethod { method: make(), orders: None })
    }

    /// A method that follows the grid, where one is known.
    pub fn following(
        make: impl Fn(Option<&IntendedGrid>) -> ChosenMethod<S> + Send + Sync + 'static,
    ) -> Self {
        Recipe { make: Arc::new(make) }
    }

    /// The method, made for a fixed grid if there is one.
    pub fn make(&self, grid: Option<&IntendedGrid>) -> ChosenMethod<S> {
        (self.make)(grid)
    }
}

impl<S: State> Clone for Recipe<S> {
    fn clone(&self) -> Self {
        Recipe { make: self.make.clone() }
    }
}

impl<S: State> fmt::Debug for Recipe<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Recipe").field(&self.make(None).method.info().name).finish()
    }
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
