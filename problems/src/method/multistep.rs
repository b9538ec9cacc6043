//! The parameters that all multistep methods share.

use driftfield_solvers::method::exponential::{
    Bh, FinalOrders, Multistep, MultistepRule, Start, ThirdOrder, UniC,
};

use crate::spec::{Spec, SpecError};

/// Start, end and corrector.
pub(super) const MULTISTEP_KEYS: &[&str] =
    &["lower_order_final", "few_steps", "last_order", "start", "corrector", "uncorrected"];

/// `rule` as `spec` asks for it to be started, ended and corrected.
pub(super) fn multistep<R: MultistepRule>(spec: &Spec, rule: R) -> Result<Multistep<R>, SpecError> {
    let corrected = spec.choice("corrector", &["none", "unic"], "none")? == "unic";
    let method = started_and_ended(spec, Multistep::new(rule))?;
    match spec.integer("uncorrected", 0)? {
        _ if corrected => Ok(method.corrector(UniC(Bh::default()))),
        0 => Ok(method),
        steps => {
            let expected = "0 without `corrector=unic`";
            Err(SpecError::value(spec.name(), "uncorrected", steps, expected))
        }
    }
}

/// `method` with all but the corrector.
pub(super) fn started_and_ended<R: MultistepRule>(
    spec: &Spec,
    method: Multistep<R>,
) -> Result<Multistep<R>, SpecError> {
    let start = match spec.choice("start", &["lower", "matching", "heun"], "lower")? {
        "matching" => Start::Matching,
        "heun" => Start::Heun,
        _ => Start::Lower,
    };
    let orders = final_orders(spec, method.rule().final_orders())?;
    let method = method.start(start).final_orders(orders).last_order(last_order(spec)?);
    Ok(method.uncorrected(spec.integer("uncorrected", 0)?))
}

/// `form=corrected|reference`.
pub(super) fn third_order(spec: &Spec) -> Result<ThirdOrder, SpecError> {
    Ok(match spec.choice("form", &["corrected", "reference"], "corrected")? {
        "reference" => ThirdOrder::Reference,
        _ => ThirdOrder::Corrected,
    })
}

/// `lower_order_final` and `few_steps`, `own` being what the method does by itself.
pub(super) fn final_orders(spec: &Spec, own: FinalOrders) -> Result<FinalOrders, SpecError> {
    let lowered = spec.boolean("lower_order_final", own != FinalOrders::Full)?;
    // The grids that count as short: fewer than 10 steps in DPM-Solver's code, 15 in diffusers.
    if spec.text("few_steps").is_some() && spec.boolean("lower_order_final", true)? {
        return Ok(FinalOrders::LoweredBelow(spec.integer("few_steps", 10)?));
    }
    Ok(match own {
        _ if !lowered => FinalOrders::Full,
        // Those that know no lower orders at the end get them when they are asked for.
        FinalOrders::Full => FinalOrders::Lowered,
        own => own,
    })
}

/// `last_order`.
pub(super) fn last_order(spec: &Spec) -> Result<usize, SpecError> {
    match spec.integer("last_order", 1)? {
        0 => Err(SpecError::value(spec.name(), "last_order", 0, "at least 1")),
        order => Ok(order),
    }
}
