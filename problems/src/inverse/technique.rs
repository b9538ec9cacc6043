use std::fmt;
use std::str::FromStr;

use driftfield_solvers::number::Number;

use crate::spec::{Spec, SpecError};

/// How a measurement is taken into account, chosen at run time. What is left out is for the caller to
/// fill in, who knows the data.
///
/// ```
/// use driftfield_problems::inverse::Technique;
/// assert_eq!("dps".parse(), Ok(Technique::Dps { zeta: 0.5, forgets_history: false }));
/// assert_eq!(
///     "pigdm:data_std=0.8".parse(),
///     Ok(Technique::PseudoInverse { data_std: Some(0.8), least_signal: None })
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
    /// [`PseudoInverse`](super::PseudoInverse): `pigdm:data_std=..,least_signal=..`.
    PseudoInverse {
        /// Standard deviation of the data, in the units of the process.
        data_std: Option<f64>,
        /// The `alpha data_std / sigma` at which guidance begins.
        least_signal: Option<f64>,
    },
    /// [`Replacement`](super::Replacement): `replacement:data_std=..`.
    Replacement {
        /// Standard deviation of the data, in the units of the process.
        data_std: Option<f64>,
    },
}

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
        let given = |key: &str| spec.text(key).map(|_| spec.number(key, 0.0)).transpose();
        let data_std = || match given("data_std")? {
            Some(std) if std <= 0.0 => {
                Err(SpecError::number(spec.name(), "data_std", std, "positive"))
            }
            given => Ok(given),
        };
        match spec.name() {
            "dps" => {
                spec.only(&["zeta", "history"])?;
                let history = spec.choice("history", &["keep", "forget"], "keep")?;
                let forgets_history = history == "forget";
                Ok(Technique::Dps { zeta: spec.number("zeta", 0.5)?, forgets_history })
            }
            "pigdm" => {
                spec.only(&["data_std", "least_signal"])?;
                let (data_std, least_signal) = (data_std()?, given("least_signal")?);
                match least_signal {
                    Some(signal) if signal < 0.0 => {
                        Err(SpecError::number("pigdm", "least_signal", signal, "0 or more"))
                    }
                    _ => Ok(Technique::PseudoInverse { data_std, least_signal }),
                }
            }
            "replacement" => {
                spec.only(&["data_std"])?;
                Ok(Technique::Replacement { data_std: data_std()? })
            }
            name => Err(SpecError::unknown_name("technique", name, Self::NAMES)),
        }
    }
}

impl fmt::Display for Technique {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = match *self {
            Technique::Dps { zeta, forgets_history } => {
                let history = if forgets_history { "forget" } else { "keep" };
                return write!(f, "{}:zeta={},history={history}", self.name(), Number(zeta));
            }
            Technique::PseudoInverse { data_std, least_signal } => {
                vec![("data_std", data_std), ("least_signal", least_signal)]
            }
            Technique::Replacement { data_std } => vec![("data_std", data_std)],
        };
        let given =
            given.into_iter().filter_map(|(key, value)| Some(format!("{key}={}", Number(value?))));
        let list = given.collect::<Vec<_>>().join(",");
        let colon = if list.is_empty() { "" } else { ":" };
        write!(f, "{}{colon}{list}", self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_and_written() {
        for text in [
            "dps:zeta=0.3,history=forget",
            "pigdm",
            "pigdm:data_std=0.8,least_signal=0",
            "replacement:data_std=2",
        ] {
            let technique: Technique = text.parse().unwrap();
            assert_eq!(technique.to_string(), text);
            assert!(technique.name().parse::<Technique>().is_ok());
        }
        for text in [
            "dps:zeta=x",
            "dps:history=all",
            "pigdm:zeta=1",
            "pigdm:least_signal=-1",
            "pigdm:data_std=0",
            "ddrm",
            "",
        ] {
            assert!(text.parse::<Technique>().is_err(), "{text}");
        }
    }
}
