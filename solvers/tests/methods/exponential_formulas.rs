//! The update formulas that the documentation of every exponential method shows, evaluated as they
//! are written there, against the method's own steps.

use std::sync::Arc;

use driftfield_solvers::NonlinearPart::{self, Data, Noise as Eps};
use driftfield_solvers::field::Counted;
use driftfield_solvers::method::exponential::{
    Ancestral2S, AncestralNoise, Bh, Churn, Churned, Ddim, Deis, DiffusionNoise, Dpm2, DpmSolverM,
    EmbeddedSinglestep, FinalOrders, Ipndm, Multistep, MultistepRule, RhoRungeKutta, Sde2S,
    SdeMultistep, Singlestep, ThirdOrder, UniC, UniPc, Variant,
};
use driftfield_solvers::method::runge_kutta::Kutta3Tableau;
use driftfield_solvers::method::{BoxedMethod, ErrorEstimate, Method, Step, Stepper};
use driftfield_solvers::noise::{LaneRng, NoNoise, Noise, NoiseError, Stream};
use driftfield_solvers::semilinear::{Level, Schedule, Target};
use driftfield_solvers::{
    FieldError, OdeProblem, Save, SemilinearField, SolveOptions, Times, VectorField, solve,
};

const TOLERANCE: f64 = 1e-12;
const PARTS: [NonlinearPart; 2] = [Eps, Data];
const QUARTER: f64 = std::f64::consts::FRAC_PI_2;

/// `alpha = cos(pi t / 2)`, `sigma = sin(pi t / 2)`.
struct Cosine;

impl Schedule for Cosine {
    fn at(&self, t: f64) -> Result<Level, FieldError> {
        let (sigma, alpha) = (QUARTER * t).sin_cos();
        Ok(Level { alpha, sigma, log_snr: (alpha / sigma).ln() })
    }
    fn time_at_log_snr(&self, log_snr: f64) -> Result<f64, FieldError> {
        Ok((-log_snr).exp().atan() / QUARTER)
    }
}

/// The flow of some predicted data.
struct Flow(Arc<dyn Schedule>);

impl Flow {
    fn new() -> Self {
        Flow(Arc::new(Cosine))
    }
}

/// `D` or `E`.
fn predict(part: NonlinearPart, x: f64, at: At) -> f64 {
    let data = (1.3 * x + 2.0 * at.t).sin() + 0.4 * at.t;
    match part {
        Data => data,
        Eps => (x - at.alpha * data) / at.sigma,
    }
}

impl VectorField<f64> for Flow {
    fn eval(&self, du: &mut f64, u: &f64, t: Times<'_>) -> Result<(), FieldError> {
        let at = At::time(t.one()?);
        *du = QUARTER * (at.alpha * predict(Eps, *u, at) - at.sigma * predict(Data, *u, at));
        Ok(())
    }
}

impl SemilinearField<f64> for Flow {
    fn schedule(&self) -> &Arc<dyn Schedule> {
        &self.0
    }
    fn predict(&self, of: Target, out: &mut f64, u: &f64, t: Times<'_>) -> Result<(), FieldError> {
        let at = At::time(t.one()?);
        *out = of.data * predict(Data, *u, at) + of.noise * predict(Eps, *u, at);
        Ok(())
    }
}

/// A path that can be written down.
struct Wave;

fn wave(t: f64) -> f64 {
    (9.0 * t).sin()
}

/// `z`: the increment over a step in units of its standard deviation.
fn z(from: At, to: At) -> f64 {
    (wave(to.t) - wave(from.t)) / (to.t - from.t).abs().sqrt()
}

impl Noise<f64> for Wave {
    fn increments(&mut self, a: f64, b: f64, dw: &mut [f64]) -> Result<(), NoiseError> {
        dw.fill(wave(b) - wave(a));
        Ok(())
    }
}

/// A time and the symbols of the formulas there.
#[derive(Clone, Copy)]
struct At {
    t: f64,
    alpha: f64,
    sigma: f64,
    lambda: f64,
    rho: f64,
}

impl At {
    fn time(t: f64) -> At {
        let Level { alpha, sigma, log_snr } = Cosine.at(t).unwrap();
        At { t, alpha, sigma, lambda: log_snr, rho: sigma / alpha }
    }
    fn clock(lambda: f64) -> At {
        At::time(Cosine.time_at_log_snr(lambda).unwrap())
    }
}

