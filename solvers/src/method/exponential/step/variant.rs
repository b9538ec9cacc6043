use super::Transition;

/// How the published solvers weigh the highest difference of their values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Variant {
    /// `dpmsolver`, the papers' own: at order 2 the difference weighs half of `w_1`
    /// (exact to the order, not beyond), at order 3 the second node's alone counts.
    /// Order 2 so made is order 1 in the stiff limit `|z| -> inf`, where half of `w_1` is not
    /// near `w_2`: for stiff problems take [`Variant::Taylor`].
    #[default]
    DpmSolver,
    /// `taylor`: the interpolating polynomial is integrated exactly.
    Taylor,
}

impl Variant {
    /// Weight at order 2 of the derivative along the step.
    pub(crate) fn first_difference(self, whole: &Transition) -> f64 {
        match self {
            Variant::DpmSolver => 0.5 * whole.weight(1),
            Variant::Taylor => whole.weight(2),
        }
    }

    /// Weights at order 3 of `N_1 - N_0` and `N_2 - N_0` at shares `r1`, `r2`.
    pub(crate) fn two_differences(self, whole: &Transition, r1: f64, r2: f64) -> (f64, f64) {
        let w2 = whole.weight(2);
        match self {
            Variant::DpmSolver => (0.0, w2 / r2),
            Variant::Taylor => {
                // Slope and curvature of the parabola through the three values:
                // (r2 d1 - r1 d2) / (r2 - r1) and 2 (d2 - d1) / (r2 - r1), d_i = (N_i - N_0) / r_i.
                let w3 = 2.0 * whole.weight(3);
                ((w2 * r2 - w3) / (r1 * (r2 - r1)), (w3 - w2 * r1) / (r2 * (r2 - r1)))
            }
        }
    }
}
