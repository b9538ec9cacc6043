//! Strong orders: root mean square errors on shared paths, the levels being one
//! path coarsened, on random problems with known solutions.
//!
//! The noise is kept moderate, `b sqrt(T) <= 0.5`, so that a few thousand paths
//! tell the order: with larger noise rare paths rule the mean square.

use crate::common::sde::{Batch, Hyperbolic, curved};
use crate::common::strong::{AGAINST_FINER, LEVELS, PATHS, Setting, strong};
use driftfield_solvers::field::{MatrixNoise, ScalarNoise, WithDerivative};
use driftfield_solvers::method::registry::{
    additive_methods, stochastic_methods, stratonovich_methods,
};
use driftfield_solvers::method::stochastic::NoiseKind;
use driftfield_solvers::method::{
    BoxedMethod, EulerHeun, EulerMaruyama, Milstein, Shark, Sriw1, StochasticHeun, WeakRungeKutta,
};
use driftfield_solvers::noise::Channels;
use driftfield_solvers::{Additive, Ito, SdeProblem, Stratonovich};
use proptest::prelude::*;

/// Noise `a sqrt(T)` between 0.3 and 0.5, spans in either direction.
fn hyperbolics() -> impl Strategy<Value = (Hyperbolic, (f64, f64))> {
    let pair = |range: std::ops::Range<f64>| [range.clone(), range];
    let span = proptest::sample::select(vec![(0.0, 1.0), (1.0, 0.0), (0.5, 1.5)]);
    (pair(0.3..0.5), pair(-0.8..0.8), pair(-0.7..0.7), span)
        .prop_map(|(a, c, start, span)| (Hyperbolic { a, c, start }, span))
}

/// Over decreasing time the drift is followed backwards: the field that has the
/// known solution in `|t - t0|` is the one with the opposite drift.
fn along(hyperbolic: &Hyperbolic, span: (f64, f64)) -> Ito<Directed, crate::common::sde::Column> {
    let Ito { drift, diffusion } = hyperbolic.ito();
    Ito { drift: Directed(drift, (span.1 - span.0).signum()), diffusion }
}

#[derive(Debug, Clone, Copy)]
struct Directed(crate::common::sde::Column, f64);

