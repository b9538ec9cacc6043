//! UniPC by name and parameters.

use driftfield_solvers::method::BoxedMethod;
use driftfield_solvers::method::exponential::{Bh, UniPc};
use driftfield_solvers::{NonlinearPart, State};

use super::multistep::started_and_ended;
use super::{ChosenMethod, IntendedGrid};
use crate::spec::{Spec, SpecError};

/// The method `spec` names, if it is a UniPC.
pub(super) fn build<S: State>(
    spec: &Spec,
    _grid: Option<&IntendedGrid>,
) -> Result<Option<ChosenMethod<S>>, SpecError> {
    let order = match spec.name() {
        "unipc-1" => 1,
        "unipc-2" => 2,
        "unipc-3" => 3,
        "unipc-4" => 4,
        _ => return Ok(None),
    };
    spec.only(&[
        "variant",
        "prediction",
        "lower_order_final",
        "last_order",
        "start",
        "uncorrected",
    ])?;
    let part = match spec.choice("prediction", &["data", "noise"], "data")? {
        "noise" => NonlinearPart::Noise,
        _ => NonlinearPart::Data,
    };
    let bh = match spec.choice("variant", &["bh1", "bh2", "vary_coeff"], "bh2")? {
        "bh1" => Bh::Bh1,
        "vary_coeff" => Bh::VaryCoeff,
        _ => Bh::Bh2,
    };
    let method = started_and_ended(spec, UniPc::unipc(order, part, bh))?;
    Ok(Some(ChosenMethod { method: BoxedMethod::new(method), orders: None }))
}
