//! Multistep methods: a rule of weights, with the parameters that all of them have.

use driftfield_solvers::State;
use driftfield_solvers::method::exponential::{FinalOrders, Multistep, MultistepRule, Start};

use super::Recipe;
use crate::catalog::{Entry, Key, Parameters};
use crate::spec::SpecError;

/// A rule that has no parameters of its own.
pub(super) fn multistep<S, R>(summary: &'static str, rule: R) -> Entry<Recipe<S>>
where
    S: State,
    R: MultistepRule + Clone + Send + Sync + 'static,
{
    multistep_of(summary, rule, |rule, _| Ok(rule))
}

/// A rule as `shape` makes it of the parameters, which the caller adds.
pub(super) fn multistep_of<S, R>(
    summary: &'static str,
    rule: R,
    shape: impl Fn(R, &Parameters<'_>) -> Result<R, SpecError> + Send + Sync + 'static,
) -> Entry<Recipe<S>>
where
    S: State,
    R: MultistepRule + Clone + Send + Sync + 'static,
{
    let (name, usual) = (rule.name(), rule.final_orders());
    let correctors: &[&str] = match rule.corrector() {
        Some(_) => &["unic", "none"],
        None => &["none", "unic"],
    };
    let build = move |parameters: &Parameters<'_>| {
        let method = Multistep::new(shape(rule.clone(), parameters)?);
        Ok(Recipe::new(corrected(settled(method, parameters)?, parameters)?))
    };
    let corrector = Key::choice("corrector", correctors, "UniC after every step but the last");
    Entry::new(name, summary, build).keys(start_keys()).keys([corrector]).keys(end_keys(usual))
}

/// Parameters of the start, of a method that is, or may be, corrected.
pub(super) fn start_keys() -> [Key; 2] {
    [
        Key::choice(
            "start",
            &["lower", "matching", "heun"],
            "first steps: of lower order, one divided to match the order, or one of Heun's",
        ),
        Key::integer("uncorrected", 0, "first steps that a corrector leaves alone"),
    ]
}

/// Parameters of the end, `usual` being what the method does by itself.
pub(super) fn end_keys(usual: FinalOrders) -> [Key; 3] {
    let few =
        Key::integer("few_steps", 10, "grids of fewer steps end with lower orders, others not");
    [
        Key::flag(
            "lower_order_final",
            usual != FinalOrders::Full,
            "whether the last steps are of lower order",
        ),
        match usual {
            FinalOrders::LoweredBelow(steps) => few.or(steps),
            _ => few.without_default(),
        },
        Key::integer("last_order", 1, "order to which they come down")
            .within("at least 1", |order| order >= 1.0),
    ]
}

/// `method` as it is to be started and ended.
pub(super) fn settled<R: MultistepRule>(
    method: Multistep<R>,
    parameters: &Parameters<'_>,
) -> Result<Multistep<R>, SpecError> {
    let start = match parameters.word("start")? {
        "matching" => Start::Matching,
        "heun" => Start::Heun,
        _ => Start::Lower,
    };
    let orders = final_orders(parameters, method.rule().final_orders())?;
    let method = method.start(start).final_orders(orders).last_order(last_order(parameters)?);
    Ok(method.uncorrected(parameters.integer("uncorrected")?))
}

/// `method` with the corrector that is asked for.
fn corrected<R: MultistepRule>(
    method: Multistep<R>,
    parameters: &Parameters<'_>,
) -> Result<Multistep<R>, SpecError> {
    if parameters.word("corrector")? == "unic" {
        let own = method.rule().corrector();
        return Ok(method.corrector(own.unwrap_or_default()));
    }
    match parameters.integer("uncorrected")? {
        0 => Ok(method.corrector(None)),
        steps => {
            let expected = "0 without `corrector=unic`";
            Err(SpecError::value(parameters.name(), "uncorrected", steps, expected))
        }
    }
}

/// `lower_order_final` and `few_steps`, `own` being what the method does by itself.
pub(super) fn final_orders(
    parameters: &Parameters<'_>,
    own: FinalOrders,
) -> Result<FinalOrders, SpecError> {
    let asked = parameters.given("lower_order_final");
    let lowered = parameters.flag("lower_order_final")?;
    // Whoever says which grids are short wants them to end with lower orders.
    if parameters.given("few_steps") && (lowered || !asked) {
        return Ok(FinalOrders::LoweredBelow(parameters.integer("few_steps")?));
    }
    Ok(match own {
        _ if !lowered => FinalOrders::Full,
        // Those that know no lower orders at the end get them when they are asked for.
        FinalOrders::Full => FinalOrders::Lowered,
        own => own,
    })
}

/// `last_order`.
pub(super) fn last_order(parameters: &Parameters<'_>) -> Result<usize, SpecError> {
    parameters.integer("last_order")
}
