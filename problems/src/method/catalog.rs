//! Every method that runs on the fields of a Gaussian path: the lists of the solvers crate, with
//! entries here for those of their methods that have parameters, and for what asks for a path.

use std::sync::Arc;

use driftfield_solvers::NonlinearPart::{Data, Noise};
use driftfield_solvers::State;
use driftfield_solvers::method::exponential::{
    Ancestral2S, AncestralNoise, Churned, Ddim, Dpm2, DpmSolverM, EmbeddedSinglestep,
    MultistepRule, RhoRungeKutta, Sde2S, Singlestep, multistep_rules,
};
use driftfield_solvers::method::registry::{
    additive_methods, exponential_methods, runge_kutta_methods, stochastic_exponential_methods,
    stochastic_methods,
};
use driftfield_solvers::method::{Kind, Method, MethodInfo};
use ndarray::ArrayD;

use super::aliases::aliases;
use super::ancestral_steps::ancestral;
use super::churned::churned;
use super::deis::{lms, rho_runge_kutta};
use super::dpm_solver::{embedded, multistep_dpm_solver, singlestep};
use super::langevin::{annealed_langevin, predictor_corrector};
use super::multistep::multistep;
use super::says_noise::says_noise;
use super::sde_dpm_solver::sde_dpm_solver;
use super::unipc::unipc;
use super::{Ancestral, ChosenMethod, IntendedGrid, PathMethod, Recipe, ReverseDiffusion, Solver};
use crate::catalog::{Catalog, Entry};
use crate::flow::PathField;
use crate::spec::SpecError;

const KIND: &str = "solver";

/// Every method for states of one type, Runge-Kutta first.
///
/// ```
/// use driftfield_problems::method::methods;
/// let methods = methods::<[f64; 2]>();
/// let lms = methods.find("lms").unwrap();
/// let order = lms.parameters().iter().find(|key| key.name() == "order").unwrap();
/// assert_eq!((order.name(), order.default()), ("order", Some("4")));
/// ```
pub fn methods<S: State>() -> Catalog<Recipe<S>> {
    let lists = [
        listed(runge_kutta_methods::<S, PathField<S>>),
        listed(exponential_methods),
        listed(stochastic_methods),
        listed(additive_methods),
        listed(stochastic_exponential_methods),
        of_scores(),
    ];
    // An entry with parameters takes the place of the one of its name without any.
    let with_parameters = [multistep_of_rules(), exponential(), stochastic_exponential()];
    let all = Catalog::new(KIND, lists.into_iter().flatten());
    named(all.with_all(with_parameters.into_iter().flatten()))
}

/// The same with the names that other libraries have for them.
fn named<T>(catalog: Catalog<T>) -> Catalog<T> {
    catalog.aliases(aliases()).of_two_sorts(says_noise)
}

/// Every rule of the solvers crate, with the parameters that all of them have.
fn multistep_of_rules<S: State>() -> Vec<Entry<Recipe<S>>> {
    let entry = |(about, rule): (_, Arc<dyn MultistepRule + Send + Sync>)| match rule.name() {
        "lms" => lms(about),
        _ => multistep(about, rule),
    };
    multistep_rules().into_iter().map(entry).collect()
}

