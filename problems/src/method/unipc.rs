//! UniPC by name and parameters.

use driftfield_solvers::method::BoxedMethod;
use driftfield_solvers::method::exponential::{Bh, UniPc};
use driftfield_solvers::{NonlinearPart, State};

use super::ChosenMethod;
use crate::spec::{Spec, SpecError};

/// The method `spec` names, if it is a UniPC.
pub(super) fn build<S: State>(spec: &Spec) -> Result<Option<ChosenMethod<S>>, SpecError> {
    let order = match spec.name() {
        "unipc-1" => 1,
        "unipc-2" => 2,
        "unipc-3" => 3,
        "unipc-4" => 4,
        _ => return Ok(None),
    };
    spec.only(&["variant", "prediction", "lower_order_final", "last_order", "uncorrected"])?;
    let part = match spec.choice("prediction", &["data", "noise"], "data")? {
        "noise" => NonlinearPart::Noise,
        _ => NonlinearPart::Data,
    };
    let bh = match spec.choice("variant", &["bh1", "bh2"], "bh2")? {
        "bh1" => Bh::Bh1,
        _ => Bh::Bh2,
    };
    let method = UniPc::new(order, part)
        .bh(bh)
        .lower_order_final(spec.boolean("lower_order_final", true)?)
        .last_order(super::dpm_solver::last_order(spec)?)
        .uncorrected(spec.integer("uncorrected", 0)?);
    Ok(Some(ChosenMethod { method: BoxedMethod::new(method), orders: None }))
}
