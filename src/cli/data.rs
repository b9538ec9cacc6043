use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use driftfield_problems::data::{self, DataSet};
use driftfield_problems::disk;
use driftfield_problems::echo::{echo, echo_path};
use driftfield_problems::npy::RowWriter;
use ndarray::{ArrayView, IxDyn};

use serde_json::json;

use super::files::Files;
use super::pictures::PictureArguments;
use super::plot::MOST_POINTS;
use super::signals::Signals;
use super::{CommandError, exit, list};
use crate::images::{self, MOST_DRAWN, PER_ROW};
use crate::plot::{Color, ImageGrid, ImageRow, ImageTile, PointLayer, Scatter};

/// Rows drawn at a time.
const ROWS: usize = 1024;

#[derive(Args)]
pub(super) struct DataArguments {
    #[arg(help = list::written(&data::catalog()))]
    name: String,
    /// Number of points
    #[arg(long, allow_negative_numbers = true)]
    n: usize,
    /// Seed of the draw
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    seed: u64,
    /// Where they go, `.npy` of shape [n, d], digits [n, 1, 28, 28]
    #[arg(long)]
    out: PathBuf,
    /// Draw the first of them, points of the plane or images: FILE.png, .svg or .pdf
    #[arg(long)]
    plot: Option<PathBuf>,
    #[command(flatten)]
    pictures: PictureArguments,
    /// Print one JSON object and nothing else
    #[arg(long)]
    json: bool,
}

impl DataArguments {
    /// All that is read and written.
    pub(super) fn files(&self) -> Files {
        let mut files = Files::default();
        files.inputs_in("what is drawn from", Some(&self.name));
        files.output("--out", &self.out);
        files.picture("--plot", &self.plot);
        files
    }
}

pub(super) fn run(arguments: &DataArguments, signals: &Signals) -> Result<ExitCode, CommandError> {
    let DataArguments { name, n, seed, out, .. } = arguments;
    if *n == 0 {
        return Err(CommandError::usage("0 points were asked for; ask for at least one"));
    }
    arguments.files().check()?;
    arguments.pictures.check([&arguments.plot])?;
    let data = data::by_name(name)?;
    arguments.check_drawable(data.as_ref())?;
    let bytes = *n as u128 * (data.dimension() * size_of::<f64>()) as u128;
    disk::check(out, "points", *n as u64, bytes)?;
    write(data.as_ref(), arguments, &signals.listen())?;
    arguments.draw(data.as_ref())?;
    let shape = [&[*n], data.row_shape().as_slice()].concat();
    if arguments.json {
        let summary = json!({ "data": name, "n": n, "seed": seed, "shape": shape, "out": out.to_string_lossy() });
        exit::say(serde_json::to_string_pretty(&summary)?)?;
    } else {
        exit::say(format_args!(
            "{}: {n} points of {}, shape {shape:?}, seed {seed}",
            echo_path(out),
            echo(name)
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

impl DataArguments {
    /// Refuses a picture of what is neither in the plane nor an image.
    fn check_drawable(&self, data: &dyn DataSet) -> Result<(), CommandError> {
        let shape = data.row_shape();
        if self.plot.is_none() || shape == [2] || shape.len() > 1 && images::side_of(&shape).is_ok()
        {
            return Ok(());
        }
        Err(CommandError::usage(format!(
            "points of shape {shape:?} cannot be drawn, only points of the plane and images; leave out --plot"
        )))
    }

    /// A picture of the first rows, which are drawn again: row `i` is the same in any draw.
    fn draw(&self, data: &dyn DataSet) -> Result<(), CommandError> {
        let Some(file) = &self.plot else { return Ok(()) };
        let shape = data.row_shape();
        let most = if shape == [2] { MOST_POINTS } else { MOST_DRAWN };
        let shown = self.n.min(most);
        let title = match shown == self.n {
            true => format!("{}, {shown} points", echo(&self.name)),
            false => format!("{}, the first {shown} of {} points", echo(&self.name), self.n),
        };
        let points = data.sample(shown, self.seed);
        if shape == [2] {
            let points = points.rows().into_iter().map(|row| [row[0], row[1]]).collect();
            let layer = PointLayer::new("", points, Color::nth(0));
            self.pictures.render(&Scatter::new(title).layer(layer), file)
        } else {
            let tiles: Vec<_> =
                points.rows().into_iter().map(|row| ImageTile::new(row.to_vec())).collect();
            let rows = tiles.chunks(PER_ROW).map(|tiles| ImageRow::new("", tiles.to_vec()));
            let grid = ImageGrid::new(title, images::side_of(&shape)?);
            self.pictures.render(&rows.fold(grid, ImageGrid::row), file)
        }
    }
}

/// Draws and writes a few rows at a time: what fits on the disk is not too large for memory.
fn write(
    data: &dyn DataSet,
    arguments: &DataArguments,
    stop: &AtomicBool,
) -> Result<(), CommandError> {
    let shape = data.row_shape();
    let mut writer =
        RowWriter::<f64>::create(&arguments.out, &shape).map_err(CommandError::failed)?;
    for first in (0..arguments.n).step_by(ROWS) {
        if stop.load(Ordering::Relaxed) {
            return Err(CommandError::failed("stopped before the last point; nothing is written"));
        }
        let count = ROWS.min(arguments.n - first);
        for row in data.sample_from(first as u64, count, arguments.seed).rows() {
            let values = row.to_vec();
            let row = ArrayView::from_shape(IxDyn(&shape), &values)?;
            writer.push(&row).map_err(CommandError::failed)?;
        }
    }
    writer.finish().map_err(CommandError::failed)
}
