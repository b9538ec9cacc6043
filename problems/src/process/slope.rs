use super::TimeDomain;

/// Widest step of a central difference, as a share of the distance to the nearest end.
const REACH: f64 = 0.5;
/// How near an end differences are also taken from the time inwards, and their widest step.
const NEAR: f64 = 0.05;
/// By how much steps shrink.
const SHRINK: f64 = 1.6;
/// Steps tried, at most.
const STEPS: usize = 14;

/// The derivative of a function of time that is smooth inside the domain, to nearly all digits that
/// its values have.
///
/// Differences with shrinking steps are extrapolated to a step of 0, and the extrapolation is taken
/// that agrees best with those before it (Ridders, "Accurate computation of `F'(x)` and
/// `F''(x)`", *Adv. Eng. Software* 4, 1982). With `d` the distance to the nearest end, where a
/// root may begin, the error is about `1e-14 |f| / d`; next to an end no worse than `1e-12 |f|`
/// where the function is smooth up to the end itself.
pub(super) fn derivative(function: impl Fn(f64) -> f64, domain: TimeDomain, t: f64) -> f64 {
    if !domain.contains(t) {
        return f64::NAN;
    }
    let (below, above) = (t - domain.data.t, domain.noise.t - t);
    let room = below.min(above);
    let mut best = Estimate { value: f64::NAN, error: f64::INFINITY };
    if room > 0.0 {
        let central = |h: f64| (function(t + h) - function(t - h)) / (2.0 * h);
        // The error of a central difference has even powers of the step alone.
        best = extrapolated(central, REACH * room, SHRINK * SHRINK);
    }
    if room < NEAR {
        let inwards = if below < above { NEAR } else { -NEAR };
        let one_sided = |h: f64| (function(t + h) - function(t)) / h;
        let other = extrapolated(one_sided, inwards, SHRINK);
        best = if other.error < best.error { other } else { best };
    }
    best.value
}

/// A derivative, and by how much the extrapolations before it differ.
#[derive(Clone, Copy)]
struct Estimate {
    value: f64,
    error: f64,
}

/// `difference` at a step of 0, its error being a series in powers of which each step has a `rate`
/// smaller one than that before.
fn extrapolated(difference: impl Fn(f64) -> f64, widest: f64, rate: f64) -> Estimate {
    let mut best = Estimate { value: f64::NAN, error: f64::INFINITY };
    let mut before: Vec<f64> = Vec::new();
    let mut step = widest;
    for _ in 0..STEPS {
        let mut row = vec![difference(step)];
        let mut factor = rate;
        for (j, last) in before.iter().enumerate() {
            let value = row[j] + (row[j] - last) / (factor - 1.0);
            let error = (value - row[j]).abs().max((value - last).abs());
            if error <= best.error {
                best = Estimate { value, error };
            }
            row.push(value);
            factor *= rate;
        }
        // From here on rounding grows.
        if let (Some(new), Some(old)) = (row.last(), before.last())
            && (new - old).abs() >= 2.0 * best.error
        {
            break;
        }
        before = row;
        step /= SHRINK;
    }
    best
}
