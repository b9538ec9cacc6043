use crate::method::{Kind, MethodInfo};

/// In which sense a stochastic integral is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sense {
    /// Ito.
    Ito,
    /// Stratonovich.
    Stratonovich,
}

/// The kinds of noise orders are stated for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoiseKind {
    /// Independent of the state, of any structure.
    Additive,
    /// One Brownian motion for all components.
    Scalar,
    /// One Brownian motion per component.
    Diagonal,
    /// Several Brownian motions for all components.
    General,
}

/// Orders of convergence for one kind of noise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Orders {
    /// The kind of noise.
    pub noise: NoiseKind,
    /// Order in the root mean square error on one path.
    pub strong: f64,
    /// Order in the error of expectations.
    pub weak: f64,
}

impl Orders {
    pub(super) const fn of(noise: NoiseKind, strong: f64, weak: f64) -> Self {
        Orders { noise, strong, weak }
    }
}

/// What a stochastic method says of itself beyond [`MethodInfo`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StochasticInfo {
    /// The senses it solves equations in; additive noise has both.
    pub senses: &'static [Sense],
    /// The kinds of noise it accepts, with the orders for each.
    pub orders: &'static [Orders],
}

impl StochasticInfo {
    /// The orders for `noise`, if the method accepts it.
    pub fn orders_for(&self, noise: NoiseKind) -> Option<Orders> {
        self.orders.iter().copied().find(|orders| orders.noise == noise)
    }

    /// The general description. Its orders are those for the most general noise the
    /// method accepts, the last of the list.
    pub(super) fn method_info(
        &self,
        name: &'static str,
        order: u32,
        evaluations_per_step: u64,
        embedded_order: Option<u32>,
    ) -> MethodInfo {
        MethodInfo {
            embedded_order,
            strong_order: self.orders.last().map(|orders| orders.strong),
            weak_order: self.orders.last().map(|orders| orders.weak),
            draws_noise: true,
            ..MethodInfo::one_step(name, Kind::Stochastic, order, evaluations_per_step)
        }
    }
}
