//! The axes of a covariance, to full relative accuracy where its variances differ by orders of
//! magnitude.

use nalgebra::{DMatrix, SymmetricEigen};

use super::MixtureError;

/// Most that the eigenvalues of a covariance may differ by for the usual decomposition, whose
/// errors are rounding errors of the largest.
const PLAIN: f64 = 1e-6;
/// Of correlations: below this an eigenvalue is rounding error of the largest.
const SINGULAR: f64 = 1e-14;
/// Smallest variance: its inverse and the square of what it divides stay finite.
const LEAST: f64 = 1e-200;
/// Sweeps over all pairs of columns: a handful suffices.
const MOST_SWEEPS: usize = 60;

/// Eigenvalues, and eigenvectors one after the other.
pub(super) type Axes = (Vec<f64>, Vec<f64>);

/// The axes of the covariance `S`, or why it is none.
///
/// Whether it is positive definite is asked of its correlations `C`, `S = D C D` with the standard
/// deviations `D`, and so does not depend on the units of the axes: `diag(1e12, 1e-12)` is as good
/// as the identity. Where the eigenvalues of `S` are of many magnitudes they follow from those of
/// `C` by [`graded`].
pub(super) fn of_covariance(component: usize, s: &DMatrix<f64>) -> Result<Axes, MixtureError> {
    let usable = |value: &f64| (LEAST..=1e100).contains(value);
    if let Some((axis, &value)) = s.diagonal().iter().enumerate().find(|(_, value)| !usable(value))
    {
        return Err(MixtureError::Variance { component, axis, value });
    }
    let stds = s.diagonal().map(f64::sqrt);
    let correlations = DMatrix::from_fn(s.nrows(), s.ncols(), |i, j| s[(i, j)] / stds[i] / stds[j]);
    if (&correlations - correlations.transpose()).amax() > 1e-9 {
        return Err(MixtureError::Covariance { component, expected: "symmetric" });
    }
    let undecided = MixtureError::Covariance {
        component,
        expected: "usable: its eigenvalues did not converge",
    };
    let eigen = |matrix: DMatrix<f64>| SymmetricEigen::try_new(matrix, f64::EPSILON, 10_000);
    let Some(scaled) = eigen(correlations.clone()) else { return Err(undecided) };
    let (least, largest) = (scaled.eigenvalues.min(), scaled.eigenvalues.max());
    if least <= SINGULAR * largest {
        let condition = largest / least;
        return Err(if least > 0.0 {
            MixtureError::Condition { component, condition }
        } else {
            MixtureError::Indefinite { component, eigenvalue: least }
        });
    }
    let Some(plain) = eigen(s.clone()) else { return Err(undecided) };
    if plain.eigenvalues.min() > PLAIN * plain.eigenvalues.max() {
        // Columns are contiguous in nalgebra.
        return Ok((plain.eigenvalues.as_slice().to_vec(), plain.eigenvectors.as_slice().to_vec()));
    }
    match correlations.cholesky() {
        Some(cholesky) => Ok(graded(DMatrix::from_diagonal(&stds) * cholesky.l())),
        None => Err(MixtureError::Condition { component, condition: largest / least }),
    }
}

/// The axes of `G G^T` by one-sided Jacobi rotations, which turn the columns of `G` until each is
/// orthogonal to every other: their lengths are the roots of the eigenvalues, their directions
/// the eigenvectors.
///
/// With `G = D L` and `L L^T` well conditioned every eigenvalue is accurate relative to itself,
/// however small it is beside the largest, and so are the small components of the eigenvectors
/// (Demmel & Veselic, *Jacobi's method is more accurate than QR*, SIAM J. Matrix Anal. Appl. 13,
/// 1992).
fn graded(mut g: DMatrix<f64>) -> Axes {
    let count = g.ncols();
    for _ in 0..MOST_SWEEPS {
        let mut turned = false;
        for i in 0..count {
            for j in i + 1..count {
                turned |= turn(&mut g, i, j);
            }
        }
        if !turned {
            break;
        }
    }
    let lengths: Vec<f64> = g.column_iter().map(|column| column.norm()).collect();
    for (mut column, length) in g.column_iter_mut().zip(&lengths) {
        column /= *length;
    }
    (lengths.iter().map(|length| length * length).collect(), g.as_slice().to_vec())
}

