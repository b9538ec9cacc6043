//! The parameters that all multistep methods share.

use driftfield_solvers::method::exponential::{
    Bh, FinalOrders, Multistep, MultistepRule, Start, UniC,
};

use crate::spec::{Spec, SpecError};

/// `lower_order_final`, `start` and `corrector`.
pub(super) const MULTISTEP_KEYS: &[&str] = &["lower_order_final", "start", "corrector"];

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
    if spec.choice("corrector", &["none", "unic"], "none")? == "unic" {
        method = method.corrector(UniC(Bh::default()));
    }
    Ok(method)
}

/// `start=lower|matching`.
pub(super) fn start(spec: &Spec) -> Result<Start, SpecError> {
    Ok(match spec.choice("start", &["lower", "matching"], "lower")? {
        "matching" => Start::Matching,
        _ => Start::Lower,
    })
}
