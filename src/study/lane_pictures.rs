//! The same lanes under different solvers beside the true solution: those that end farthest from it.

use driftfield_solvers::number::rounded;

use super::comparable::Comparable;
use super::followed::Followed;
use super::image_pictures::ImagePicture;
use super::pictures::outline;
use super::{Case, CaseResult, Row, StudyError};
use crate::distinct::distinct;
use crate::images;
use crate::plot::{
    Color, ImageGrid, ImageRow, ImageTile, Limits, LineStyle, Marker, MarkerShape, PathLayer,
    PointLayer, Scatter, ScatterGrid, SeriesStyle,
};

/// Lanes in a picture at least.
const LEAST: usize = 6;
/// Solvers in a picture: more are a tangle of paths, and wider than a page in images.
pub(super) const SOLVERS: usize = 9;
/// What stands above panels.
const TITLES: &str = "Above each lane stands the solver for which it was chosen, and +2 where it is the farthest of two more.";
/// Pixels of a picture along a side of a pixel of an image: NFE and name fit above such an image.
const ENLARGED: u32 = 7;

/// The lanes under which each solve ends farthest from the true solution, then those where it is
/// second, and so on: `least` at least, or one for each solve; farthest first.
fn parting(followed: &[&Followed<'_>], least: usize) -> Vec<Parting> {
    let differences: Vec<Vec<f64>> = followed.iter().map(|solve| solve.differences()).collect();
    let farthest_first = |own: &Vec<f64>| {
        let mut lanes: Vec<usize> = (0..own.len()).collect();
        lanes.sort_by(|&a, &b| own[b].total_cmp(&own[a]));
        lanes
    };
    let ranked: Vec<Vec<usize>> = differences.iter().map(farthest_first).collect();
    let lanes = ranked.first().map_or(0, Vec::len);
    let mut found: Vec<Parting> = Vec::new();
    let ranks = (0..lanes).flat_map(|rank| (0..ranked.len()).map(move |solve| (rank, solve)));
    for (rank, solve) in ranks {
        let lane = ranked[solve][rank];
        match found.iter().position(|known| known.lane == lane) {
            Some(known) if rank == 0 => found[known].of.push(solve),
            None if rank == 0 || found.len() < least => {
                let differences = differences.iter().map(|solve| solve[lane]).collect();
                found.push(Parting { lane, of: vec![solve], differences });
            }
            _ => {}
        }
    }
    found.sort_by(|a, b| b.farthest().1.total_cmp(&a.farthest().1));
    found
}

/// A lane, and how far each solve ends from the true solution.
#[derive(Debug, Clone, PartialEq)]
struct Parting {
    lane: usize,
    /// The solves for which it was chosen.
    of: Vec<usize>,
    differences: Vec<f64>,
}

impl Parting {
    /// The largest difference for which it was chosen, and the solve that has it.
    fn farthest(&self) -> (usize, f64) {
        let all = self.of.iter().map(|&solve| (solve, self.differences[solve]));
        all.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or_default()
    }

    /// One of its differences.
    fn told(&self, followed: &[&Followed<'_>], solve: usize) -> String {
        format!("{} {}", followed[solve].row.series(), rounded(self.differences[solve]))
    }

    /// All of them.
    fn all_told(&self, followed: &[&Followed<'_>]) -> String {
        let each = (0..followed.len()).map(|solve| self.told(followed, solve));
        format!("lane {}: {}", self.lane, each.collect::<Vec<_>>().join(", "))
    }

    /// The largest for which it was chosen, which fits above a small panel.
    fn title(&self, followed: &[&Followed<'_>]) -> String {
        let others = match self.of.len() {
            0 | 1 => String::new(),
            several => format!(" +{}", several - 1),
        };
        format!("lane {}: {}{others}", self.lane, self.told(followed, self.farthest().0))
    }
}

/// A picture of lanes in the plane or of images, with its name and its caption.
pub(super) enum LanePicture {
    Plane(String, ScatterGrid, String),
    Images(ImagePicture),
}

/// Nothing of lanes that are neither points in the plane nor images.
pub(super) fn draw(
    case: &Case,
    result: &CaseResult,
    compared: &Comparable<'_>,
    followed: &[&Followed<'_>],
    seed: u64,
) -> Result<Option<LanePicture>, StudyError> {
    let partings = parting(followed, LEAST);
    let title = format!("Farthest lanes: {}", case.label());
    let caption = caption(&title, compared, followed, (&partings, seed));
    let name = format!("lanes-{}", case.slug());
    if case.is_image() {
        let grid = images(case, title, followed, &partings)?;
        return Ok(Some(LanePicture::Images(ImagePicture {
            name,
            grid,
            caption,
            trajectories: false,
        })));
    }
    if case.model.dimension() != 2 {
        return Ok(None);
    }
    let outline = outline(case);
    let panel = |parting: &Parting| panel(result, followed, parting).outline(outline.clone());
    let panels = partings.iter().map(panel).collect();
    let grid = ScatterGrid { own_axes: true, ..ScatterGrid::new(title, panels) };
    let caption = format!("{caption} {TITLES}");
    Ok(Some(LanePicture::Plane(name, grid, caption)))
}

fn caption(
    title: &str,
    compared: &Comparable<'_>,
    followed: &[&Followed<'_>],
    (partings, seed): (&[Parting], u64),
) -> String {
    let lanes = followed.first().map_or(0, |solve| solve.end().nrows());
    let told = partings.iter().map(|parting| parting.all_told(followed));
    format!(
        "{title}. Of {lanes} lanes from the noise of seed {seed} those under which a solver ends farthest from the true solution, {} in all; {} of {} solver(s) that have a true solution, each with its row nearest to {} ({}). Distances of the ends: {}.",
        partings.len(),
        followed.len(),
        compared.solvers,
        compared.told(),
        followed.iter().map(|solve| solve.name()).collect::<Vec<_>>().join(", "),
        told.collect::<Vec<_>>().join("; ")
    )
}

/// One lane: its true path, and that of each solver in the look of its curve in other pictures.
fn panel(result: &CaseResult, followed: &[&Followed<'_>], parting: &Parting) -> Scatter {
    let names = distinct(result.rows.iter().map(Row::series));
    let truth = followed.first().map_or(Vec::new(), |solve| solve.true_lane(parting.lane));
    let title = parting.title(followed);
    let start = truth.first().copied().into_iter().collect();
    let start =
        PointLayer { name: "noise".to_owned(), points: start, color: Color::INK, radius: 4.5 };
    let mut panel = Scatter::new(title).layer(start);
    panel = panel
        .path(PathLayer { width: 5.0, ..PathLayer::new("true solution", truth.clone(), TRUTH) });
    for solve in followed {
        let place = names.iter().position(|name| *name == solve.row.series());
        let style = SeriesStyle::nth(place.unwrap_or(0));
        panel = panel.path(PathLayer::new(solve.name(), solve.lane(parting.lane), style));
    }
    panel.limits = window(&truth, panel.paths.iter().flat_map(|path| &path.points));
    panel
}

/// The look of the true path, wide and below the others.
const TRUTH: SeriesStyle = SeriesStyle {
    color: Color::hex(0x8A8A8A),
    marker: Marker { shape: MarkerShape::Circle, filled: false },
    line: LineStyle::Solid,
};

/// All that the paths visit, but no more than the length of the true path's box beyond it: a path
/// that is lost would make a point of the others.
fn window<'a>(truth: &[[f64; 2]], paths: impl Iterator<Item = &'a [f64; 2]>) -> Option<Limits> {
    let boxed = [0, 1].map(|axis| ends(truth.iter().map(|point| point[axis])));
    let reach = boxed.iter().map(|[low, high]| high - low).fold(0.0, f64::max);
    if reach <= 0.0 {
        return None;
    }
    let points: Vec<&[f64; 2]> =
        paths.filter(|point| point.iter().all(|x| x.is_finite())).collect();
    let [x, y] = [0, 1].map(|axis| {
        let [low, high] = boxed[axis];
        let clamped = points.iter().map(|p| p[axis].clamp(low - reach, high + reach));
        let [low, high] = ends(clamped.chain([low, high]));
        let margin = 0.06 * reach;
        [low - margin, high + margin]
    });
    Some([x[0], x[1], y[0], y[1]])
}

fn ends(values: impl Iterator<Item = f64>) -> [f64; 2] {
    values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], x| [low.min(x), high.max(x)])
}

/// One row a lane: the true image, and that of each solver with its distance below.
fn images(
    case: &Case,
    title: String,
    followed: &[&Followed<'_>],
    partings: &[Parting],
) -> Result<ImageGrid, StudyError> {
    // A name that is too long loses its end, and not what it spent.
    let names = followed.iter().map(|solve| format!("{} NFE: {}", solve.nfe, solve.row.series()));
    let names: Vec<String> = ["true solution".to_owned()].into_iter().chain(names).collect();
    let mut grid = ImageGrid::new(title, images::side_of(&case.model.row_shape())?)
        .columns(names)
        .scale(ENLARGED);
    for Parting { lane, differences, .. } in partings {
        let truth =
            followed.first().map(|solve| ImageTile::new(solve.true_end().row(*lane).to_vec()));
        let solves = followed.iter().zip(differences).map(|(solve, off)| {
            ImageTile::new(solve.end().row(*lane).to_vec()).captioned(rounded(*off).to_string())
        });
        let tiles = truth.into_iter().chain(solves).collect();
        grid = grid.row(ImageRow::new(format!("lane {lane}"), tiles));
    }
    Ok(grid)
}

#[cfg(test)]
mod tests {
    use super::super::followed::follow;
    use super::super::{Run, Study};
    use super::*;
    use crate::generate::NetworkModel;
    use driftfield_problems::method::Solver;
    use driftfield_problems::predictor::Prediction;
    use ndarray::ArrayD;
    use std::sync::Arc;

    /// What is drawn of each solver is what no other lane exceeds.
    #[test]
    fn the_lanes_are_those_that_end_farthest_from_the_true_solution() {
        let solver = |name: &str| Solver::parse(name).unwrap();
        let runs: Vec<Run> =
            ["heun", "ddim"].iter().map(|name| Run::steps(&solver(name), 5)).collect();
        let cases = vec![Case::exact_cat("vp").unwrap()];
        let study = Study { cases, runs: vec![runs], lanes: 40, ..Study::default() };
        let result = study.run(|_| ()).unwrap();
        let (case, found) = (&study.cases[0], &result.cases[0]);
        let rows: Vec<_> = found.rows.iter().zip(&study.runs[0]).collect();
        let followed = follow(case, found, &rows, (40, 0)).unwrap().unwrap();
        let partings = parting(&followed.iter().collect::<Vec<_>>(), 5);
        assert!((5..=6).contains(&partings.len()), "{partings:?}");
        assert!(partings.windows(2).all(|pair| pair[0].farthest().1 >= pair[1].farthest().1));
        for (solve, followed) in followed.iter().enumerate() {
            let all = followed.differences();
            let largest = all.iter().copied().fold(0.0, f64::max);
            let own = partings.iter().find(|parting| parting.of.contains(&solve)).unwrap();
            assert_eq!((own.differences[solve], all[own.lane]), (largest, largest));
            // They are those that the row's error is made of.
            let squares: f64 = all.iter().map(|off| off * off).sum();
            let error = (squares / 40.0).sqrt();
            let row = followed.row.solver_error.unwrap().mean;
            assert!((error - row).abs() <= 1e-9 * row, "{error} {row}");
        }
    }

    /// Whatever room there is for a name, it is seen what each column spent.
    #[test]
    fn columns_of_images_say_what_each_solver_spent() {
        let shrink = |out: &mut ArrayD<f64>, x: &ArrayD<f64>, _t: f64| out.assign(&(x * 0.5));
        let model = NetworkModel::new("shrink", [1, 28, 28], Prediction::Velocity, shrink);
        let case = Case::new("rectified-flow", Arc::new(model)).unwrap();
        let runs: Vec<Run> = [("heun", 2), ("euler", 3)]
            .iter()
            .map(|(name, steps)| Run::steps(&Solver::parse(name).unwrap(), *steps))
            .collect();
        let study = Study { cases: vec![case], runs: vec![runs], lanes: 3, ..Study::default() };
        let result = study.run(|_| ()).unwrap();
        let (case, found) = (&study.cases[0], &result.cases[0]);
        let rows: Vec<_> = found.rows.iter().zip(&study.runs[0]).collect();
        let followed = follow(case, found, &rows, (3, 0)).unwrap().unwrap();
        let followed: Vec<&Followed<'_>> = followed.iter().collect();
        let grid = images(case, String::new(), &followed, &parting(&followed, 2)).unwrap();
        assert_eq!(grid.column_labels, ["true solution", "4 NFE: heun", "3 NFE: euler"]);
    }

    #[test]
    fn a_path_that_is_lost_does_not_decide_the_window() {
        let truth = [[0.0, 0.0], [1.0, 0.5]];
        let lost = [[0.0, 0.0], [-50.0, 1e9], [f64::NAN, 0.0]];
        let window = window(&truth, truth.iter().chain(&lost)).unwrap();
        let wanted = [-1.06, 1.06, -0.06, 1.56];
        assert!(window.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-12), "{window:?}");
        assert!(super::window(&[], std::iter::empty()).is_none());
    }
}