/// Exact in the linear part.
fn exponential<S: State>() -> Vec<Entry<Recipe<S>>> {
    vec![
        ancestral("DDIM; with eta the noise of DDPM", AncestralNoise::NONE, Ddim::new),
        singlestep("DPM-Solver-1, which is DDIM", Singlestep::first(Noise)),
        singlestep("DPM-Solver-2, one inner node", Singlestep::second(Noise)),
        multistep_dpm_solver("DPM-Solver of order 2, multistep", DpmSolverM::second(Noise)),
        singlestep("DPM-Solver-3, two inner nodes", Singlestep::third(Noise)),
        multistep_dpm_solver("DPM-Solver of order 3, multistep", DpmSolverM::third(Noise)),
        embedded("DPM-Solver-2 with the error to DPM-Solver-1", EmbeddedSinglestep::second(Noise)),
        embedded("DPM-Solver-3 with the error to DPM-Solver-2", EmbeddedSinglestep::third(Noise)),
        singlestep("DPM-Solver++(1), which is DDIM", Singlestep::first(Data)),
        singlestep("DPM-Solver++(2S), one inner node", Singlestep::second(Data)),
        multistep_dpm_solver("DPM-Solver++(2M), multistep", DpmSolverM::second(Data)),
        singlestep("DPM-Solver++(3S), two inner nodes", Singlestep::third(Data)),
        multistep_dpm_solver("DPM-Solver++(3M), multistep", DpmSolverM::third(Data)),
        embedded("DPM-Solver++(2S) with the error to (1)", EmbeddedSinglestep::second(Data)),
        embedded("DPM-Solver++(3S) with the error to (2S)", EmbeddedSinglestep::third(Data)),
        unipc("UniP-1, corrected by UniC", 1),
        unipc("UniP-2, corrected by UniC", 2),
        unipc("UniP-3, corrected by UniC", 3),
        unipc("UniP-4, corrected by UniC", 4),
        rho_runge_kutta("DEIS: Runge-Kutta in sigma / alpha"),
        churned("k-diffusion's DPM-2, midpoint in the log-SNR, with churn", |churn| {
            Churned::new(Dpm2::new(), churn)
        }),
        churned("Heun in sigma / alpha with the churn of Karras et al.", |churn| {
            Churned::new(RhoRungeKutta::edm_heun(), churn)
        }),
    ]
}

/// Exact in the linear part, and drawing all the noise of the reverse diffusion by default.
fn stochastic_exponential<S: State>() -> Vec<Entry<Recipe<S>>> {
    let full = AncestralNoise::FULL;
    vec![
        ancestral("k-diffusion's ancestral Euler steps", full, Ddim::euler_ancestral),
        ancestral("k-diffusion's ancestral DPM-2", full, |noise| Ancestral2S::new(Noise, noise)),
        ancestral("k-diffusion's ancestral DPM-Solver++(2S)", full, |noise| {
            Ancestral2S::new(Data, noise)
        }),
        sde_dpm_solver("SDE-DPM-Solver-1", DpmSolverM::first(Noise)),
        sde_dpm_solver("SDE-DPM-Solver-2, multistep", DpmSolverM::second(Noise)),
        sde_dpm_solver("SDE-DPM-Solver++(1)", DpmSolverM::first(Data)),
        ancestral("SDE-DPM-Solver++(2S)", full, Sde2S::new),
        sde_dpm_solver("SDE-DPM-Solver++(2M)", DpmSolverM::second(Data)),
        sde_dpm_solver("SDE-DPM-Solver++(3M)", DpmSolverM::third(Data)),
    ]
}

/// What asks a path for its posterior, or a field for its score.
fn of_scores<S: State>() -> Vec<Entry<Recipe<S>>> {
    vec![
        plain("draws from the process's exact posterior (DDPM)", Ancestral::new()),
        plain("the reverse of the forward step (Song et al. 2021)", ReverseDiffusion),
        predictor_corrector("a predictor after Langevin steps at every level"),
        annealed_langevin("Langevin steps down a ladder of noise levels"),
    ]
}

