use std::path::PathBuf;

use clap::Args;

use super::{CommandError, list};
use crate::plot::{PictureStyle, Plot, PlotError, Titles};

/// How pictures are made.
#[derive(Args, Debug, Default, Clone)]
pub(super) struct PictureArguments {
    /// Width of pictures in pixels, for a paper: 321 is 8.5 cm
    #[arg(long, allow_negative_numbers = true)]
    picture_width: Option<u32>,
    /// Size of their letters in points [default: 10.5]
    #[arg(long, allow_hyphen_values = true)]
    font_size: Option<f64>,
    /// Family of the letters of an SVG, as `Latin Modern Sans`; PNG and PDF have DejaVu Sans
    #[arg(long, value_name = "FAMILY")]
    font: Option<String>,
    #[arg(long, help = help_of_titles())]
    titles: Option<Titles>,
}

fn help_of_titles() -> String {
    let known = list::names(&Titles::catalog());
    format!("Titles of pictures: {known} [default: none with --picture-width, else words]")
}

impl PictureArguments {
    /// What was asked for, the rest as is usual.
    fn style(&self) -> PictureStyle {
        self.over(PictureStyle::default())
    }

    /// What was asked for, and for the rest what `other` says.
    pub(super) fn over(&self, other: PictureStyle) -> PictureStyle {
        PictureStyle {
            width: self.picture_width.or(other.width),
            font_size: self.font_size.or(other.font_size),
            font: self.font.clone().or(other.font),
            titles: self.titles.or(other.titles),
        }
    }

    /// Refuses what no picture can be, and a look of none where `pictures` are all that may be drawn.
    pub(super) fn check<const N: usize>(
        &self,
        pictures: [&Option<PathBuf>; N],
    ) -> Result<(), CommandError> {
        let style = self.style();
        if style != PictureStyle::default() && pictures.iter().all(|file| file.is_none()) {
            return Err(CommandError::usage(
                "nothing is drawn that --picture-width, --font-size, --font and --titles are for; \
                 name a file for a picture",
            ));
        }
        Ok(style.check()?)
    }

    /// Writes a picture.
    pub(super) fn render(&self, plot: &impl Plot, file: &PathBuf) -> Result<(), CommandError> {
        let written = || -> Result<(), PlotError> { self.style().picture(plot)?.write(file) };
        written().map_err(CommandError::failed)
    }
}