/// Random knots towards the data, and a random state at the first.
fn drawn(seed: u64) -> (f64, Vec<At>) {
    let mut normals = [0.0; 8];
    LaneRng::new(seed, 0, Stream::Initial).fill_normal(&mut normals);
    let mut lambda = -1.5 + 0.2 * normals[0];
    let mut knots = vec![At::clock(lambda)];
    for normal in &normals[1..7] {
        lambda += 0.5 * (0.4 * normal).exp();
        knots.push(At::clock(lambda));
    }
    (normals[7], knots)
}

/// What the method makes: the states at all knots.
fn made(method: &BoxedMethod<f64, Flow>, x: f64, knots: &[At]) -> Vec<f64> {
    let times: Vec<f64> = knots.iter().map(|at| at.t).collect();
    let problem = OdeProblem::new(Flow::new(), x, (times[0], times[times.len() - 1]));
    let options = SolveOptions::times(times).noise(Wave).save(Save::all());
    solve(&problem, method, options).unwrap().u
}

fn boxed(method: impl Method<f64, Flow> + Send + Sync + 'static) -> BoxedMethod<f64, Flow> {
    BoxedMethod::new(method)
}

/// A step from a state between two knots as a formula has it.
type Written = Box<dyn Fn(f64, At, At) -> f64>;

/// Every step of the methods is that of the formula beside it.
fn are_as_written(table: &[(BoxedMethod<f64, Flow>, Written)]) {
    for (method, written) in table {
        for seed in 0..3 {
            let (x, knots) = drawn(seed);
            let states = made(method, x, &knots);
            for (ends, states) in knots.windows(2).zip(states.windows(2)) {
                close(method.info().name, states[1], written(states[0], ends[0], ends[1]));
            }
        }
    }
}

fn close(name: &str, found: f64, written: f64) {
    let error = (found - written).abs() / written.abs().max(1.0);
    assert!(error < TOLERANCE, "{name}: {found} made, {written} written: {error:e}");
}

/// The factor of the state and `w_1`, `w_2`, `w_3`, `H = (1 + eta) h`, as the module writes them.
fn weights(part: NonlinearPart, eta: f64, from: At, to: At) -> [f64; 4] {
    let h = to.lambda - from.lambda;
    match part {
        Eps => {
            let gain = -(1.0 + eta) * to.sigma;
            let w1 = h.exp() - 1.0;
            let (w2, w3) = (w1 / h - 1.0, (w1 - h) / (h * h) - 0.5);
            [to.alpha / from.alpha, gain * w1, gain * w2, gain * w3]
        }
        Data => {
            let big = (1.0 + eta) * h;
            let w1 = 1.0 - (-big).exp();
            let (w2, w3) = (1.0 - w1 / big, 0.5 - (big - w1) / (big * big));
            let scale = to.sigma / from.sigma * (-eta * h).exp();
            [scale, to.alpha * w1, to.alpha * w2, to.alpha * w3]
        }
    }
}

/// The past values `N_0`, `N_1`, .. of a step, where they were taken, and where it leads.
struct Past<'a> {
    values: &'a [(At, f64)],
    to: At,
}

impl Past<'_> {
    fn n(&self, age: usize) -> f64 {
        self.values[age].1
    }
    fn at(&self, age: usize) -> At {
        self.values[age].0
    }
    fn h(&self) -> f64 {
        self.to.lambda - self.at(0).lambda
    }
    /// Length of the past step `age` in units of this one.
    fn ratio(&self, age: usize) -> f64 {
        (self.at(age).lambda - self.at(age + 1).lambda) / self.h()
    }
}

/// What a formula adds to the scaled state.
type Formula = Box<dyn Fn(&Past<'_>) -> f64>;

/// What a corrector adds in its place, given the value at the predicted end.
type Corrector<'a> = dyn Fn(&Past<'_>, f64) -> f64 + 'a;

fn dpm_solver_m(part: NonlinearPart, eta: f64, variant: Variant, half: bool) -> Formula {
    Box::new(move |past| {
        let [_, w1, w2, w3] = weights(part, eta, past.at(0), past.to);
        let d0 = past.n(0);
        if past.values.len() == 1 {
            return w1 * d0;
        }
        let d1_0 = (past.n(0) - past.n(1)) / past.ratio(0);
        if past.values.len() == 2 {
            let c = if variant == Variant::Taylor { w2 } else { 0.5 * w1 };
            return w1 * d0 + c * d1_0;
        }
        let d1_1 = (past.n(1) - past.n(2)) / past.ratio(1);
        let (r0, r1) = (past.ratio(0), past.ratio(1));
        let d1 = d1_0 + r0 / (r0 + r1) * (d1_0 - d1_1);
        let d2 = (d1_0 - d1_1) / (r0 + r1);
        w1 * d0 + w2 * d1 + if half { w3 } else { 2.0 * w3 } * d2
    })
}