/// Makes two columns orthogonal; whether they were not.
fn turn(g: &mut DMatrix<f64>, i: usize, j: usize) -> bool {
    let (a, b) = (g.column(i).norm(), g.column(j).norm());
    // Of unit vectors, so that nothing under- or overflows.
    let cosine: f64 = g.column(i).iter().zip(&g.column(j)).map(|(x, y)| (x / a) * (y / b)).sum();
    if cosine.abs() <= f64::EPSILON * g.nrows() as f64 {
        return false;
    }
    // cot 2 theta = (|b|^2 - |a|^2) / (2 a.b)
    let cotangent = (b / a - a / b) / (2.0 * cosine);
    let tangent = cotangent.signum() / (cotangent.abs() + cotangent.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = cosine * tangent;
    for row in 0..g.nrows() {
        let (x, y) = (g[(row, i)], g[(row, j)]);
        g[(row, i)] = cosine * x - sine * y;
        g[(row, j)] = sine * x + cosine * y;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axes(rows: &[&[f64]]) -> Result<Axes, MixtureError> {
        of_covariance(0, &DMatrix::from_row_slice(rows.len(), rows.len(), &rows.concat()))
    }

    #[test]
    fn variances_of_any_scale_are_accepted() {
        let (values, vectors) = axes(&[&[1e12, 0.0], &[0.0, 1e-12]]).unwrap();
        assert_eq!(values.iter().copied().fold(0.0, f64::max), 1e12);
        assert_eq!(values.iter().copied().fold(f64::MAX, f64::min), 1e-12);
        assert!(vectors.iter().all(|x| [0.0, 1.0].contains(&x.abs())));
    }

    /// `det S = s^2 t^2 (1 - r^2)` and the trace give both eigenvalues in closed form.
    #[test]
    fn graded_eigenvalues_are_accurate_relative_to_themselves() {
        for (s, t, r) in
            [(1e6, 1e-6, 0.5), (1e-20, 1e20, -0.9), (1e3, 1.0, 0.999), (3.0, 1e-9, 0.2)]
        {
            let c: f64 = r * s * t;
            let (values, vectors) = axes(&[&[s * s, c], &[c, t * t]]).unwrap();
            let (least, largest) = (values[0].min(values[1]), values[0].max(values[1]));
            let (trace, determinant) = (s * s + t * t, s * s * t * t * (1.0 - r * r));
            let exact = 0.5 * (trace + (trace * trace - 4.0 * determinant).sqrt());
            assert!((largest / exact - 1.0).abs() < 1e-13, "{largest} {exact}");
            assert!((least / (determinant / exact) - 1.0).abs() < 1e-11, "{s} {t} {r}: {least}");
            // S v = l v in the small component too: v_small / v_large = c / l.
            let first = if values[0] > values[1] { &vectors[..2] } else { &vectors[2..] };
            let (small, large) = if s > t { (first[1], first[0]) } else { (first[0], first[1]) };
            let expected = c / (exact - s.min(t).powi(2));
            assert!((small / large / expected - 1.0).abs() < 1e-11, "{small} {large}");
        }
    }

    #[test]
    fn what_is_no_covariance_is_told_with_its_number() {
        let refused = |rows: &[&[f64]]| axes(rows).unwrap_err();
        assert!(matches!(
            refused(&[&[1.0, 2.0], &[2.0, 1.0]]),
            MixtureError::Indefinite { eigenvalue, .. } if (eigenvalue + 1.0).abs() < 1e-12
        ));
        // At any scale: the correlation is 2.
        assert!(matches!(
            refused(&[&[1e12, 2.0], &[2.0, 1e-12]]),
            MixtureError::Indefinite { eigenvalue, .. } if (eigenvalue + 1.0).abs() < 1e-12
        ));
        let nearly = 1.0 - 1e-15;
        let error = refused(&[&[1.0, nearly], &[nearly, 1.0]]);
        assert!(matches!(error, MixtureError::Condition { .. } | MixtureError::Indefinite { .. }));
        assert!(error.to_string().contains('e'), "{error}");
        for variance in [0.0, -1.0, 1e-300] {
            let error = refused(&[&[1.0, 0.0], &[0.0, variance]]);
            assert!(matches!(error, MixtureError::Variance { axis: 1, .. }), "{error}");
        }
        assert!(matches!(
            refused(&[&[1e12, 1e-3], &[0.0, 1e-12]]),
            MixtureError::Covariance { expected: "symmetric", .. }
        ));
    }
}