impl driftfield_solvers::VectorField<Batch> for Directed {
    fn eval(
        &self,
        out: &mut Batch,
        u: &Batch,
        t: driftfield_solvers::Times<'_>,
    ) -> Result<(), driftfield_solvers::FieldError> {
        self.0.eval(out, u, t)?;
        *out *= self.1;
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3, max_shrink_iters: 0, rng_seed: proptest::test_runner::RngSeed::Fixed(12), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ito_methods_with_diagonal_noise((problem, span) in hyperbolics()) {
        let initial = problem.initial(PATHS);
        let setting = Setting::new(Channels::PerComponent, &initial, span, LEVELS, LEVELS[5]);
        let w = setting.end(&initial);
        let exact = problem.exact(&w[0], (span.1 - span.0).abs());
        let field = WithDerivative { field: along(&problem, span), derivative: problem.derivative() };
        let sde = SdeProblem::from_field(field, initial, span);
        let mut methods = stochastic_methods();
        methods.push(BoxedMethod::new(Milstein::new()));
        for method in methods {
            setting.check(&sde, &method, &exact, strong(&method, NoiseKind::Diagonal));
        }
    }

    #[test]
    fn stratonovich_methods_with_diagonal_noise((problem, span) in hyperbolics()) {
        let initial = problem.initial(PATHS);
        let setting = Setting::new(Channels::PerComponent, &initial, span, LEVELS, LEVELS[5]);
        let w = setting.end(&initial);
        let exact = problem.exact(&w[0], (span.1 - span.0).abs());
        let Stratonovich { drift, diffusion } = problem.stratonovich();
        let drift = Directed(drift, (span.1 - span.0).signum());
        let field = WithDerivative {
            field: Stratonovich { drift, diffusion },
            derivative: problem.derivative(),
        };
        let sde = SdeProblem::from_field(field, initial, span);
        let mut methods = stratonovich_methods();
        methods.push(BoxedMethod::new(Milstein::new()));
        for method in methods {
            setting.check(&sde, &method, &exact, strong(&method, NoiseKind::Diagonal));
        }
    }

    #[test]
    fn scalar_noise((problem, span) in hyperbolics()) {
        let initial = problem.initial(PATHS);
        let setting = Setting::new(Channels::Shared(1), &initial, span, LEVELS, LEVELS[5]);
        let w = setting.end(&initial);
        let exact = problem.exact(&w[0], (span.1 - span.0).abs());
        let field = ScalarNoise(along(&problem, span));
        let sde = SdeProblem::from_field(field, initial.clone(), span);
        for method in stochastic_methods() {
            setting.check(&sde, &method, &exact, strong(&method, NoiseKind::Scalar));
        }
        let Stratonovich { drift, diffusion } = problem.stratonovich();
        let drift = Directed(drift, (span.1 - span.0).signum());
        let field = ScalarNoise(Stratonovich { drift, diffusion });
        let sde = SdeProblem::from_field(field, initial, span);
        for method in stratonovich_methods() {
            setting.check(&sde, &method, &exact, strong(&method, NoiseKind::Scalar));
        }
    }

    /// Where drift and diffusion do not commute, against a much finer solution on the same path:
    /// order 3/2 is that of the areas.
    #[test]
    fn methods_that_need_areas(
        a in 0.2..0.3_f64,
        c in 0.25..0.4_f64,
        start in -1.0..1.0_f64,
    ) {
        let span = (0.0, 1.0);
        let initial = Batch::from_elem((PATHS, 1), start);
        let sde = SdeProblem::from_field(curved(c, a), initial.clone(), span);
        let precise = Sriw1::new();
        let (setting, exact) =
            Setting::with_finer_solution(Channels::PerComponent, &sde, &precise, AGAINST_FINER);
        for method in stochastic_methods() {
            let order = strong(&method, NoiseKind::Diagonal);
            if order == 1.5 {
                setting.check(&sde, &method, &exact, order);
            }
        }
    }

    /// Against a much finer solution on the same path. The drift is strongly curved:
    /// the term of order 3/2 is `f'' g^2` times an iterated integral, and must stand
    /// above those of order 2 in `f'`.
    #[test]
    fn additive_noise(
        a in 0.4..0.5_f64,
        c in 0.25..0.4_f64,
        start in -1.0..1.0_f64,
        down in proptest::bool::ANY,
    ) {
        let span = if down { (1.0, 0.0) } else { (0.0, 1.0) };
        let drift = move |du: &mut Batch, u: &Batch, t: f64| {
            du.zip_mut_with(u, |du, u| *du = c * (5.0 * u + t).sin());
        };
        let diffusion = move |g: &mut Batch, t: f64| g.fill(a * (1.0 - 0.25 * t));
        let initial = Batch::from_elem((PATHS, 1), start);
        let sde = SdeProblem::additive(drift, diffusion, initial.clone(), span);
        let precise = Shark::new();
        let (setting, exact) =
            Setting::with_finer_solution(Channels::PerComponent, &sde, &precise, AGAINST_FINER);
        let mut methods = stochastic_methods();
        methods.extend(stratonovich_methods());
        methods.extend(additive_methods());
        for method in methods {
            setting.check(&sde, &method, &exact, strong(&method, NoiseKind::Additive));
        }
    }

    /// Additive noise through a matrix: two Brownian motions, correlated components.
    #[test]
    fn additive_matrix_noise(a in 0.35..0.45_f64, c in 0.25..0.4_f64, start in -1.0..1.0_f64) {
        let drift = move |du: &mut Batch, u: &Batch, _t: f64| {
            for (mut du, u) in du.rows_mut().into_iter().zip(u.rows()) {
                (du[0], du[1]) = (c * (5.0 * u[1]).sin(), c * (5.0 * u[0] + u[1]).cos());
            }
        };
        let columns = move |k: usize, g: &mut Batch, t: f64| {
            for mut g in g.rows_mut() {
                (g[0], g[1]) = if k == 0 { (a, 0.5 * a * t) } else { (-0.3 * a, a) };
            }
        };
        let field = MatrixNoise::new(2, Additive { drift, diffusion: columns });
        let initial = Batch::from_elem((PATHS, 2), start);
        let (channels, span) = (Channels::Shared(2), (0.0, 1.0));
        let sde = SdeProblem::from_field(field, initial.clone(), span);
        let (setting, exact) =
            Setting::with_finer_solution(channels, &sde, &Shark::new(), AGAINST_FINER);
        for method in additive_methods() {
            setting.check(&sde, &method, &exact, 1.5);
        }
        setting.check(&sde, &EulerMaruyama::new(), &exact, 1.0);
        setting.check(&sde, &StochasticHeun::new(), &exact, 1.0);
    }
}

/// `du_1 = a dW_1, du_2 = a dW_2, du_3 = u_1 dW_2 - u_2 dW_1` (Heisenberg's group):
/// `u_3` is the Levy area of the path, which no method here knows beyond its
/// increments; the same in either sense. On a fine grid the area is a sum.
#[test]
fn general_noise_has_order_one_half() {
    let a = 0.5;
    let drift = |du: &mut Batch, _u: &Batch, _t: f64| du.fill(0.0);
    let columns = move |k: usize, g: &mut Batch, u: &Batch, _t: f64| {
        for (mut g, u) in g.rows_mut().into_iter().zip(u.rows()) {
            (g[0], g[1], g[2]) = if k == 0 { (a, 0.0, -u[1]) } else { (0.0, a, u[0]) };
        }
    };
    let channels = Channels::Shared(2);
    let initial = Batch::zeros((PATHS, 3));
    let span = (0.0, 1.0);
    let ito = MatrixNoise::new(2, Ito { drift, diffusion: columns });
    let stratonovich = MatrixNoise::new(2, Stratonovich { drift, diffusion: columns });
    let ito = SdeProblem::from_field(ito, initial.clone(), span);
    let stratonovich = SdeProblem::from_field(stratonovich, initial.clone(), span);
    let levels = ([4, 8, 16, 32, 64, 128], 4096);
    let (setting, exact) =
        Setting::with_finer_solution(channels, &ito, &EulerMaruyama::new(), levels);
    setting.check(&ito, &EulerMaruyama::new(), &exact, 0.5);
    setting.check(&ito, &WeakRungeKutta::new(), &exact, 0.5);
    setting.check(&stratonovich, &EulerHeun::new(), &exact, 0.5);
    setting.check(&stratonovich, &StochasticHeun::new(), &exact, 0.5);
}