/// `C_0 E_0 + C_1 E_1` by the integrals that two values in `rho` have in closed form.
fn rho_ab1(past: &Past<'_>) -> f64 {
    let (rho, next) = (past.at(0).rho, past.to.rho);
    if past.values.len() == 1 {
        return past.to.alpha * (next - rho) * past.n(0);
    }
    let c1 = -(next - rho).powi(2) / (2.0 * (rho - past.at(1).rho));
    past.to.alpha * ((next - rho - c1) * past.n(0) + c1 * past.n(1))
}

/// `int prod_(k != j) (s - s_k) / (s_j - s_k) drho` by Simpson's rule on a fine grid of the clock.
fn deis(in_time: bool) -> Formula {
    Box::new(move |past| {
        let point = |at: At| if in_time { at.t } else { at.rho };
        let points: Vec<f64> = past.values.iter().map(|value| point(value.0)).collect();
        let integrand = |j: usize, lambda: f64| {
            let s = point(At::clock(lambda));
            let others = points.iter().enumerate().filter(|(k, _)| *k != j);
            let product: f64 = others.map(|(_, p)| (s - p) / (points[j] - p)).product();
            -(-lambda).exp() * product
        };
        let (panels, lambda) = (2000, past.at(0).lambda);
        let length = past.h() / panels as f64;
        let mut sum = 0.0;
        for j in 0..points.len() {
            for panel in 0..panels {
                let left = lambda + panel as f64 * length;
                let [a, b, c] = [0.0, 0.5, 1.0].map(|share| integrand(j, left + share * length));
                sum += length / 6.0 * (a + 4.0 * b + c) * past.n(j);
            }
        }
        past.to.alpha * sum
    })
}

fn ipndm(past: &Past<'_>) -> f64 {
    let e = |age: usize| past.n(age);
    let mean = match past.values.len() {
        1 => e(0),
        2 => (3.0 * e(0) - e(1)) / 2.0,
        3 => (23.0 * e(0) - 16.0 * e(1) + 5.0 * e(2)) / 12.0,
        _ => (55.0 * e(0) - 59.0 * e(1) + 37.0 * e(2) - 9.0 * e(3)) / 24.0,
    };
    past.to.alpha * (past.to.rho - past.at(0).rho) * mean
}

/// UniP, or UniC where the value at the end is known; two unknowns at most, by Cramer's rule.
fn uni(part: NonlinearPart, bh: Bh, past: &Past<'_>, end: Option<f64>) -> f64 {
    let (h, [_, w1, w2, w3]) = (past.h(), weights(part, 0.0, past.at(0), past.to));
    let older = &past.values[1..];
    let mut r: Vec<f64> =
        older.iter().map(|value| (value.0.lambda - past.at(0).lambda) / h).collect();
    let mut d: Vec<f64> = older.iter().map(|value| value.1 - past.n(0)).collect();
    if let Some(end) = end {
        r.push(1.0);
        d.push(end - past.n(0));
    }
    // B with the sign of the equation it stands in.
    let b = match (part, bh) {
        (Eps, Bh::Bh1) => -past.to.sigma * h,
        (Data, Bh::Bh1) => past.to.alpha * h,
        _ => w1,
    };
    let c = match *r {
        [] => vec![],
        [_] if bh != Bh::VaryCoeff => vec![0.5 * b],
        [_] => vec![w2],
        [r1, r2] => {
            let (one, two) = (w2, 2.0 * w3);
            vec![(one * r2 - two) / (r2 - r1), (two - one * r1) / (r2 - r1)]
        }
        _ => unreachable!("two unknowns at most"),
    };
    w1 * past.n(0) + c.iter().zip(&d).zip(&r).map(|((c, d), r)| c * d / r).sum::<f64>()
}

