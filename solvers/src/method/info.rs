/// The family a method belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Explicit Runge-Kutta in t.
    RungeKutta,
    /// A scheme for stochastic differential equations.
    Stochastic,
    /// Draws from a process's exact posterior.
    Ancestral,
    /// Exact in the linear part of a semilinear field.
    Exponential,
    /// Follows the score at fixed noise levels (Langevin dynamics).
    Langevin,
}

impl Kind {
    /// The name used in tables and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Kind::RungeKutta => "runge-kutta",
            Kind::Stochastic => "stochastic",
            Kind::Ancestral => "ancestral",
            Kind::Exponential => "exponential",
            Kind::Langevin => "langevin",
        }
    }

    /// Whether the method's steps are taken in the log-SNR, which must then be
    /// finite over the whole span, but for ends that
    /// [`MethodInfo::evaluations_to_data`], [`MethodInfo::starts_from_data`] and
    /// [`MethodInfo::starts_from_noise`] allow.
    pub fn needs_log_snr(self) -> bool {
        self == Kind::Exponential
    }
}

/// What a method says of itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MethodInfo {
    /// Name as on the command line.
    pub name: &'static str,
    /// Family.
    pub kind: Kind,
    /// Order of convergence on ODEs (for a stochastic method, with zero diffusion).
    pub order: u32,
    /// Order of the error estimate's weaker solution, if steps can adapt.
    pub embedded_order: Option<u32>,
    /// Order of the continuous extension, if there is one.
    pub interpolant_order: Option<u32>,
    /// Most evaluations that the continuous extension over a step takes besides those of the step.
    pub interpolant_evaluations: u64,
    /// Strong order of a stochastic method (general noise the method accepts).
    pub strong_order: Option<f64>,
    /// Weak order of a stochastic method.
    pub weak_order: Option<f64>,
    /// Evaluations made by every step after the first.
    pub evaluations_per_step: u64,
    /// Evaluations made once, by the first step (the first stage of FSAL methods).
    pub evaluations_at_start: u64,
    /// Whether the lanes may have steps of their own.
    pub lane_steps: bool,
    /// Whether the method draws noise.
    pub draws_noise: bool,
    /// Whether a lane's steps depend on the other lanes of its batch, a fixed grid
    /// notwithstanding.
    pub couples_lanes: bool,
    /// States before the present one that a step of full order looks back at: what
    /// [`SolveOptions::history`](crate::SolveOptions::history) has to give, if it is given.
    pub history: u32,
    /// Evaluations of a step to where there is no noise left, which has an infinite log-SNR;
    /// `None` if the method cannot make one.
    pub evaluations_to_data: Option<u64>,
    /// Whether a step of an exponential method can start where there is no noise, from clean
    /// data: it then takes the predicted noise for what it is there.
    pub starts_from_data: bool,
    /// Whether a step of an exponential method can start where there is nothing but noise,
    /// `alpha = 0`: it then takes the predicted data for what it is there.
    pub starts_from_noise: bool,
}

impl MethodInfo {
    /// What a method says that looks at nothing but the present state, draws no noise, and
    /// has neither an error estimate nor an interpolant.
    pub fn one_step(name: &'static str, kind: Kind, order: u32, evaluations_per_step: u64) -> Self {
        MethodInfo {
            name,
            kind,
            order,
            embedded_order: None,
            interpolant_order: None,
            interpolant_evaluations: 0,
            strong_order: None,
            weak_order: None,
            evaluations_per_step,
            evaluations_at_start: 0,
            lane_steps: false,
            draws_noise: false,
            couples_lanes: false,
            history: 0,
            evaluations_to_data: None,
            starts_from_data: false,
            starts_from_noise: false,
        }
    }

    /// Whether the method estimates its error.
    pub fn adaptive(&self) -> bool {
        self.embedded_order.is_some()
    }

    /// Power of the step that the error estimate falls with: the embedded order, plus one.
    pub(crate) fn order_of_estimate(&self) -> Option<f64> {
        self.embedded_order.map(|embedded| f64::from(embedded) + 1.0)
    }

    /// Exact NFE of `steps` fixed steps.
    pub fn evaluations(&self, steps: u64) -> u64 {
        if steps == 0 { 0 } else { self.evaluations_at_start + self.evaluations_per_step * steps }
    }

    /// The largest number of fixed steps that `nfe` evaluations allow.
    pub fn steps_within(&self, nfe: u64) -> u64 {
        nfe.saturating_sub(self.evaluations_at_start) / self.evaluations_per_step.max(1)
    }
}
