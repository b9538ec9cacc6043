//! Methods for stochastic differential equations.
//!
//! | method | sense | noise | strong order (additive, diagonal, general) | weak order |
//! |---|---|---|---|---|
//! | [`EulerMaruyama`] | Ito | any | 1, 1/2, 1/2 | 1 |
//! | [`Milstein`], [`MilsteinDerivativeFree`] | both | diagonal, scalar | 1, 1 | 1 |
//! | [`EulerHeun`] | Stratonovich | any | 1, 1, 1/2 | 1 |
//! | [`StochasticHeun`] | Stratonovich | any | 1, 1, 1/2 | 1, additive 2 |
//! | [`Sra1`], [`Shark`] | both | additive | 3/2 | 2 |
//! | [`Sriw1`], [`Srid2`] | Ito | diagonal, scalar | 3/2, 3/2 | 2; 3/2, additive 2 |
//! | [`WeakRungeKutta`] | Ito | any | 1, 1, 1/2 | 2 |
//!
//! Every method says the same of itself in its [`StochasticInfo`], and the field's
//! type lets the compiler refuse what does not apply. With a diagonal `g_i` that
//! depends on more than `u_i`, the noise is general (see
//! [`Diagonal`](crate::field::Diagonal)).
//!
//! A new method is one file and one line in the registry below, which boxes it for
//! choice at run time and puts it through every generic test.

mod euler_heun;
mod euler_maruyama;
mod heun;
mod info;
mod milstein;
mod milstein_derivative_free;
mod shark;
pub mod sra;
pub mod sri;
mod srid2;
mod sriw1;
mod weak;
mod wiener;

pub use euler_heun::EulerHeun;
pub use euler_maruyama::EulerMaruyama;
pub use heun::StochasticHeun;
pub use info::{NoiseKind, Orders, Sense, StochasticInfo};
pub use milstein::Milstein;
pub use milstein_derivative_free::MilsteinDerivativeFree;
pub use shark::{Shark, SharkTableau};
pub use sra::{Sra1, Sra1Tableau};
pub use srid2::{Srid2, Srid2Tableau};
pub use sriw1::{Sriw1, Sriw1Tableau};
pub use weak::WeakRungeKutta;

use super::BoxedMethod;
use crate::field::{Additive, OneColumn, ReadAsIto, ReadAsStratonovich, StochasticField};
use crate::state::State;

macro_rules! registry {
    ($(#[$doc:meta])* $name:ident, $([$($bound:tt)*]),+: $($method:expr),+ $(,)?) => {
        $(#[$doc])*
        pub fn $name<S, F>() -> Vec<BoxedMethod<S, F>>
        where
            S: State,
            $($($bound)*),+
        {
            vec![$(BoxedMethod::new($method)),+]
        }
    };
}

registry! {
    /// Methods for Ito equations with diagonal or scalar noise.
    stochastic_methods,
    [F: StochasticField<S> + 'static], [F::Interpretation: ReadAsIto], [F::Noise: OneColumn]:
    EulerMaruyama::new(), MilsteinDerivativeFree::new(), WeakRungeKutta::new(), Sriw1::new(),
    Srid2::new(),
}

registry! {
    /// Methods for Stratonovich equations with diagonal or scalar noise.
    stratonovich_methods,
    [F: StochasticField<S> + 'static], [F::Interpretation: ReadAsStratonovich],
    [F::Noise: OneColumn]:
    EulerHeun::new(), MilsteinDerivativeFree::new(), StochasticHeun::new(),
}

registry! {
    /// Methods for additive noise alone. Those for Ito and for Stratonovich equations
    /// apply as well.
    additive_methods, [F: StochasticField<S, Interpretation = Additive> + 'static]:
    Sra1::new(), Shark::new(),
}
