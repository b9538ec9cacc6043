//! Order conditions of the stochastic tableaux.

use driftfield_solvers::method::stochastic::sra::{AdditiveScheme, AdditiveTableau};
use driftfield_solvers::method::stochastic::sri::{SriScheme, SriTableau};
use driftfield_solvers::method::stochastic::{
    SharkTableau, Sra1Tableau, Srid2Tableau, Sriw1Tableau,
};

#[test]
fn every_tableau_meets_its_conditions() {
    for tableau in [Sra1Tableau::TABLEAU, SharkTableau::TABLEAU] {
        assert!(tableau.violation() < 1e-15, "{}: {}", tableau.name, tableau.violation());
    }
    for tableau in [Sriw1Tableau::TABLEAU, Srid2Tableau::TABLEAU] {
        assert!(tableau.violation() < 1e-15, "{}: {}", tableau.name, tableau.violation());
    }
}

#[test]
fn a_wrong_digit_is_refused() {
    let additive = [
        AdditiveTableau { b: &[0.34, 0.66], ..Sra1Tableau::TABLEAU },
        AdditiveTableau { p: &[0.0, 0.74], ..Sra1Tableau::TABLEAU },
        AdditiveTableau { q: &[0.0, 1.5], ..SharkTableau::TABLEAU },
        AdditiveTableau { c: &[0.0, 0.8], ..SharkTableau::TABLEAU },
    ];
    assert!(additive.iter().all(|tableau| tableau.violation() > 1e-3));
    let diagonal = [
        SriTableau { b0: &[&[], &[1.0], &[1.0, 0.5]], ..Srid2Tableau::TABLEAU },
        SriTableau { b1: &[&[], &[0.5], &[-1.0, 0.0], &[-5.0, 3.0, 0.4]], ..Sriw1Tableau::TABLEAU },
        SriTableau { c1: &[0.0, 0.3, 1.0, 0.25], ..Sriw1Tableau::TABLEAU },
        SriTableau { alpha: &[0.3, 0.7], ..Sriw1Tableau::TABLEAU },
    ];
    assert!(diagonal.iter().all(|tableau| tableau.violation() > 1e-3));
}
