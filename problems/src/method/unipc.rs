//! UniPC: a multistep rule with a corrector of its own.

use driftfield_solvers::method::exponential::{Bh, Multistep, MultistepRule, UniPc};
use driftfield_solvers::{NonlinearPart, State};

use super::Recipe;
use super::multistep::{end_keys, settled, start_keys};
use crate::catalog::{Entry, Key};

/// UniPC of an order from 1 to 4.
pub(super) fn unipc<S: State>(summary: &'static str, order: usize) -> Entry<Recipe<S>> {
    let usual = UniPc::new(order, NonlinearPart::Data);
    let (name, final_orders) = (usual.name(), usual.final_orders());
    Entry::new(name, summary, move |parameters| {
        let part = match parameters.word("prediction")? {
            "noise" => NonlinearPart::Noise,
            _ => NonlinearPart::Data,
        };
        let bh = match parameters.word("variant")? {
            "bh1" => Bh::Bh1,
            "vary_coeff" => Bh::VaryCoeff,
            _ => Bh::Bh2,
        };
        Ok(Recipe::new(settled(Multistep::new(UniPc::new(order, part).bh(bh)), parameters)?))
    })
    .keys([
        Key::choice(
            "variant",
            &["bh2", "bh1", "vary_coeff"],
            "how the system is solved at order 2",
        ),
        Key::choice("prediction", &["data", "noise"], "what is extrapolated"),
    ])
    .keys(start_keys())
    .keys(end_keys(final_orders))
}
