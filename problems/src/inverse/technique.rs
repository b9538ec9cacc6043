use std::fmt;
use std::str::FromStr;

use crate::spec::{Spec, SpecError};

/// How a measurement is taken into account, chosen at run time.
///
/// ```
/// use driftfield_problems::inverse::Technique;
/// assert_eq!("dps".parse(), Ok(Technique::Dps { zeta: 0.5, forgets_history: false }));
/// assert_eq!(
///     "pigdm:data_std=0.8".parse(),
///     Ok(Technique::PseudoInverse { data_std: 0.8, least_signal: 0.05 })
/// );
/// assert!("replacement:zeta=1".parse::<Technique>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Technique {
    /// [`Dps`](super::Dps): `dps:zeta=0.5,history=keep|forget`.
    Dps {
        /// Length of a correction.
        zeta: f64,
        /// Whether a multistep method starts anew after every correction.
        forgets_history: bool,
    },
    /// [`PseudoInverse`](super::PseudoInverse): `pigdm:data_std=1,least_signal=0.05`.
    PseudoInverse {
        /// Standard deviation of the data, in the units of the process.
        data_std: f64,
        /// The `alpha data_std / sigma` at which guidance begins; 0: at once, for exact fields.
        least_signal: f64,
    },
    /// [`Replacement`](super::Replacement): `replacement:data_std=1`.
    Replacement {
        /// Standard deviation of the data, in the units of the process.
        data_std: f64,
    },
}

/// From 0.04 to 0.25 the misfit hardly changes on either network of digits; below, it grows.
const LEAST_SIGNAL: f64 = 0.05;

impl Technique {
    /// Names on the command line.
    pub const NAMES: [&str; 3] = ["dps", "pigdm", "replacement"];

    /// The name of this one.
    pub fn name(&self) -> &'static str {
        match self {
            Technique::Dps { .. } => Self::NAMES[0],
            Technique::PseudoInverse { .. } => Self::NAMES[1],
            Technique::Replacement { .. } => Self::NAMES[2],
        }
    }
}

impl FromStr for Technique {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let spec: Spec = text.parse()?;
        match spec.name() {
            "dps" => {
                spec.only(&["zeta", "history"])?;
                let history = spec.choice("history", &["keep", "forget"], "keep")?;
                let forgets_history = history == "forget";
                Ok(Technique::Dps { zeta: spec.number("zeta", 0.5)?, forgets_history })
            }
            "pigdm" => {
                spec.only(&["data_std", "least_signal"])?;
                let least_signal = spec.number("least_signal", LEAST_SIGNAL)?;
                if least_signal < 0.0 {
                    let expected = "0 or more";
                    return Err(SpecError::value("pigdm", "least_signal", least_signal, expected));
                }
                let data_std = spec.number("data_std", 1.0)?;
                Ok(Technique::PseudoInverse { data_std, least_signal })
            }
            "replacement" => {
                spec.only(&["data_std"])?;
                Ok(Technique::Replacement { data_std: spec.number("data_std", 1.0)? })
            }
            name => Err(SpecError::unknown_name("technique", name, Self::NAMES)),
        }
    }
}

impl fmt::Display for Technique {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Technique::Dps { zeta, forgets_history } => {
                let history = if *forgets_history { "forget" } else { "keep" };
                write!(f, "{}:zeta={zeta},history={history}", self.name())
            }
            Technique::PseudoInverse { data_std, least_signal } => {
                write!(f, "{}:data_std={data_std},least_signal={least_signal}", self.name())
            }
            Technique::Replacement { data_std } => {
                write!(f, "{}:data_std={data_std}", self.name())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_and_written() {
        for text in [
            "dps:zeta=0.3,history=forget",
            "pigdm:data_std=0.8,least_signal=0",
            "replacement:data_std=2",
        ] {
            let technique: Technique = text.parse().unwrap();
            assert_eq!(technique.to_string(), text);
            assert!(technique.name().parse::<Technique>().is_ok());
        }
        for text in
            ["dps:zeta=x", "dps:history=all", "pigdm:zeta=1", "pigdm:least_signal=-1", "ddrm", ""]
        {
            assert!(text.parse::<Technique>().is_err(), "{text}");
        }
    }
}
