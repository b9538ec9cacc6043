//! Gauss-Legendre rules on `[-1, 1]`.

/// Nodes and weights of a panel, for the positive nodes; the rest is their mirror image.
pub(super) type Gauss = &'static [(f64, f64)];

/// Two nodes: exact for cubics.
pub(super) const GAUSS_2: Gauss = &[(0.5773502691896257, 1.0)];

/// Sixteen nodes: exact for degree 31, and to rounding for whatever is analytic well beyond
/// the panel.
#[rustfmt::skip]
pub(super) const GAUSS_16: Gauss = &[
    (0.09501250983763744, 0.1894506104550685), (0.2816035507792589, 0.18260341504492358),
    (0.45801677765722737, 0.16915651939500254), (0.6178762444026438, 0.14959598881657674),
    (0.755404408355003, 0.12462897125553388), (0.8656312023878318, 0.09515851168249279),
    (0.9445750230732326, 0.062253523938647894), (0.9894009349916499, 0.027152459411754096),
];

/// Nodes and weights on `[from, to]`, in `panels` equal parts.
pub(super) fn nodes(
    rule: Gauss,
    from: f64,
    to: f64,
    panels: usize,
) -> impl Iterator<Item = (f64, f64)> {
    let half = 0.5 * (to - from) / panels as f64;
    (0..panels).flat_map(move |panel| {
        let middle = from + (2 * panel + 1) as f64 * half;
        rule.iter().flat_map(move |&(node, weight)| {
            [-node, node].map(|node| (middle + half * node, half * weight))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_are_integrated_exactly() {
        for (rule, degree) in [(GAUSS_2, 3), (GAUSS_16, 31)] {
            for power in 0..=degree {
                for panels in [1, 3] {
                    let (from, to) = (-0.3f64, 1.1f64);
                    let sum: f64 =
                        nodes(rule, from, to, panels).map(|(x, w)| w * x.powi(power)).sum();
                    let primitive = |x: f64| x.powi(power + 1) / f64::from(power + 1);
                    let exact = primitive(to) - primitive(from);
                    assert!(
                        (sum - exact).abs() < 1e-14 * exact.abs().max(0.1),
                        "x^{power}: {sum} {exact}"
                    );
                }
            }
        }
    }
}
