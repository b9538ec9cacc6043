use std::path::PathBuf;

use driftfield_solvers::Scalar;

use super::CommandError;
use super::pictures::PictureArguments;
use crate::generate::{Generated, Model};
use crate::plane;
use crate::plot::{Color, PointLayer, Scatter, Trajectories};

/// Points of a picture.
pub(super) const MOST_POINTS: usize = 20_000;
/// Trajectories of a picture: more are a tangle.
const MOST_LINES: usize = 20;

/// What `sample --plot` draws: the samples, or their trajectories where these are kept.
pub(super) struct PlanePicture<'a> {
    file: &'a PathBuf,
    of_trajectories: bool,
    points: Vec<[f64; 2]>,
    lines: Vec<Vec<[f64; 2]>>,
    times: Vec<f64>,
}

impl<'a> PlanePicture<'a> {
    /// The picture of that file, if one is asked for and the lanes are points of the plane.
    pub(super) fn of(
        file: Option<&'a PathBuf>,
        of_trajectories: bool,
        shape: &[usize],
    ) -> Result<Option<Self>, CommandError> {
        let Some(file) = file else { return Ok(None) };
        if shape != [2] {
            return Err(CommandError::usage(format!(
                "--plot draws points of the plane, and samples here have shape {shape:?}; \
                 --grid draws images"
            )));
        }
        let (points, lines, times) = Default::default();
        Ok(Some(PlanePicture { file, of_trajectories, points, lines, times }))
    }

    /// Takes what is drawn of a chunk of lanes.
    pub(super) fn take<T: Scalar>(&mut self, chunk: &Generated<T>) {
        self.points.extend(plane::points(&chunk.samples, MOST_POINTS - self.points.len()));
        if self.of_trajectories {
            self.lines = plane::lines(&chunk.trajectory, MOST_LINES);
            self.times.clone_from(&chunk.times);
        }
    }

    /// Draws it over the data of the model, if these are known.
    pub(super) fn draw(
        self,
        title: &str,
        model: &dyn Model,
        pictures: &PictureArguments,
    ) -> Result<(), CommandError> {
        // A picture is drawn without the data of a network whose file is not at hand.
        let data = model.data().ok().flatten();
        let outline = plane::outline(data.as_deref().filter(|data| data.dimension() == 2));
        if self.of_trajectories {
            let title = format!("{title}: {} trajectories", self.lines.len());
            let mut picture = Trajectories::new(title, self.lines);
            (picture.outline, picture.times) = (Some(outline), self.times);
            return pictures.render(&picture, self.file);
        }
        let title = format!("{title}: {} samples", self.points.len());
        let layer = PointLayer::new("samples", self.points, Color::nth(0));
        pictures.render(&Scatter::new(title).outline(outline).layer(layer), self.file)
    }
}
