//! Grids whose last step is one to the data, and the methods that make it.

use driftfield_problems::method::{ChosenMethod, IntendedGrid, StepToData};
use driftfield_problems::process::{GaussianPath, SharedPath};
use driftfield_problems::spacing::Spacing;
use driftfield_solvers::State;
use driftfield_solvers::method::{BoxedMethod, Method};

use super::{Budget, GenerateError, Settings, Span};

/// Whether the grid that a path has by default has no place at the data, as that of `edm`, whose
/// samplers make their last step there all the same.
pub(super) fn lays_no_data(path: &SharedPath) -> bool {
    path.default_spacing().needs_log_snr() && !path.domain().data.finite_log_snr
}

/// Whether a spacing brings its own ends.
fn has_own_ends(spacing: &Spacing) -> bool {
    matches!(spacing, Spacing::Times(_) | Spacing::Timesteps(_))
}

impl Settings {
    /// Whether a fixed grid ends with a step to the data on a path that
    /// [lays none](lays_no_data).
    pub(super) fn steps_to_data(&self, path: &SharedPath, spacing: &Spacing) -> bool {
        let end = match spacing {
            _ if self.t_end.is_some() => self.t_end,
            Spacing::Times(times) => times.last().copied(),
            _ => None,
        };
        let fixed = !matches!(self.budget, Budget::Adaptive { .. });
        fixed && lays_no_data(path) && end == Some(path.domain().data.t)
    }

    /// The same of a grid laid by a list of orders, which then has no order for that step.
    pub(super) fn orders_end_before_data(&self, path: &SharedPath, spacing: &Spacing) -> bool {
        self.steps_to_data(path, spacing) && !has_own_ends(spacing)
    }
}

/// The method, made one that can step to the data if its grid ends with such a step and it cannot by
/// itself.
pub(super) fn reaching_data<S: State>(
    mut chosen: ChosenMethod<S>,
    grid: &IntendedGrid,
    settings: &Settings,
) -> ChosenMethod<S> {
    let by_itself = chosen.method.info().evaluations_to_data.is_some() && chosen.orders.is_none();
    if settings.steps_to_data(&grid.path, &grid.spacing) && !by_itself {
        let end = grid.path.domain().data.t;
        chosen.method = BoxedMethod::new(StepToData::new(chosen.method, end));
    }
    chosen
}

/// The times of `steps` steps. Where the spacing, or a list of orders, has no place at the data
/// and the path lays none, the grid is that to the path's default end, and one step more.
pub(super) fn times(
    grid: &IntendedGrid,
    orders: Option<&[usize]>,
    settings: &Settings,
    span: Span,
    steps: usize,
) -> Result<Vec<f64>, GenerateError> {
    let (path, spacing) = (&grid.path, &grid.spacing);
    let lay = |start: f64, end: f64, steps: usize| match orders {
        Some(orders) => grid.times_of_orders(start, end, orders),
        None => spacing.times(path, start, end, steps),
    };
    let Span { start, end } = span;
    let (data, last) = (path.domain().data.t, path.default_span().1);
    let by_orders = orders.is_some() && settings.orders_end_before_data(path, spacing);
    let beside = lays_no_data(path) && (spacing.needs_log_snr() || by_orders);
    let other = if start == data { end } else { start };
    if !beside || ![start, end].contains(&data) || start == end {
        return Ok(lay(start, end, steps)?);
    }
    if steps == 1 {
        return Ok(vec![start, end]);
    }
    if other <= last {
        return Err(GenerateError::NoRoomBeforeData { t: other, last });
    }
    if end == data {
        let mut times = lay(start, last, steps - 1)?;
        times.push(end);
        return Ok(times);
    }
    let rest = lay(last, end, steps - 1)?;
    Ok(std::iter::once(start).chain(rest).collect())
}
