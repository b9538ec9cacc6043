/// The coefficients of an explicit Runge-Kutta method.
///
/// `k_i = f(u + h sum_j a_ij k_j, t + c_i h)`, `u_next = u + h sum_i b_i k_i`.
#[derive(Debug, Clone, Copy)]
pub struct Tableau {
    /// Name as on the command line.
    pub name: &'static str,
    /// Order of the propagated solution.
    pub order: u32,
    /// Strictly lower triangular: row `i` holds `a_i0 .. a_i(i-1)`; row 0 is empty.
    pub a: &'static [&'static [f64]],
    /// Weights of the propagated solution.
    pub b: &'static [f64],
    /// Nodes.
    pub c: &'static [f64],
    /// How the local error is estimated.
    pub error: ErrorWeights,
    /// How the solution is continued between steps.
    pub continuous: Continuous,
}

/// Weights of the error estimate `h sum_i e_i k_i`.
#[derive(Debug, Clone, Copy)]
pub enum ErrorWeights {
    /// No estimate.
    None,
    /// `e = b - b_embedded`, the embedded solution having order `order`.
    Single {
        /// Order of the embedded solution.
        order: u32,
        /// `b - b_embedded`.
        weights: &'static [f64],
    },
    /// Two estimates of different order (DOP853), see
    /// [`ErrorEstimate::Stretched`](crate::method::ErrorEstimate::Stretched).
    Stretched {
        /// Order of the embedded solution of the higher estimate.
        high_order: u32,
        /// `b - b_embedded` of the higher estimate.
        high: &'static [f64],
        /// Order of the embedded solution of the lower estimate.
        low_order: u32,
        /// `b - b_embedded` of the lower estimate.
        low: &'static [f64],
    },
}

/// The continuous extension of a method.
#[derive(Debug, Clone, Copy)]
pub enum Continuous {
    /// The cubic Hermite polynomial through both ends of the step.
    Hermite,
    /// The method's own: `u + h sum_i w_i(theta) k_i` over the stages, then
    /// `f(u_next, t_next)` where the method is not FSAL, then the extra stages.
    Own {
        /// Order of the extension.
        order: u32,
        /// Stages evaluated only when the extension is asked for.
        extra: &'static [ExtraStage],
        /// Writes the weights `w_i(theta)`.
        weights: fn(theta: f64, weights: &mut [f64]),
    },
}

/// A stage that only the continuous extension needs.
#[derive(Debug, Clone, Copy)]
pub struct ExtraStage {
    /// Node.
    pub c: f64,
    /// Coefficients over all earlier stages (with `f(u_next, t_next)` after the
    /// main ones where the method is not FSAL).
    pub a: &'static [f64],
}

/// A type that stands for one tableau, so that the stepper is compiled for it.
pub trait ExplicitTableau: Copy + Default + std::fmt::Debug + Send + Sync + 'static {
    /// The coefficients.
    const TABLEAU: Tableau;
}

impl Tableau {
    /// Number of stages of a step.
    pub const fn stages(&self) -> usize {
        self.b.len()
    }

    /// Whether the last stage is `f(u_next, t_next)` ("first same as last"),
    /// as derived from the coefficients: `c = 1` and the last row of `a` is `b`.
    pub const fn first_same_as_last(&self) -> bool {
        let last = self.b.len() - 1;
        if last == 0 || self.c[last] != 1.0 || self.b[last] != 0.0 {
            return false;
        }
        let mut j = 0;
        while j < last {
            if self.a[last][j] != self.b[j] {
                return false;
            }
            j += 1;
        }
        true
    }
}
