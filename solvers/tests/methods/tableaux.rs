//! The tableaux have the orders they declare, and a tableau with a typing error
//! anywhere is refused.

use approx::assert_abs_diff_eq;
use driftfield_solvers::method::runge_kutta::order_conditions::{
    ElementaryWeights, RootedTree, TOLERANCE, TableauError, check, residual, rooted_trees,
};
use driftfield_solvers::method::runge_kutta::{
    Continuous, ErrorWeights, ExplicitTableau, ExtraStage, Tableau, Tsit5Tableau, all_tableaux,
};
use proptest::prelude::*;

fn leak<T: Clone>(values: &[T]) -> &'static [T] {
    values.to_vec().leak()
}

fn with_changed(values: &[f64], index: usize, change: f64) -> &'static [f64] {
    let mut values = values.to_vec();
    values[index] += change;
    values.leak()
}

fn estimates(tableau: &Tableau) -> Vec<(u32, &'static [f64])> {
    match tableau.error {
        ErrorWeights::None => vec![],
        ErrorWeights::Single { order, weights } => vec![(order, weights)],
        ErrorWeights::Stretched { high_order, high, low_order, low } => {
            vec![(high_order, high), (low_order, low)]
        }
    }
}

fn embedded(tableau: &Tableau, estimate: &[f64]) -> Vec<f64> {
    tableau.b.iter().zip(estimate).map(|(b, e)| b - e).collect()
}

/// The stages of the continuous extension, as the stepper lays them out.
fn continuous_stages(tableau: &Tableau) -> (Vec<&'static [f64]>, Vec<f64>) {
    let (mut a, mut c) = (tableau.a.to_vec(), tableau.c.to_vec());
    if !tableau.first_same_as_last() {
        a.push(tableau.b);
        c.push(1.0);
    }
    if let Continuous::Own { extra, .. } = tableau.continuous {
        a.extend(extra.iter().map(|stage| stage.a));
        c.extend(extra.iter().map(|stage| stage.c));
    }
    (a, c)
}

fn extra_stages(tableau: &Tableau) -> &'static [ExtraStage] {
    match tableau.continuous {
        Continuous::Own { extra, .. } => extra,
        Continuous::Hermite => &[],
    }
}

fn with_extra(tableau: &Tableau, index: usize, stage: ExtraStage) -> Tableau {
    let Continuous::Own { order, extra, weights } = tableau.continuous else {
        panic!("{} has no extra stages", tableau.name);
    };
    let mut extra = extra.to_vec();
    extra[index] = stage;
    Tableau { continuous: Continuous::Own { order, extra: extra.leak(), weights }, ..*tableau }
}

fn with_row(tableau: &Tableau, stage: usize, row: &'static [f64]) -> Tableau {
    let mut a = tableau.a.to_vec();
    a[stage] = row;
    Tableau { a: a.leak(), ..*tableau }
}

/// Every tableau that differs from this one by `change` in one entry of `a` or of
/// an extra row, `b`, or an error weight; with what was changed.
fn one_entry_changed(tableau: &Tableau, change: f64) -> Vec<(String, Tableau)> {
    let mut changed = Vec::new();
    for (i, row) in tableau.a.iter().enumerate() {
        for j in 0..row.len() {
            let row = with_changed(row, j, change);
            changed.push((format!("a[{i}][{j}]"), with_row(tableau, i, row)));
        }
    }
    for (i, stage) in extra_stages(tableau).iter().enumerate() {
        for j in 0..stage.a.len() {
            let stage = ExtraStage { a: with_changed(stage.a, j, change), ..*stage };
            changed.push((format!("extra[{i}][{j}]"), with_extra(tableau, i, stage)));
        }
    }
    for i in 0..tableau.b.len() {
        let b = with_changed(tableau.b, i, change);
        changed.push((format!("b[{i}]"), Tableau { b, ..*tableau }));
        let errors = match tableau.error {
            ErrorWeights::None => vec![],
            ErrorWeights::Single { order, weights } => {
                vec![ErrorWeights::Single { order, weights: with_changed(weights, i, change) }]
            }
            ErrorWeights::Stretched { high_order, high, low_order, low } => vec![
                ErrorWeights::Stretched {
                    high_order,
                    high: with_changed(high, i, change),
                    low_order,
                    low,
                },
                ErrorWeights::Stretched {
                    high_order,
                    high,
                    low_order,
                    low: with_changed(low, i, change),
                },
            ],
        };
        for error in errors {
            changed.push((format!("e[{i}]"), Tableau { error, ..*tableau }));
        }
    }
    changed
}

