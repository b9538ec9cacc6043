//! What a generation should be told of that did as it was asked.

use std::fmt;

use driftfield_problems::process::{GaussianPath, SharedPath};
use driftfield_solvers::number::rounded;
use driftfield_solvers::{HostState, Scalar};

use super::{Model, Settings, Span};

/// What is as it was asked for, and perhaps not as it was meant.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Note {
    /// The samples still carry much more noise than those of the default end.
    FarFromData {
        /// Where they are.
        t: f64,
        /// The default end.
        default_end: f64,
        /// Standard deviation of the noise over that of the data.
        noise: f64,
    },
    /// The initial state is of another size than the path's states at the start.
    InitialSize {
        /// Root of the mean square of its components, in the units of the process.
        found: f64,
        /// The smallest and the largest that is to be expected.
        expected: (f64, f64),
        /// The start.
        t: f64,
        /// The field has units of its own, and the state was taken to be in them.
        converted: bool,
    },
    /// A stochastic solver on a given state.
    NoiseByPosition,
    /// What was taken for granted of the model.
    Assumed(&'static str),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Note::FarFromData { t, default_end, noise } => write!(
                f,
                "the samples are those at t = {}, with noise of {} times the spread of the data, not \
                 data; end at {}, or have `sample` replace the last state by the predicted data: \
                 --denoise-final, which --nfe N counts among its N evaluations",
                rounded(t),
                rounded(noise),
                rounded(default_end)
            ),
            Note::InitialSize { found, expected: (low, high), t, converted } => {
                write!(
                    f,
                    "the initial state is of size {} (root mean square, in the units of the \
                     process), where states at t = {} are of size ",
                    rounded(found),
                    rounded(t)
                )?;
                if found < low {
                    write!(f, "{} at least", rounded(low))?;
                } else {
                    write!(f, "{} at most", rounded(high))?;
                }
                if converted {
                    write!(
                        f,
                        "; it was taken to be in the units of the data: noise as N(0, 1) gives it is \
                         in those of the process (--init-units process)"
                    )
                } else {
                    write!(
                        f,
                        "; an initial state is used as it is, never scaled: noise must have the size that it has at the start"
                    )
                }
            }
            Note::Assumed(what) => f.write_str(what),
            Note::NoiseByPosition => write!(
                f,
                "row i of the initial state takes the noise of lane i of the seed, whatever lane it was \
                 made as"
            ),
        }
    }
}

/// The notes on a run over `span`; `given` is its initial state, if that was given, and whether it
/// was converted from other units.
pub(super) fn of_run<S: HostState>(
    path: &SharedPath,
    model: &dyn Model,
    settings: &Settings,
    span: Span,
    given: Option<(&S, bool)>,
    draws_noise: bool,
) -> Vec<Note> {
    let of_given =
        given.and_then(|(state, converted)| of_initial(state, path, model, span.start, converted));
    let of_noise = (given.is_some() && draws_noise).then_some(Note::NoiseByPosition);
    let assumed = model.assumption().map(Note::Assumed);
    let notes = [of_end(path, model, settings, span), of_given, of_noise, assumed];
    notes.into_iter().flatten().collect()
}

/// Share of the data's spread from which on noise is seen.
const VISIBLE: f64 = 0.1;
/// How many times the noise of the default end is far from it.
const FAR: f64 = 3.0;

/// The note on an end above the default one, of a model whose spread is known.
fn of_end(path: &SharedPath, model: &dyn Model, settings: &Settings, span: Span) -> Option<Note> {
    let default_end = path.default_span().1;
    let rho = |t: f64| path.sigma(t) / path.alpha(t);
    let generated = span.end < span.start && !settings.denoise_final;
    if !generated || rho(span.end) <= FAR * rho(default_end) {
        return None;
    }
    let noise = rho(span.end) / model.data_std().ok()?;
    (noise > VISIBLE).then_some(Note::FarFromData { t: span.end, default_end, noise })
}

/// Most squares of standard deviations that data may be beyond its mean square.
const OUTLYING: f64 = 9.0;
/// A size off by no more than this factor is none of ours.
const OFF: f64 = 2.0;
/// Logarithm of the probability beyond which a size is no chance.
const CHANCE: f64 = -20.0;

