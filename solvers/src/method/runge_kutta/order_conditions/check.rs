use super::ElementaryWeights;
use crate::method::runge_kutta::{Continuous, ErrorWeights, Tableau};
use crate::number::Number;

/// The highest order whose conditions [`check`] verifies (200 trees).
pub const MAX_CHECKED_ORDER: u32 = 8;

/// How far a condition may be off in [`check`]. The tableaux of this crate are
/// within 2e-15; coefficients in the hundreds, as some methods have, leave more.
pub const TOLERANCE: f64 = 1e-12;

/// The continuous weights are polynomials of moderate degree: conditions that
/// hold at eleven points hold everywhere.
const THETA_INTERVALS: u32 = 10;

/// Why a tableau is not what it says it is.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TableauError {
    /// The tableau has no stages.
    #[error("a tableau needs at least one stage")]
    Empty,
    /// An array has the wrong length.
    #[error("{what} must have {expected} entries, has {found}")]
    Length {
        /// The array.
        what: String,
        /// Entries it should have.
        expected: usize,
        /// Entries it has.
        found: usize,
    },
    /// A row of `a` does not add up to its node.
    #[error(
        "row {stage} of a adds up to {sum}, but c is {node}",
        sum = Number(*sum), node = Number(*node)
    )]
    RowSum {
        /// The stage, extra stages counted on after `f(u_next, t_next)`.
        stage: usize,
        /// `sum_j a_ij`.
        sum: f64,
        /// `c_i`.
        node: f64,
    },
    /// The last row of `a` is `b` but for a small difference, so that the last
    /// stage would be evaluated again as the first stage of the next step.
    #[error("the last row of a differs from b by {difference:e}: make them equal, bit for bit")]
    NearlyFirstSameAsLast {
        /// `max_j |a_sj - b_j|`.
        difference: f64,
    },
    /// The weights of an error estimate do not cancel.
    #[error("the weights of the {estimate} add up to {sum:e}, not 0")]
    ErrorSum {
        /// Which estimate.
        estimate: &'static str,
        /// Their sum.
        sum: f64,
    },
    /// A solution does not have its order.
    #[error("the {solution} misses the conditions of order {order} by {residual:e}")]
    Order {
        /// Which solution.
        solution: &'static str,
        /// The order declared.
        order: u32,
        /// The worst residual.
        residual: f64,
    },
    /// The continuous extension does not have its order.
    #[error(
        "the continuous extension misses the conditions of order {order} by {residual:e} \
         at theta = {theta}",
        theta = Number(*theta)
    )]
    ContinuousOrder {
        /// The order declared.
        order: u32,
        /// Where in the step.
        theta: f64,
        /// The worst residual.
        residual: f64,
    },
    /// The continuous extension does not pass through the ends of the step.
    #[error(
        "weight {stage} of the continuous extension is off by {difference:e} at theta = {theta}",
        theta = Number(*theta)
    )]
    ContinuousEnd {
        /// The stage.
        stage: usize,
        /// 0 or 1.
        theta: f64,
        /// By how much.
        difference: f64,
    },
}

/// Verifies lengths, row sums and all order conditions of a tableau: of `b`, of
/// the embedded solutions and of the method's own continuous extension, each up to
/// its declared order or [`MAX_CHECKED_ORDER`]. (That the declared order is not too
/// modest is left to the caller: see [`residual`](super::residual) at `order + 1`.)
pub fn check(tableau: &Tableau) -> Result<(), TableauError> {
    check_lengths(tableau)?;
    check_row_sums(tableau.a, tableau.c, 0)?;
    check_last_row(tableau)?;
    let elementary = ElementaryWeights::new(tableau.a, tableau.c, MAX_CHECKED_ORDER);
    check_order(&elementary, tableau.b, "propagated solution", tableau.order)?;
    for (estimate, embedded_order, weights) in estimates(tableau) {
        let sum: f64 = weights.iter().sum();
        if !small(sum) {
            return Err(TableauError::ErrorSum { estimate, sum });
        }
        let embedded: Vec<f64> = tableau.b.iter().zip(weights).map(|(b, e)| b - e).collect();
        check_order(&elementary, &embedded, "embedded solution", embedded_order)?;
    }
    check_continuous(tableau)
}