#[test]
fn every_tableau_passes() {
    for tableau in all_tableaux() {
        assert_eq!(check(&tableau), Ok(()), "{}", tableau.name);
    }
}

#[test]
fn declared_orders_are_exact() {
    const MISSED: f64 = 1e-5;
    for tableau in all_tableaux() {
        let next = residual(tableau.a, tableau.c, tableau.b, tableau.order + 1);
        assert!(next > MISSED, "{}: {next:e}", tableau.name);
        for (order, weights) in estimates(&tableau) {
            let next = residual(tableau.a, tableau.c, &embedded(&tableau, weights), order + 1);
            assert!(next > MISSED, "{} embedded: {next:e}", tableau.name);
        }
        if let Continuous::Own { order, weights, .. } = tableau.continuous {
            let (a, c) = continuous_stages(&tableau);
            let mut w = vec![0.0; a.len()];
            weights(0.5, &mut w);
            let next = ElementaryWeights::new(&a, &c, order + 1).residual(&w, 0.5, order + 1);
            assert!(next > MISSED, "{} continuous: {next:e}", tableau.name);
        }
    }
}

#[test]
fn first_same_as_last_is_derived() {
    let names: Vec<&str> =
        all_tableaux().iter().filter(|t| t.first_same_as_last()).map(|t| t.name).collect();
    assert_eq!(names, ["bs3", "dopri5", "tsit5"]);
}

fn symmetry(trees: &[RootedTree], tree: &RootedTree) -> f64 {
    let mut product = 1.0;
    for (position, &child) in tree.children.iter().enumerate() {
        let nth = tree.children[..=position].iter().filter(|&&k| k == child).count();
        product *= nth as f64 * symmetry(trees, &trees[child]);
    }
    product
}

#[test]
fn rooted_trees_are_complete() {
    let trees = rooted_trees(8);
    for (order, count) in (1..=8).zip([1, 1, 2, 4, 9, 20, 48, 115]) {
        let same: Vec<&RootedTree> = trees.iter().filter(|t| t.order == order).collect();
        assert_eq!(same.len(), count);
        // There are (n-1)! increasing labellings in all and n! / (sigma gamma) of each tree.
        let sum: f64 = same.iter().map(|t| 1.0 / (symmetry(&trees, t) * t.density as f64)).sum();
        assert_abs_diff_eq!(sum, 1.0 / f64::from(order), epsilon = 1e-14);
        assert_eq!(same.iter().map(|t| t.density).min(), Some(u64::from(order)));
        assert_eq!(same.iter().map(|t| t.density).max(), Some((1..=u64::from(order)).product()));
    }
}

#[test]
fn swapping_the_solutions_of_tsit5_is_refused() {
    let tsit5 = Tsit5Tableau::TABLEAU;
    let (_, weights) = estimates(&tsit5)[0];
    let lower = embedded(&tsit5, weights);
    let negated: Vec<f64> = weights.iter().map(|e| -e).collect();
    let swapped = Tableau {
        b: leak(&lower),
        error: ErrorWeights::Single { order: 5, weights: leak(&negated) },
        ..tsit5
    };
    assert!(matches!(check(&swapped), Err(TableauError::Order { order: 5, .. })));
}

