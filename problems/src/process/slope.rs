use super::TimeDomain;

/// Widest step of a central difference, as a share of the distance to the nearest end.
const REACH: f64 = 0.25;
/// Steps of central differences, each half of that before: enough for `e^(20 t)` in the middle.
pub(super) const CENTRAL: usize = 6;
/// How near an end differences are also taken inwards, and their widest step.
const NEAR: f64 = 0.05;
/// Steps of central differences there, where the widest is short and the shortest loses digits.
const CENTRAL_NEAR: usize = 5;
/// Steps of differences inwards.
pub(super) const INWARDS: usize = 9;

/// The derivative of a function of time that is smooth inside the domain, to nearly all digits that
/// its values have.
///
/// Central differences are extrapolated to a step of 0 (Richardson). Their steps are a share of the
/// distance `d` to the nearest end, where a root may begin, so that what is left is of order
/// `2^-40` of the function even then, and rounding of order `1e-14 |f| / d`, together below `1e-13 |f| / d`
/// as far as the time itself resolves the function. Near an end differences
/// taken from there inwards are tried as well, which for a function smooth up to the end itself
/// are within `1e-11 |f|`; of the two that one is taken that changed less in its last
/// extrapolation.
pub(crate) fn derivative(function: impl Fn(f64) -> f64, domain: TimeDomain, t: f64) -> f64 {
    if !domain.contains(t) {
        return f64::NAN;
    }
    let (below, above) = (t - domain.data.t, domain.noise.t - t);
    let room = below.min(above);
    let central = |h: f64| (function(t + h) - function(t - h)) / (2.0 * h);
    if room >= NEAR {
        // The error of a central difference has even powers of the step alone.
        return extrapolated(central, REACH * room, CENTRAL, 4.0).0;
    }
    let inwards = if below < above { NEAR } else { -NEAR };
    let one_sided = |h: f64| (function(t + h) - function(t)) / h;
    let (inner, inner_change) = extrapolated(one_sided, inwards, INWARDS, 2.0);
    if room == 0.0 {
        return inner;
    }
    let (outer, outer_change) = extrapolated(central, REACH * room, CENTRAL_NEAR, 4.0);
    if inner_change < outer_change { inner } else { outer }
}

/// `difference` at a step of 0, from steps of which each is half of that before and has a `rate`
/// times smaller leading error; and by how much the last extrapolation changed it.
pub(super) fn extrapolated(
    difference: impl Fn(f64) -> f64,
    widest: f64,
    steps: usize,
    rate: f64,
) -> (f64, f64) {
    let halvings = (0..steps).map(|k| widest * 0.5f64.powi(k as i32));
    let mut row: Vec<f64> = halvings.map(difference).collect();
    let (mut factor, mut change) = (rate, f64::INFINITY);
    while row.len() > 1 {
        let next: Vec<f64> =
            row.windows(2).map(|pair| pair[1] + (pair[1] - pair[0]) / (factor - 1.0)).collect();
        change = (next[next.len() - 1] - row[row.len() - 1]).abs();
        (row, factor) = (next, factor * rate);
    }
    (row[0], change)
}