/// Holds a method against its formula, and its corrector's, over steps of rising order.
fn follow(
    method: &BoxedMethod<f64, Flow>,
    (part, eta, std): (NonlinearPart, f64, &dyn Fn(f64, At) -> f64),
    values: usize,
    formula: &dyn Fn(&Past<'_>) -> f64,
    corrector: Option<&Corrector<'_>>,
) {
    for seed in 0..3 {
        let (mut x, knots) = drawn(seed);
        let states = made(method, x, &knots);
        let mut known = vec![(knots[0], predict(part, x, knots[0]))];
        for (step, ends) in knots.windows(2).enumerate() {
            let (from, to) = (ends[0], ends[1]);
            known.truncate(values);
            let past = Past { values: &known, to };
            let scaled = weights(part, eta, from, to)[0] * x;
            x = scaled + formula(&past);
            let last = step + 2 == knots.len();
            let value = predict(part, x, to);
            if let Some(corrector) = corrector.filter(|_| !last) {
                x = scaled + corrector(&past, value);
            }
            x += std(to.lambda - from.lambda, to) * z(from, to);
            close(&format!("{}, step {step}", method.info().name), states[step + 1], x);
            let value = if corrector.is_some() { value } else { predict(part, x, to) };
            known.insert(0, (to, value));
        }
    }
}

#[test]
fn multistep_methods_are_their_formulas() {
    fn check<R>(rule: R, formula: impl Fn(&Past<'_>) -> f64)
    where
        R: MultistepRule + Send + Sync + 'static,
    {
        let (part, values) = (rule.part(), rule.values());
        let method = boxed(Multistep::new(rule).final_orders(FinalOrders::Full));
        follow(&method, (part, 0.0, &|_, _| 0.0), values, &formula, None);
    }
    for part in PARTS {
        for variant in [Variant::DpmSolver, Variant::Taylor] {
            let second = DpmSolverM::second(part).variant(variant);
            check(second, dpm_solver_m(part, 0.0, variant, false));
            for form in [ThirdOrder::Corrected, ThirdOrder::Reference] {
                let third = DpmSolverM::third(part).variant(variant).third_order(form);
                check(third, dpm_solver_m(part, 0.0, variant, form == ThirdOrder::Reference));
            }
        }
        for bh in [Bh::Bh1, Bh::Bh2, Bh::VaryCoeff] {
            for order in 1..=2 {
                let method =
                    Multistep::new(UniPc::new(order, part).bh(bh)).final_orders(FinalOrders::Full);
                let unip = |past: &Past<'_>| uni(part, bh, past, None);
                let unic = |past: &Past<'_>, end| uni(part, bh, past, Some(end));
                follow(&boxed(method), (part, 0.0, &|_, _| 0.0), order, &unip, Some(&unic));
            }
        }
        let corrected = Multistep::new(DpmSolverM::second(part)).corrector(UniC(Bh::Bh2));
        let formula = dpm_solver_m(part, 0.0, Variant::DpmSolver, false);
        let unic = |past: &Past<'_>, end| uni(part, Bh::Bh2, past, Some(end));
        let method = boxed(corrected.final_orders(FinalOrders::Full));
        follow(&method, (part, 0.0, &|_, _| 0.0), 2, &formula, Some(&unic));
    }
    check(Deis::rho_ab(1), rho_ab1);
    check(Deis::rho_ab(3), deis(false));
    check(Deis::tab(2), deis(true));
    check(Ipndm::new(), ipndm);
}

/// A singlestep formula of order 1, 2 or 3, and that of the next lower order.
fn singlestep(
    part: NonlinearPart,
    order: usize,
    (variant, inner): (Variant, Variant),
    x: f64,
    (from, to): (At, At),
) -> (f64, f64) {
    let h = to.lambda - from.lambda;
    let [scale, w1, w2, w3] = weights(part, 0.0, from, to);
    let n0 = predict(part, x, from);
    let one = scale * x + w1 * n0;
    if order == 1 {
        return (one, f64::NAN);
    }
    let shares = if order == 2 { [0.5, f64::NAN] } else { [1.0 / 3.0, 2.0 / 3.0] };
    let [r1, r2] = shares;
    let s1 = At::clock(from.lambda + r1 * h);
    let [scale, v1, ..] = weights(part, 0.0, from, s1);
    let d1_0 = (predict(part, scale * x + v1 * n0, s1) - n0) / r1;
    let two = one + if variant == Variant::Taylor { w2 } else { 0.5 * w1 } * d1_0;
    if order == 2 {
        return (two, one);
    }
    let s2 = At::clock(from.lambda + r2 * h);
    let [scale, v1, v2, _] = weights(part, 0.0, from, s2);
    let c = if inner == Variant::Taylor { v2 } else { 0.5 * v1 };
    let d1_1 = (predict(part, scale * x + v1 * n0 + r2 * c * d1_0, s2) - n0) / r2;
    let three = match variant {
        Variant::DpmSolver => one + w2 * d1_1,
        Variant::Taylor => {
            let d1 = (r2 * d1_0 - r1 * d1_1) / (r2 - r1);
            one + w2 * d1 + w3 * 2.0 * (d1_1 - d1_0) / (r2 - r1)
        }
    };
    (three, two)
}

/// Kutta's rule of order 3 for `y = x / alpha` in `rho`.
fn rho_kutta3(x: f64, from: At, to: At) -> f64 {
    let (y, length) = (x / from.alpha, to.rho - from.rho);
    let slope = |y: f64, share: f64| {
        let at = At::clock(-(from.rho + share * length).ln());
        predict(Eps, at.alpha * y, at)
    };
    let k1 = slope(y, 0.0);
    let k2 = slope(y + 0.5 * length * k1, 0.5);
    let k3 = slope(y + length * (2.0 * k2 - k1), 1.0);
    to.alpha * (y + length * (k1 + 4.0 * k2 + k3) / 6.0)
}

fn dpm_2(x: f64, from: At, to: At) -> f64 {
    let y = x / from.alpha;
    let mid = At::clock(-0.5 * (from.rho * to.rho).ln());
    let y_mid = y + (mid.rho - from.rho) * predict(Eps, x, from);
    to.alpha * (y + (to.rho - from.rho) * predict(Eps, mid.alpha * y_mid, mid))
}

const CHURN: f64 = 0.6;

fn churned_heun(x: f64, from: At, to: At, gamma: f64) -> f64 {
    let raised = At::clock(-((1.0 + gamma) * from.rho).ln());
    let noise = from.rho * ((1.0 + gamma).powi(2) - 1.0).sqrt();
    let y = x / from.alpha + noise * z(from, to);
    let length = to.rho - raised.rho;
    let d = predict(Eps, raised.alpha * y, raised);
    let d_next = predict(Eps, to.alpha * (y + length * d), to);
    to.alpha * (y + length * (d + d_next) / 2.0)
}

#[test]
fn singlestep_methods_are_their_formulas() {
    let mut table: Vec<(BoxedMethod<f64, Flow>, Written)> = vec![
        (boxed(Dpm2::new()), Box::new(dpm_2)),
        (boxed(RhoRungeKutta::<Kutta3Tableau>::new()), Box::new(rho_kutta3)),
        (
            boxed(Churned::new(RhoRungeKutta::edm_heun(), Churn::NONE)),
            Box::new(|x, from, to| churned_heun(x, from, to, 0.0)),
        ),
        (
            boxed(Churned::new(RhoRungeKutta::edm_heun(), Churn::of(CHURN))),
            Box::new(|x, from, to| churned_heun(x, from, to, CHURN / 6.0)),
        ),
        (
            boxed(Ddim::default()),
            Box::new(|x, from, to| {
                to.alpha * predict(Data, x, from) + to.sigma * predict(Eps, x, from)
            }),
        ),
    ];
    let variants = [Variant::DpmSolver, Variant::Taylor];
    for part in PARTS {
        for both in variants.into_iter().flat_map(|outer| variants.map(|inner| (outer, inner))) {
            for order in 1..=3 {
                let method =
                    [Singlestep::first, Singlestep::second, Singlestep::third][order - 1](part);
                table.push((
                    boxed(method.variant(both.0).inner_variant(both.1)),
                    Box::new(move |x, from, to| singlestep(part, order, both, x, (from, to)).0),
                ));
            }
        }
    }
    are_as_written(&table);
}

#[test]
fn embedded_errors_are_their_formulas() {
    let flow = Flow::new();
    let field = Counted::new(&flow, None);
    for part in PARTS {
        for (order, method) in
            [(2, EmbeddedSinglestep::second(part)), (3, EmbeddedSinglestep::third(part))]
        {
            let (x, knots) = drawn(order as u64);
            let (from, to) = (knots[0], knots[1]);
            let mut stepper = Method::<f64, Flow>::begin(&method, &x);
            let mut next = 0.0;
            let step = Step {
                field: &field,
                t: from.t,
                t_next: to.t,
                h: to.t - from.t,
                u: &x,
                next: &mut next,
                noise: &mut NoNoise,
                grid: None,
                lanes: None,
            };
            stepper.step(step).unwrap();
            let variants = (Variant::DpmSolver, Variant::Taylor);
            let (high, low) = singlestep(part, order, variants, x, (from, to));
            let name = Method::<f64, Flow>::info(&method).name;
            close(name, next, high);
            let ErrorEstimate::Against { error, .. } = Stepper::<f64, Flow>::error(&stepper) else {
                panic!("{name} has no error");
            };
            close(name, *error, high - low);
        }
    }
}

/// `sigma_down`, `sigma_up` and the clock at `sigma_down`.
fn ancestral(eta: f64, from: At, to: At) -> (f64, f64, f64) {
    let up = eta * to.sigma * (1.0 - (-2.0 * (to.lambda - from.lambda)).exp()).sqrt();
    let down = (to.sigma.powi(2) - up.powi(2)).sqrt();
    (down, up, (to.alpha / down).ln())
}

fn ddim(eta: f64, x: f64, from: At, to: At) -> f64 {
    let (down, up, _) = ancestral(eta, from, to);
    to.alpha * predict(Data, x, from) + down * predict(Eps, x, from) + up * z(from, to)
}

fn ancestral_2s(part: NonlinearPart, eta: f64, x: f64, from: At, to: At) -> f64 {
    let (down, up, lambda_down) = ancestral(eta, from, to);
    let h = lambda_down - from.lambda;
    let s = At::clock(from.lambda + h / 2.0);
    let n0 = predict(part, x, from);
    let flow = match part {
        Data => {
            let x_s = s.sigma / from.sigma * x + s.alpha * (1.0 - (-h / 2.0).exp()) * n0;
            down / from.sigma * x + to.alpha * (1.0 - (-h).exp()) * predict(part, x_s, s)
        }
        Eps => {
            let x_s = s.alpha / from.alpha * x - s.sigma * ((h / 2.0).exp() - 1.0) * n0;
            to.alpha / from.alpha * x - down * (h.exp() - 1.0) * predict(part, x_s, s)
        }
    };
    flow + up * z(from, to)
}

fn sde_2s(eta: f64, x: f64, from: At, to: At) -> f64 {
    let s = At::clock(0.5 * (from.lambda + to.lambda));
    let ancestral_step = |to: At, data: f64| {
        let (down, up, lambda_down) = ancestral(eta, from, to);
        let kept = (from.lambda - lambda_down).exp();
        down / from.sigma * x + to.alpha * (1.0 - kept) * data + up * z(from, to)
    };
    let x_s = ancestral_step(s, predict(Data, x, from));
    ancestral_step(to, predict(Data, x_s, s))
}

#[test]
fn stochastic_methods_are_their_formulas() {
    for eta in [0.0, 0.4, 1.0] {
        let noise = AncestralNoise::new(eta).unwrap();
        let table: [(BoxedMethod<f64, Flow>, Written); 4] = [
            (boxed(Ddim::new(noise)), Box::new(move |x, from, to| ddim(eta, x, from, to))),
            (
                boxed(Ancestral2S::new(Data, noise)),
                Box::new(move |x, from, to| ancestral_2s(Data, eta, x, from, to)),
            ),
            (
                boxed(Ancestral2S::new(Eps, noise)),
                Box::new(move |x, from, to| ancestral_2s(Eps, eta, x, from, to)),
            ),
            (boxed(Sde2S::new(noise)), Box::new(move |x, from, to| sde_2s(eta, x, from, to))),
        ];
        are_as_written(&table);
        for part in PARTS {
            let std = |h: f64, to: At| match part {
                Data => to.sigma * (1.0 - (-2.0 * eta * h).exp()).sqrt(),
                Eps => to.sigma * (eta * ((2.0 * h).exp() - 1.0)).sqrt(),
            };
            let noise = DiffusionNoise::new(eta).unwrap();
            for variant in [Variant::DpmSolver, Variant::Taylor] {
                let rules = [DpmSolverM::first, DpmSolverM::second, DpmSolverM::third];
                for (values, rule) in (1..).zip(rules) {
                    let method = SdeMultistep::new(rule(part).variant(variant), noise);
                    let formula = dpm_solver_m(part, eta, variant, false);
                    let method = boxed(method.final_orders(FinalOrders::Full));
                    follow(&method, (part, eta, &std), values, &formula, None);
                }
            }
        }
    }
}
