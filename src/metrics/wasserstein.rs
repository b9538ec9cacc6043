use ndarray::ArrayView2;

use super::{Metric, MetricError, PreparedSample};

pub(super) fn metric() -> Metric {
    let formula = "sqrt(min over couplings of the mean |x-y|^2), exact, small samples only";
    Metric::between("wasserstein_2", formula, PreparedSample::wasserstein_2).slow()
}

/// The largest assignment solved, the least common multiple of both sizes:
/// seconds of work, and the square of it in memory.
pub const LARGEST_ASSIGNMENT: usize = 3000;

/// The exact Wasserstein-2 distance, `sqrt(min_pi E |X - Y|^2)`.
///
/// Solved as an assignment, by shortest augmenting paths in `O(size^3)`
/// (Crouse: On implementing 2D rectangular assignment algorithms, 2016), where
/// each point stands for as many as make both samples equally large. By hand: crates that take
/// floating-point costs, as `lapjv`, want those of repeated points written out, `size^2` numbers.
pub fn wasserstein_2(p: &ArrayView2<f64>, q: &ArrayView2<f64>) -> Result<f64, MetricError> {
    let (p, q) = PreparedSample::pair(p, q)?;
    p.wasserstein_2(&q)
}

pub(super) fn between(p: &PreparedSample, q: &PreparedSample) -> Result<f64, MetricError> {
    Ok(transport_cost(p, q, |square| square)?.sqrt())
}

/// The exact Wasserstein-1 distance, `min_pi E |X - Y|`; see [`wasserstein_2`].
pub fn wasserstein_1(p: &ArrayView2<f64>, q: &ArrayView2<f64>) -> Result<f64, MetricError> {
    let (p, q) = PreparedSample::pair(p, q)?;
    transport_cost(&p, &q, f64::sqrt)
}

fn transport_cost(
    p: &PreparedSample,
    q: &PreparedSample,
    of_square: fn(f64) -> f64,
) -> Result<f64, MetricError> {
    let (p, q) = (p.points(), q.points());
    let (n, m) = (p.count(), q.count());
    let size = n as u128 / greatest_common_divisor(n, m) as u128 * m as u128;
    if size > LARGEST_ASSIGNMENT as u128 {
        return Err(MetricError::TooLarge { p: n, q: m, size, largest: LARGEST_ASSIGNMENT });
    }
    let size = size as usize;
    let mut costs = vec![0.0; n * m];
    for (index, cost) in costs.iter_mut().enumerate() {
        let square = (0..p.dimension())
            .map(|axis| (p.get(index / m, axis) - q.get(index % m, axis)).powi(2))
            .sum();
        *cost = of_square(square);
        MetricError::unless_finite("Wasserstein distance", *cost)?;
    }
    let (copies_p, copies_q) = (size / n, size / m);
    let cost = |row: usize, column: usize| costs[row / copies_p * m + column / copies_q];
    let row_of = assignment(size, cost);
    let total: f64 = row_of.iter().enumerate().map(|(column, &row)| cost(row, column)).sum();
    MetricError::unless_finite("Wasserstein distance", total / size as f64)
}

/// The row given to each column in a cheapest assignment.
fn assignment(size: usize, cost: impl Fn(usize, usize) -> f64) -> Vec<usize> {
    // Column `size` is where each search begins; `size` as a row means none.
    let mut row_of = vec![size; size + 1];
    let mut row_price = vec![0.0; size];
    let mut column_price = vec![0.0; size + 1];
    for row in 0..size {
        row_of[size] = row;
        let mut column = size;
        let mut distance = vec![f64::INFINITY; size];
        let mut came_from = vec![size; size];
        let mut done = vec![false; size + 1];
        while row_of[column] != size {
            done[column] = true;
            let from = row_of[column];
            let (mut shortest, mut next) = (f64::INFINITY, size);
            for other in (0..size).filter(|&other| !done[other]) {
                let reduced = cost(from, other) - row_price[from] - column_price[other];
                if reduced < distance[other] {
                    distance[other] = reduced;
                    came_from[other] = column;
                }
                if distance[other] < shortest {
                    (shortest, next) = (distance[other], other);
                }
            }
            for other in 0..=size {
                if done[other] {
                    row_price[row_of[other]] += shortest;
                    column_price[other] -= shortest;
                } else {
                    distance[other] -= shortest;
                }
            }
            column = next;
        }
        while column != size {
            let previous = came_from[column];
            row_of[column] = row_of[previous];
            column = previous;
        }
    }
    row_of.truncate(size);
    row_of
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}