fn small(difference: f64) -> bool {
    difference.abs() <= TOLERANCE
}

fn estimates(tableau: &Tableau) -> Vec<(&'static str, u32, &'static [f64])> {
    match tableau.error {
        ErrorWeights::None => vec![],
        ErrorWeights::Single { order, weights } => vec![("error estimate", order, weights)],
        ErrorWeights::Stretched { high_order, high, low_order, low } => vec![
            ("higher error estimate", high_order, high),
            ("lower error estimate", low_order, low),
        ],
    }
}

fn check_lengths(tableau: &Tableau) -> Result<(), TableauError> {
    let stages = tableau.b.len();
    if stages == 0 {
        return Err(TableauError::Empty);
    }
    check_length("a", stages, tableau.a.len())?;
    check_length("c", stages, tableau.c.len())?;
    for (i, row) in tableau.a.iter().enumerate() {
        check_length(&format!("row {i} of a"), i, row.len())?;
    }
    for (estimate, _, weights) in estimates(tableau) {
        check_length(&format!("the weights of the {estimate}"), stages, weights.len())?;
    }
    Ok(())
}

fn check_length(what: &str, expected: usize, found: usize) -> Result<(), TableauError> {
    if expected == found {
        Ok(())
    } else {
        Err(TableauError::Length { what: what.to_owned(), expected, found })
    }
}

fn check_row_sums(a: &[&[f64]], c: &[f64], first_stage: usize) -> Result<(), TableauError> {
    for (i, (row, &node)) in a.iter().zip(c).enumerate() {
        let sum: f64 = row.iter().sum();
        if !small(sum - node) {
            return Err(TableauError::RowSum { stage: first_stage + i, sum, node });
        }
    }
    Ok(())
}

/// The order conditions do not see a last row that ought to be `b`: its stage has
/// weight 0 in the solution. A typing error there must not pass for a method that
/// merely has one more stage.
fn check_last_row(tableau: &Tableau) -> Result<(), TableauError> {
    const NEARLY: f64 = 1e-3;
    let last = tableau.b.len() - 1;
    if last == 0 || tableau.first_same_as_last() || tableau.b[last] != 0.0 {
        return Ok(());
    }
    let difference =
        tableau.a[last].iter().zip(tableau.b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    if difference < NEARLY {
        return Err(TableauError::NearlyFirstSameAsLast { difference });
    }
    Ok(())
}

fn check_order(
    elementary: &ElementaryWeights,
    weights: &[f64],
    solution: &'static str,
    order: u32,
) -> Result<(), TableauError> {
    let residual = elementary.residual(weights, 1.0, order.min(MAX_CHECKED_ORDER));
    if small(residual) { Ok(()) } else { Err(TableauError::Order { solution, order, residual }) }
}

fn check_continuous(tableau: &Tableau) -> Result<(), TableauError> {
    // A Hermite polynomial takes its order from the solution.
    let Continuous::Own { order, extra, weights: fill } = tableau.continuous else {
        return Ok(());
    };
    let mut a = tableau.a.to_vec();
    let mut c = tableau.c.to_vec();
    if !tableau.first_same_as_last() {
        a.push(tableau.b);
        c.push(1.0);
    }
    let main = a.len();
    for stage in extra {
        check_length(&format!("row {} of a", a.len()), a.len(), stage.a.len())?;
        a.push(stage.a);
        c.push(stage.c);
    }
    check_row_sums(&a[main..], &c[main..], main)?;

    let checked = order.min(MAX_CHECKED_ORDER);
    let elementary = ElementaryWeights::new(&a, &c, checked);
    let mut weights = vec![0.0; a.len()];
    for step in 0..=THETA_INTERVALS {
        let theta = f64::from(step) / f64::from(THETA_INTERVALS);
        fill(theta, &mut weights);
        if step == 0 || step == THETA_INTERVALS {
            for (stage, &w) in weights.iter().enumerate() {
                let difference = w - theta * tableau.b.get(stage).copied().unwrap_or(0.0);
                if !small(difference) {
                    return Err(TableauError::ContinuousEnd { stage, theta, difference });
                }
            }
        }
        let residual = elementary.residual(&weights, theta, checked);
        if !small(residual) {
            return Err(TableauError::ContinuousOrder { order, theta, residual });
        }
    }
    Ok(())
}
