use super::{FinalOrders, MultistepRule, MultistepStep};
use crate::field::FieldError;
use crate::method::exponential::singlestep::Singlestep;
use crate::method::exponential::step::Variant;
use crate::semilinear::NonlinearPart;

/// The multistep methods of order 2 and 3: DPM-Solver-2M and -3M for the noise,
/// DPM-Solver++(2M) and (3M) for the data (Lu et al., *DPM-Solver++*, 2022, algorithm 2,
/// and their published code).
///
/// With `h_0` and `h_1` the lengths of the last two steps on the clock, and in the
/// [notation] of this module:
///
/// - `r_0 = h_0 / h`, `r_1 = h_1 / h`,
/// - `D0 = N_0`, `D1_0 = (N_0 - N_1) / r_0`, `D1_1 = (N_1 - N_2) / r_1`,
/// - `D1 = D1_0 + r_0 / (r_0 + r_1) (D1_0 - D1_1)`, `D2 = (D1_0 - D1_1) / (r_0 + r_1)`.
///
/// DPM-Solver++(2M), for the data:
///
/// - `x_next = sigma_next / sigma x + alpha_next (1 - e^-h) (D0 + 1/2 D1_0)`,
/// - with [`Variant::Taylor`] `x_next = sigma_next / sigma x + alpha_next (1 - e^-h) D0 +
///   alpha_next (1 - (1 - e^-h) / h) D1_0`.
///
/// The bracket of the first is the paper's `(1 + 1 / (2 r_0)) N_0 - 1 / (2 r_0) N_1`.
/// DPM-Solver-2M, for the noise:
///
/// - `x_next = alpha_next / alpha x - sigma_next (e^h - 1) (D0 + 1/2 D1_0)`,
/// - with [`Variant::Taylor`] `x_next = alpha_next / alpha x - sigma_next (e^h - 1) D0 -
///   sigma_next ((e^h - 1) / h - 1) D1_0`.
///
/// 3M, in either variant, for the data and for the noise:
///
/// - `x_next = sigma_next / sigma x + alpha_next (1 - e^-h) D0 + alpha_next (1 - (1 - e^-h) / h) D1 +
///   2 alpha_next (1/2 - (e^-h - 1 + h) / h^2) D2`,
/// - `x_next = alpha_next / alpha x - sigma_next (e^h - 1) D0 - sigma_next ((e^h - 1) / h - 1) D1 -
///   2 sigma_next ((e^h - 1 - h) / h^2 - 1/2) D2`.
///
/// `2 D2` is the second derivative of the parabola through the last three values. The published
/// code has no 2 there, which leaves an error of order 2 in the solution:
/// [`ThirdOrder::Reference`] reproduces its numbers, [`ThirdOrder::Corrected`] converges at order 3.
///
/// [notation]: crate::method::exponential#notation
#[derive(Debug, Clone)]
pub struct DpmSolverM {
    part: NonlinearPart,
    order: usize,
    variant: Variant,
    third_order: ThirdOrder,
}

/// What 3M takes for the second derivative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ThirdOrder {
    /// The parabola's, order 3.
    #[default]
    Corrected,
    /// Half of it, as in the published code; order 2.
    Reference,
}

/// Grids with fewer steps than this end with lower orders, as in the published
/// code (whose documentation says 15).
const FEW_STEPS: usize = 10;

impl DpmSolverM {
    /// Order 1, a single value: DPM-Solver-1, here for what is built on these weights.
    pub fn first(part: NonlinearPart) -> Self {
        Self::of_order(1, part)
    }

    /// Order 2.
    pub fn second(part: NonlinearPart) -> Self {
        Self::of_order(2, part)
    }

    /// Order 3.
    pub fn third(part: NonlinearPart) -> Self {
        Self::of_order(3, part)
    }

    fn of_order(order: usize, part: NonlinearPart) -> Self {
        let (variant, third_order) = (Variant::default(), ThirdOrder::default());
        DpmSolverM { part, order, variant, third_order }
    }

    /// Another treatment of the highest difference at order 2.
    #[must_use]
    pub fn variant(mut self, variant: Variant) -> Self {
        self.variant = variant;
        self
    }

    /// Another second derivative at order 3.
    #[must_use]
    pub fn third_order(mut self, form: ThirdOrder) -> Self {
        self.third_order = form;
        self
    }
}

impl MultistepRule for DpmSolverM {
    fn name(&self) -> &'static str {
        match (self.part, self.order) {
            (NonlinearPart::Noise, 1) => "dpm-solver-1",
            (NonlinearPart::Data, 1) => "dpm-solver++1",
            (NonlinearPart::Noise, 2) => "dpm-solver-2m",
            (NonlinearPart::Noise, _) => "dpm-solver-3m",
            (NonlinearPart::Data, 2) => "dpm-solver++2m",
            (NonlinearPart::Data, _) => "dpm-solver++3m",
        }
    }

    fn part(&self) -> NonlinearPart {
        self.part
    }

    fn values(&self) -> usize {
        self.order
    }

    fn order(&self) -> u32 {
        match self.third_order {
            ThirdOrder::Reference if self.order == 3 => 2,
            _ => self.order as u32,
        }
    }

    fn weights(&self, step: &MultistepStep<'_>, weights: &mut [f64]) -> Result<(), FieldError> {
        let whole = &step.whole;
        let w1 = whole.weight(1);
        // Past steps in units of this one.
        let past =
            |age: usize| (step.knots[age].log_snr() - step.knots[age + 1].log_snr()) / whole.h;
        match weights.len() {
            1 => weights[0] = w1,
            2 => {
                let c = self.variant.first_difference(whole) / past(0);
                weights.copy_from_slice(&[w1 + c, -c]);
            }
            _ => {
                let (r0, r1) = (past(0), past(1));
                let (w2, w3) = (whole.weight(2), whole.weight(3));
                let curvature = match self.third_order {
                    ThirdOrder::Corrected => 2.0 * w3,
                    ThirdOrder::Reference => w3,
                };
                let bend = (w2 * r0 + curvature) / (r0 + r1);
                let (c0, c1) = ((w2 + bend) / r0, bend / r1);
                weights.copy_from_slice(&[w1 + c0, -c0 - c1, c1]);
            }
        }
        Ok(())
    }

    fn final_orders(&self) -> FinalOrders {
        FinalOrders::LoweredBelow(FEW_STEPS)
    }

    fn starter(&self) -> Singlestep {
        Singlestep::of_order(self.order, self.part).variant(self.variant)
    }
}