/// A method without parameters.
fn plain<S: State, M>(summary: &'static str, method: M) -> Entry<Recipe<S>>
where
    M: Method<S, PathField<S>> + Clone + Send + Sync + 'static,
{
    let name = method.info().name;
    Entry::new(name, summary, move |_| Ok(Recipe::new(method.clone())))
}

/// The methods of a list, without parameters.
fn listed<S: State>(list: fn() -> Vec<PathMethod<S>>) -> Vec<Entry<Recipe<S>>> {
    let infos: Vec<MethodInfo> = list().iter().map(|method| method.info()).collect();
    let entry = |(index, info): (usize, MethodInfo)| {
        let recipe = Recipe::made_by(move || list().swap_remove(index));
        Entry::new(info.name, summary(&info), move |_| Ok(recipe.clone()))
    };
    infos.into_iter().enumerate().map(entry).collect()
}

/// What the orders of a method say.
fn summary(info: &MethodInfo) -> String {
    if info.kind == Kind::Exponential {
        return format!("an exponential integrator of order {}", info.order);
    }
    match (info.strong_order, info.weak_order, info.embedded_order) {
        (Some(strong), Some(weak), _) => {
            format!("a scheme for SDEs of strong order {strong} and weak order {weak}")
        }
        (_, _, Some(embedded)) => {
            format!(
                "explicit Runge-Kutta of order {} with an error of order {embedded}",
                info.order
            )
        }
        _ => format!("explicit Runge-Kutta of order {}", info.order),
    }
}

/// Every method by name, for states of either precision: what the command line knows.
///
/// A name of your own is one entry more.
///
/// ```
/// use driftfield_problems::catalog::{Entry, Key};
/// use driftfield_problems::method::{self, Solver};
/// use driftfield_solvers::method::exponential::{AncestralNoise, Ddim};
///
/// let mine = Entry::new("mine", "DDIM, for an example", |mine| {
///     let noise = if mine.flag("noisy")? { AncestralNoise::FULL } else { AncestralNoise::NONE };
///     Ok(Solver::new(mine.label(), Ddim::new(noise)))
/// });
/// let mine = mine.keys([Key::flag("noisy", false, "whether all of the noise is drawn")]);
/// let solver = method::catalog().with(mine).build("mine:noisy=true").unwrap();
/// assert!(solver.info().draws_noise);
/// ```
pub fn catalog() -> Catalog<Solver> {
    let (single, double) = (methods::<ArrayD<f32>>(), methods::<ArrayD<f64>>());
    let pairs = single.entries().iter().zip(double.entries());
    let of_both =
        |(single, double): (&Entry<_>, &Entry<_>)| of_both(single.clone(), double.clone());
    named(Catalog::new(KIND, pairs.map(of_both)))
}

/// One method in both precisions.
fn of_both(
    single: Entry<Recipe<ArrayD<f32>>>,
    double: Entry<Recipe<ArrayD<f64>>>,
) -> Entry<Solver> {
    single.zip(double, |single, double, parameters| Solver::of(parameters.label(), single, double))
}

/// A multistep rule as a solver, with the parameters that every multistep method has: `start`,
/// `corrector`, `uncorrected`, `lower_order_final`, `few_steps`, `last_order`.
pub fn multistep_solver<R>(summary: &'static str, rule: R) -> Entry<Solver>
where
    R: MultistepRule + Clone + Send + Sync + 'static,
{
    of_both(multistep(summary, rule.clone()), multistep(summary, rule))
}

/// Every method with its default settings, Runge-Kutta first.
pub fn path_methods<S: State>() -> Vec<PathMethod<S>> {
    methods().defaults().map(|recipe| recipe.make(None).method).collect()
}

/// The method written `name` or `name:key=value`.
///
/// ```
/// use driftfield_problems::method::parse;
/// use driftfield_solvers::method::Method;
/// assert_eq!(parse::<[f64; 2]>("heun").unwrap().info().order, 2);
/// assert_eq!(parse::<[f64; 2]>("dpm-solver++3m:form=reference").unwrap().info().order, 2);
/// let error = parse::<[f64; 2]>("huen").err().unwrap();
/// assert!(error.to_string().contains("did you mean `heun`"));
/// ```
pub fn parse<S: State>(text: &str) -> Result<PathMethod<S>, SpecError> {
    Ok(methods().build(text)?.make(None).method)
}

/// The method written `name` or `name:key=value`, made for a grid.
pub fn parse_for<S: State>(text: &str, grid: &IntendedGrid) -> Result<ChosenMethod<S>, SpecError> {
    Ok(methods().build(text)?.make(Some(grid)))
}