/// What torchdiffeq's Tsit5 does: the embedded weights move the solution, while
/// the last stage stays at the solution of order 5.
#[test]
fn propagating_the_lower_order_is_refused() {
    for tableau in all_tableaux() {
        for (order, weights) in estimates(&tableau) {
            let lower = embedded(&tableau, weights);
            assert!(residual(tableau.a, tableau.c, &lower, order) < TOLERANCE);
            let mistaken = Tableau { b: leak(&lower), ..tableau };
            assert!(!mistaken.first_same_as_last());
            assert!(
                matches!(check(&mistaken), Err(TableauError::Order { order, .. }) if order == tableau.order),
                "{}",
                tableau.name
            );
        }
    }
}

#[test]
fn a_changed_node_is_refused() {
    for tableau in all_tableaux() {
        for change in [1e-6, -1e-6] {
            for i in 0..tableau.c.len() {
                let changed = Tableau { c: with_changed(tableau.c, i, change), ..tableau };
                assert!(check(&changed).is_err(), "{} c[{i}]", tableau.name);
            }
            for (i, stage) in extra_stages(&tableau).iter().enumerate() {
                let stage = ExtraStage { c: stage.c + change, ..*stage };
                let changed = with_extra(&tableau, i, stage);
                assert!(check(&changed).is_err(), "{} extra c[{i}]", tableau.name);
            }
        }
    }
}

/// Two errors in a row that cancel in its sum are left to the order conditions.
#[test]
fn a_changed_row_with_the_right_sum_is_refused() {
    for tableau in all_tableaux() {
        let shift = |row: &[f64], from: usize, to: usize| {
            with_changed(with_changed(row, from, -1e-6), to, 1e-6)
        };
        for (i, row) in tableau.a.iter().enumerate() {
            for to in 1..row.len() {
                let changed = with_row(&tableau, i, shift(row, to - 1, to));
                assert!(check(&changed).is_err(), "{} a[{i}][{to}]", tableau.name);
            }
        }
        for (i, stage) in extra_stages(&tableau).iter().enumerate() {
            for to in 1..stage.a.len() {
                let stage = ExtraStage { a: shift(stage.a, to - 1, to), ..*stage };
                let changed = with_extra(&tableau, i, stage);
                assert!(check(&changed).is_err(), "{} extra[{i}][{to}]", tableau.name);
            }
        }
    }
}

proptest! {
    #[test]
    fn a_wrong_digit_is_refused(
        entry in any::<prop::sample::Index>(),
        digit in 1..=8_i32,
        by in prop::sample::select(vec![-5.0, -2.0, -1.0, 1.0, 2.0, 5.0]),
    ) {
        let change = by * 10_f64.powi(-digit);
        for tableau in all_tableaux() {
            let changed = one_entry_changed(&tableau, change);
            let (what, changed) = entry.get(&changed);
            prop_assert!(check(changed).is_err(), "{} {what} by {change:e}", tableau.name);
        }
    }
}

#[test]
fn continuous_extensions_meet_the_ends_smoothly() {
    const STEP: f64 = 1e-6;
    for tableau in all_tableaux() {
        let Continuous::Own { weights, .. } = tableau.continuous else { continue };
        let stages = continuous_stages(&tableau).0.len();
        let end = tableau.stages() - usize::from(tableau.first_same_as_last());
        let at = |theta| {
            let mut w = vec![f64::NAN; stages];
            weights(theta, &mut w);
            w
        };
        let (start, after, before, last) = (at(0.0), at(STEP), at(1.0 - STEP), at(1.0));
        for i in 0..stages {
            assert_eq!(start[i], 0.0);
            assert_eq!(last[i], tableau.b.get(i).copied().unwrap_or(0.0));
            let slopes = ((after[i] - start[i]) / STEP, (last[i] - before[i]) / STEP);
            let expected = (f64::from(u8::from(i == 0)), f64::from(u8::from(i == end)));
            assert_abs_diff_eq!(slopes.0, expected.0, epsilon = 2e-3);
            assert_abs_diff_eq!(slopes.1, expected.1, epsilon = 2e-3);
        }
    }
}

