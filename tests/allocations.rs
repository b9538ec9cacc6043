//! After the first step of a solve on a host state, no step allocates, and a solve of digits keeps
//! no more for more steps.
// A global allocator can only be written with `unsafe`; this one counts and
// otherwise does what the system's does.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use driftfield::generate::{Budget, Initial, Saved, Settings, TrainedModel, generate};
use driftfield::problems::method::Solver;
use driftfield_problems::flow::reverse_sde;
use driftfield_problems::langevin::{Baoab, Obabo, UnderdampedLangevin};
use driftfield_problems::method;
use driftfield_problems::predictor::{Predictor, Targets};
use driftfield_problems::process::{self, SharedPath};
use driftfield_solvers::method::registry::{
    additive_methods, runge_kutta_methods, stochastic_exponential_methods, stochastic_methods,
    stratonovich_methods,
};
use driftfield_solvers::method::{BoxedMethod, Method};
use driftfield_solvers::{
    Decay as SemilinearDecay, FieldError, Ito, OdeProblem, Problem, SdeProblem, SolveOptions,
    Status, Stratonovich, Times, VectorField, init,
};
use ndarray::Array2;

thread_local! {
    /// Allocations of this thread: tests run side by side.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    /// Bytes this thread has now, and the most it had.
    static BYTES: Cell<(i64, i64)> = const { Cell::new((0, 0)) };
}

struct Counting;

fn count() {
    // A thread that is being torn down has no counter, and none is needed.
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
}

fn change(bytes: i64) {
    let _ = BYTES.try_with(|kept| {
        let (now, most) = kept.get();
        kept.set((now + bytes, most.max(now + bytes)));
    });
}

// SAFETY: every call is passed on unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        change(layout.size() as i64);
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        change(layout.size() as i64);
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        change(size as i64 - layout.size() as i64);
        unsafe { System.realloc(pointer, layout, size) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        change(-(layout.size() as i64));
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

type Batch = Array2<f64>;

#[derive(Clone, Copy)]
struct Decay;

impl VectorField<Batch> for Decay {
    fn eval(&self, du: &mut Batch, u: &Batch, t: Times<'_>) -> Result<(), FieldError> {
        let t = t.one()?;
        du.zip_mut_with(u, |du, u| *du = t - u);
        Ok(())
    }
}

fn initial() -> Batch {
    Batch::from_shape_fn((100, 3), |(i, j)| 1.0 + (3 * i + j) as f64)
}

/// Allocations made by the steps after the first.
fn allocations<P: Problem<State = Batch, Field: 'static>>(
    problem: &P,
    method: &BoxedMethod<Batch, P::Field>,
    options: SolveOptions<'_, Batch>,
) -> u64 {
    let mut integrator = init(problem, method, options).unwrap();
    assert_eq!(integrator.step(), Status::Stepped);
    let before = ALLOCATIONS.get();
    while integrator.step() == Status::Stepped {}
    let after = ALLOCATIONS.get();
    assert!(integrator.outcome().unwrap().is_success());
    assert!(integrator.statistics().accepted > 5);
    after - before
}

#[test]
fn the_counter_counts() {
    let before = ALLOCATIONS.get();
    let values = std::hint::black_box(vec![1.0; 100]);
    assert_eq!(ALLOCATIONS.get() - before, 1);
    drop(values);
}

#[test]
fn no_runge_kutta_method_allocates() {
    let problem = OdeProblem::new(Decay, initial(), (0.0, 1.0));
    for method in runge_kutta_methods() {
        let name = method.info().name;
        assert_eq!(allocations(&problem, &method, SolveOptions::steps(20)), 0, "{name}");
        if method.info().adaptive() {
            let options = SolveOptions::adaptive(1e-12, 1e-12);
            assert_eq!(allocations(&problem, &method, options), 0, "{name}, adaptive");
        }
    }
}

#[test]
fn no_stochastic_method_allocates() {
    let ito = SdeProblem::from_field(Ito { drift: Decay, diffusion: Decay }, initial(), (0.0, 1.0));
    check_stochastic(&ito, stochastic_methods());
    let both = Stratonovich { drift: Decay, diffusion: Decay };
    check_stochastic(&SdeProblem::from_field(both, initial(), (0.0, 1.0)), stratonovich_methods());
    let additive = SdeProblem::additive(
        |du: &mut Batch, u: &Batch, t: f64| du.zip_mut_with(u, |du, u| *du = t - u),
        |g: &mut Batch, t: f64| g.fill(1.0 + t),
        initial(),
        (0.0, 1.0),
    );
    check_stochastic(&additive, additive_methods());
}

