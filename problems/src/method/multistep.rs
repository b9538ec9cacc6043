//! The parameters that all multistep methods share.

use driftfield_solvers::method::exponential::{
    Bh, FinalOrders, Multistep, MultistepRule, Start, UniC,
};

use crate::spec::{Spec, SpecError};

/// Start, end and corrector.
pub(super) const MULTISTEP_KEYS: &[&str] =
    &["lower_order_final", "few_steps", "last_order", "start", "corrector", "uncorrected"];

/// `rule` as `spec` asks for it to be started, ended and corrected.
pub(super) fn multistep<R: MultistepRule>(spec: &Spec, rule: R) -> Result<Multistep<R>, SpecError> {
    let own = rule.final_orders();
    let mut method = Multistep::new(rule).start(start(spec)?);
    // Those that know no lower orders at the end get them when they are asked for.
    if spec.text("lower_order_final").is_some() {
        method = method.final_orders(match (spec.boolean("lower_order_final", true)?, own) {
            (false, _) => FinalOrders::Full,
            (true, FinalOrders::Full) => FinalOrders::Lowered,
            (true, own) => own,
        });
    }
    // The grids that count as short: fewer than 10 steps in DPM-Solver's code, 15 in diffusers.
    if spec.text("few_steps").is_some() && spec.boolean("lower_order_final", true)? {
        method = method.final_orders(FinalOrders::LoweredBelow(spec.integer("few_steps", 10)?));
    }
    let mut method = ended(spec, method)?;
    if spec.choice("corrector", &["none", "unic"], "none")? == "unic" {
        method = method.corrector(UniC(Bh::default()));
    }
    Ok(method)
}

/// `method` with `last_order` and `uncorrected`.
pub(super) fn ended<R: MultistepRule>(
    spec: &Spec,
    method: Multistep<R>,
) -> Result<Multistep<R>, SpecError> {
    let order = spec.integer("last_order", 1)?;
    if order == 0 {
        return Err(SpecError::value(spec.name(), "last_order", order, "at least 1"));
    }
    Ok(method.last_order(order).uncorrected(spec.integer("uncorrected", 0)?))
}

/// `start=lower|matching`.
pub(super) fn start(spec: &Spec) -> Result<Start, SpecError> {
    Ok(match spec.choice("start", &["lower", "matching"], "lower")? {
        "matching" => Start::Matching,
        _ => Start::Lower,
    })
}