/// The polynomials as printed by Tsitouras (2011).
#[test]
fn tsit5_continues_as_published() {
    let published = |t: f64| {
        let (t2, p) = (t * t, |a: f64, b: f64| t * t - a * t + b);
        [
            -1.0530884977290216
                * t
                * (t - 1.329989018975141)
                * p(1.4364028541716351, 0.7139816917074209),
            0.1017 * t2 * p(2.1966568338249754, 1.294985250737463),
            2.490627285651253 * t2 * p(2.3853564547206166, 1.578034682080925),
            -16.548102889244902 * (t - 1.2171292729553325) * (t - 0.616204060378001) * t2,
            47.37952196281928 * (t - 1.2030712083723626) * (t - 0.6580472926535474) * t2,
            -34.87065786149661 * (t - 1.2) * (t - 2.0 / 3.0) * t2,
            2.5 * (t - 1.0) * (t - 0.6) * t2,
        ]
    };
    let Continuous::Own { weights, .. } = Tsit5Tableau::TABLEAU.continuous else { panic!() };
    for step in 0..=20 {
        let theta = f64::from(step) / 20.0;
        let mut ours = [0.0; 7];
        weights(theta, &mut ours);
        for (ours, theirs) in ours.into_iter().zip(published(theta)) {
            assert_abs_diff_eq!(ours, theirs, epsilon = 1e-14);
        }
    }
}

/// Shampine's weights of the solution in the middle of a step (1986).
#[test]
fn dopri5_continues_as_published() {
    let published = [
        6025192743.0 / 30085553152.0,
        0.0,
        51252292925.0 / 65400821598.0,
        -2691868925.0 / 45128329728.0,
        187940372067.0 / 1594534317056.0,
        -1776094331.0 / 19743644256.0,
        11237099.0 / 235043384.0,
    ];
    let dopri5 = all_tableaux().into_iter().find(|t| t.name == "dopri5").unwrap();
    let Continuous::Own { weights, .. } = dopri5.continuous else { panic!() };
    let mut ours = [0.0; 7];
    weights(0.5, &mut ours);
    for (ours, doubled) in ours.into_iter().zip(published) {
        assert_abs_diff_eq!(ours, doubled / 2.0, epsilon = 1e-14);
    }
}

#[test]
fn malformed_tableaux_are_refused() {
    let tsit5 = Tsit5Tableau::TABLEAU;
    assert_eq!(check(&Tableau { a: &[], b: &[], c: &[], ..tsit5 }), Err(TableauError::Empty));
    for malformed in [
        Tableau { c: &tsit5.c[..6], ..tsit5 },
        Tableau { a: &tsit5.a[..6], ..tsit5 },
        with_row(&tsit5, 2, &[0.327]),
        Tableau { error: ErrorWeights::Single { order: 4, weights: &[0.0; 6] }, ..tsit5 },
    ] {
        assert!(matches!(check(&malformed), Err(TableauError::Length { .. })));
    }
    let nan = Tableau { b: with_changed(tsit5.b, 0, f64::NAN), ..tsit5 };
    assert!(check(&nan).is_err());
    let rounded = with_row(&tsit5, 6, with_changed(tsit5.a[6], 3, 2.0 * f64::EPSILON));
    assert!(matches!(check(&rounded), Err(TableauError::NearlyFirstSameAsLast { .. })));
}

#[test]
fn a_wrong_continuous_extension_is_refused() {
    fn linear(theta: f64, weights: &mut [f64]) {
        for (w, b) in weights.iter_mut().zip(Tsit5Tableau::TABLEAU.b) {
            *w = theta * b;
        }
    }
    fn late(theta: f64, weights: &mut [f64]) {
        linear(theta, weights);
        weights[0] += 1e-9;
    }
    let with = |order, weights| Tableau {
        continuous: Continuous::Own { order, extra: &[], weights },
        ..Tsit5Tableau::TABLEAU
    };
    assert_eq!(check(&with(1, linear)), Ok(()));
    assert!(matches!(check(&with(2, linear)), Err(TableauError::ContinuousOrder { .. })));
    assert!(matches!(check(&with(1, late)), Err(TableauError::ContinuousEnd { stage: 0, .. })));
}