/// Fixed steps on their grid, and adaptive ones on a tree.
fn check_stochastic<P: Problem<State = Batch, Field: 'static>>(
    problem: &P,
    methods: Vec<BoxedMethod<Batch, P::Field>>,
) {
    for method in methods {
        let name = method.info().name;
        assert_eq!(allocations(problem, &method, SolveOptions::steps(20)), 0, "{name}");
        if method.info().adaptive() {
            let options = SolveOptions::adaptive(1e-2, 1e-2).dtmax(0.1);
            assert_eq!(allocations(problem, &method, options), 0, "{name}, adaptive");
        }
    }
}

#[test]
fn no_exponential_integrator_with_noise_allocates() {
    let field = SemilinearDecay::new(2.0, Decay).unwrap();
    let problem = OdeProblem::new(field, initial(), (0.0, 1.0));
    for method in stochastic_exponential_methods() {
        let name = method.info().name;
        assert_eq!(allocations(&problem, &method, SolveOptions::steps(20)), 0, "{name}");
    }
}

/// The data is half of the state, whatever the time.
struct HalfOfTheState(SharedPath);

impl Predictor<Batch> for HalfOfTheState {
    fn path(&self) -> &SharedPath {
        &self.0
    }
    fn predict(
        &self,
        target: Targets<'_>,
        out: &mut Batch,
        x: &Batch,
        _t: Times<'_>,
    ) -> Result<(), FieldError> {
        let target = target.one()?;
        out.zip_mut_with(x, |out, x| *out = 0.5 * (target.data + target.noise) * x);
        Ok(())
    }
}

#[test]
fn no_method_along_the_score_allocates() {
    let path = process::parse("vp").unwrap();
    let field = reverse_sde(HalfOfTheState(path), 1.0);
    let problem = field.sde_problem(initial(), (1.0, 0.1));
    for name in [
        "reverse-diffusion",
        "pc:predictor=ancestral,corrector=langevin,n=2",
        "pc:predictor=none",
        "annealed-langevin",
    ] {
        let method = method::parse(name).unwrap();
        assert_eq!(allocations(&problem, &method, SolveOptions::steps(20)), 0, "{name}");
    }
}

#[test]
fn no_splitting_of_langevin_dynamics_allocates() {
    let score = |out: &mut Batch, x: &Batch, _t: f64| out.zip_mut_with(x, |out, x| *out = -x);
    let problem = UnderdampedLangevin::new(score, 1.0).unwrap().problem(initial(), 2.0);
    assert_eq!(run_splitting(&problem, &Baoab), 0);
    assert_eq!(run_splitting(&problem, &Obabo), 0);
}

fn run_splitting<P: Problem<Field: 'static>>(
    problem: &P,
    method: &impl Method<P::State, P::Field>,
) -> u64 {
    let mut integrator = init(problem, method, SolveOptions::steps(20)).unwrap();
    assert_eq!(integrator.step(), Status::Stepped);
    let before = ALLOCATIONS.get();
    while integrator.step() == Status::Stepped {}
    ALLOCATIONS.get() - before
}

/// The most bytes that a generation of four digits has at a time, on the one thread it has.
fn peak(steps: usize, saved: Saved) -> i64 {
    let weights = concat!(env!("CARGO_MANIFEST_DIR"), "/weights/mnist-rectified-flow.safetensors");
    let (model, path) =
        (TrainedModel::read(weights).unwrap(), process::parse("rectified-flow").unwrap());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let settings = Settings {
        saved,
        ..Settings::new(Solver::parse("dpm-solver++2m").unwrap(), Budget::Steps(steps))
    };
    pool.install(|| {
        let run = |settings: &Settings| {
            let noise = Initial::<f32>::Noise { lanes: 4 };
            let generated = generate(&path, &model, noise, settings).unwrap();
            generated.complete().unwrap();
        };
        // What a thread keeps for its networks is there after any solve.
        run(&Settings::new(Solver::parse("dpm-solver++2m").unwrap(), Budget::Steps(2)));
        let before = BYTES.get().0;
        BYTES.set((before, before));
        run(&settings);
        BYTES.get().1 - before
    })
}

#[test]
fn generation_of_digits_keeps_no_more_for_more_steps() {
    let state = 4 * 784 * 4;
    let (few, many) = (peak(4, Saved::Last), peak(40, Saved::Last));
    assert!(few > state, "{few}");
    // The times of the grid grow, and nothing of the size of a state.
    assert!(many - few < state / 4, "{few}, {many}");
    // A trajectory does grow: the measure would see it.
    assert!(peak(40, Saved::All) - many > 30 * state);
}