/// Whether noise of `count` values may have `ratio` times its mean square: within the factor, or
/// by chance (Chernoff's bound on the chi-squared distribution).
fn may_be(ratio: f64, count: usize) -> bool {
    (OFF.powi(-2)..=OFF.powi(2)).contains(&ratio)
        || 0.5 * count as f64 * (ratio.ln() + 1.0 - ratio) > CHANCE
}

/// The note on an initial state of another size than the path's at `t`: smaller than the noise
/// where that is most of the state, or larger than noise and outlying data together. Nothing is
/// known of the data of a network whose file does not tell its spread.
fn of_initial<S: HostState>(
    state: &S,
    path: &SharedPath,
    model: &dyn Model,
    t: f64,
    converted: bool,
) -> Option<Note> {
    let values = state.values()?;
    let square = values.iter().map(|x| x.into_f64().powi(2)).sum::<f64>() / values.len() as f64;
    let noise = path.sigma(t).powi(2);
    let data = path.alpha(t).powi(2) * model.mean_square()?;
    let most = noise + OUTLYING * data;
    let small = noise >= data && square < noise && !may_be(square / noise, values.len());
    let large = square > most && !may_be(square / most, values.len());
    let (found, expected) = (square.sqrt(), (noise.sqrt(), most.sqrt()));
    (small || large).then_some(Note::InitialSize { found, expected, t, converted })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use driftfield_problems::exact::GaussianMixture;
    use driftfield_problems::process;
    use driftfield_problems::standardisation::Standardisation;
    use driftfield_solvers::noise::fill_initial_normals;
    use ndarray::Array2;

    use super::*;
    use crate::generate::{EmpiricalModel, MixtureModel};

    fn mixture() -> GaussianMixture {
        let means = vec![vec![-1.0, 0.5], vec![1.0, 0.0]];
        GaussianMixture::isotropic(vec![0.05, 0.95], means, vec![0.3, 0.2]).unwrap()
    }

    fn noise(lanes: usize, seed: u64, size: f64) -> Array2<f64> {
        let mut state = Array2::zeros((lanes, 2));
        fill_initial_normals(&mut state, size, seed, 0).unwrap();
        state
    }

    /// 27,000 states as the processes have them, at the noise and at the data.
    #[test]
    fn states_of_the_process_are_not_noted() {
        let model = MixtureModel::new(mixture());
        for path in process::catalog().defaults() {
            let (start, end) = path.default_span();
            for seed in 0..1000 {
                for lanes in [1, 3, 100] {
                    let drawn = noise(lanes, seed, path.sigma(start));
                    assert_eq!(of_initial(&drawn, &path, &model, start, false), None);
                    for t in [end, 0.3 * start] {
                        let at = mixture().marginal(path.alpha(t), path.sigma(t));
                        let state = at.draw(lanes, seed);
                        assert_eq!(of_initial(&state, &path, &model, t, false), None, "{lanes}");
                    }
                }
            }
        }
    }

    #[test]
    fn states_of_another_size_are_noted() {
        let model = MixtureModel::new(mixture());
        for path in process::catalog().defaults() {
            let start = path.default_span().0;
            for (factor, noted) in [(0.4, true), (0.7, false), (1.4, false), (2.5, true)] {
                let state = noise(400, 1, factor * path.sigma(start));
                let note = of_initial(&state, &path, &model, start, false);
                assert_eq!(note.is_some(), noted, "{factor} on {}", path.name());
            }
        }
    }

    /// Noise as N(0, 1) gives it, taken for pixels from 0 to 1 where the process has them from -1.
    #[test]
    fn noise_taken_for_pixels_is_noted() {
        let units = Standardisation::of_pixels(2);
        let points = Arc::new(ndarray::array![[-1.0, -1.0], [1.0, -1.0]]);
        let (row_shape, file) = (vec![2], "pixels".to_owned());
        let own = Some(units.clone());
        let model = EmpiricalModel { points, smoothing: 0.1, row_shape, units: own, file };
        let path = process::parse("rectified-flow").unwrap();
        let mut state = noise(400, 2, 1.0);
        assert_eq!(of_initial(&state, &path, &model, 1.0, false), None);
        units.apply(&mut state).unwrap();
        let note = of_initial(&state, &path, &model, 1.0, true).unwrap().to_string();
        assert!(note.contains("is of size 2.") && note.contains("--init-units process"), "{note}");
    }
}
