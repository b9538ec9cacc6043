use driftfield_solvers::noise::fill_initial_normals;
use driftfield_solvers::{FieldError, State};

use super::{GaussianPath, check_time};

/// Data made into states of a path: its forward marginal, drawn in one go.
///
/// Every path has it.
pub trait Noising: GaussianPath {
    /// `alpha(t) x + sigma(t) eps`, `eps ~ N(0, I)` of the seed, lane by lane: where SDEdit starts from
    /// (Meng et al., *SDEdit: Guided image synthesis and editing with stochastic differential
    /// equations*, 2022). `x` has the shape of a state and is in the units that the path runs in.
    ///
    /// Lane `i` has the `eps` that [`fill_initial_normals`] gives it, so that where nothing is left
    /// of the data it is the start that generation has from the same seed.
    ///
    /// # Errors
    ///
    /// A time at which the path is not defined, and what the state refuses.
    ///
    /// ```
    /// use driftfield_problems::process::{self, Noising};
    /// let path = process::parse("rectified-flow").unwrap();
    /// let x = ndarray::Array2::<f32>::ones((4, 2));
    /// let noised = path.noised(&x, 0.5, 0).unwrap();
    /// assert_eq!(noised.shape(), x.shape());
    /// assert_eq!(path.noised(&x, 0.0, 0).unwrap(), x);
    /// assert!(path.noised(&x, 1.5, 0).is_err());
    /// ```
    fn noised<S: State>(&self, x: &S, t: f64, seed: u64) -> Result<S, FieldError> {
        self.noised_lanes(x, t, seed, 0)
    }

    /// The same of lanes that are `first_lane` and those after it.
    fn noised_lanes<S: State>(
        &self,
        x: &S,
        t: f64,
        seed: u64,
        first_lane: u64,
    ) -> Result<S, FieldError> {
        check_time(self, t)?;
        let (alpha, mut noised) = (self.alpha(t), x.zeros_like());
        fill_initial_normals(&mut noised, self.sigma(t), seed, first_lane)?;
        if alpha != 0.0 {
            noised.linear_combination(1.0, &[(alpha, x)])?;
        }
        Ok(noised)
    }
}

impl<P: GaussianPath + ?Sized> Noising for P {}
