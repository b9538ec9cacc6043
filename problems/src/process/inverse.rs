use super::TimeDomain;

/// The time at which a decreasing function takes `value`, to the last bit that
/// the function resolves; beyond the domain, its end.
///
/// Bisection over the ordered bit patterns of `f64`: at most 64 evaluations,
/// no derivative, and as fine near t = 0 as the floating-point numbers
/// themselves, which halving the interval in t would not be. It is the fallback for
/// paths without a closed form, where robustness is worth more than speed.
pub(super) fn decreasing(function: impl Fn(f64) -> f64, domain: TimeDomain, value: f64) -> f64 {
    let (mut low, mut high) = (domain.data.t.max(0.0).to_bits(), domain.noise.t.to_bits());
    if value >= function(domain.data.t) {
        return domain.data.t;
    }
    while high > low + 1 {
        let middle = low + (high - low) / 2;
        if function(f64::from_bits(middle)) > value {
            low = middle;
        } else {
            high = middle;
        }
    }
    let (low, high) = (f64::from_bits(low), f64::from_bits(high));
    let gap = |t: f64| (function(t) - value).abs();
    if gap(low) < gap(high) { low } else { high }
}
