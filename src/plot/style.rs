//! How pictures are made for where they stand: their width, their letters, and whether they have titles.

use std::ops::RangeInclusive;
use std::str::FromStr;

use driftfield_problems::catalog::{Catalog, Entry};
use driftfield_problems::echo::echo;
use driftfield_problems::spec::SpecError;
use serde::{Deserialize, Serialize};

use super::error::PlotError;
use super::font::SMALL;
use super::picture::Picture;
use super::{PIXELS, Plot};

/// Whether pictures have titles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Titles {
    /// In words, above the picture.
    #[default]
    Words,
    /// None: the caption of a paper says what is seen.
    None,
}

impl Titles {
    /// Both, by name.
    pub fn catalog() -> Catalog<Titles> {
        let entries = [
            Entry::new("words", "above each picture what it shows", |_| Ok(Titles::Words)),
            Entry::new(
                "none",
                "for a paper, whose caption says it; panels keep their names",
                |_| Ok(Titles::None),
            ),
        ];
        Catalog::new("kind of titles", entries)
    }

    /// The title that is written, which may be empty.
    pub(crate) fn of(self, title: &str) -> &str {
        match self {
            Titles::Words => title,
            Titles::None => "",
        }
    }
}

impl FromStr for Titles {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        Titles::catalog().build(text)
    }
}

/// The look of a picture that is for somewhere, such as a paper's column, whatever is drawn.
///
/// ```
/// use driftfield::plot::{ErrorCurves, PictureStyle, Series};
///
/// let mut curves = ErrorCurves::new("Error against NFE", "NFE", "error");
/// curves.series.push(Series::new("heun", vec![(10.0, 0.1), (20.0, 0.02)]));
/// // 8.5 cm and letters of 8 points.
/// let column =
///     PictureStyle { width: Some(321), font_size: Some(8.0), ..PictureStyle::default() };
/// assert_eq!(column.picture(&curves)?.size().0, 321);
/// # Ok::<(), driftfield::plot::PlotError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PictureStyle {
    /// Width in pixels, of which 96 make an inch; without one as is usual for what is drawn.
    pub width: Option<u32>,
    /// Size of the letters at axes and in legends in points, of which 72 make an inch; without one
    /// 10.5. Titles are larger alike.
    pub font_size: Option<f64>,
    /// The family of the letters in an SVG, or several in the order in which they are looked for.
    /// Those of PNG and PDF are always DejaVu Sans, which all three are laid out for.
    pub font: Option<String>,
    /// Whether there are titles; by default none in a width that is asked for.
    pub titles: Option<Titles>,
}

/// What a picture is laid out for.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Format {
    /// So many pixels across, with letters of the usual size, or what is usual.
    pub(crate) width: Option<f64>,
    pub(crate) titles: Titles,
}

impl PictureStyle {
    /// Widths that a picture can have.
    pub const WIDTHS: RangeInclusive<u32> = 240..=6000;
    /// Sizes that letters can have.
    pub const FONT_SIZES: RangeInclusive<f64> = 4.0..=40.0;

    /// Refuses a width, letters or a family that no picture can have.
    pub fn check(&self) -> Result<(), PlotError> {
        let refused = |what: &'static str, found: String, allowed: String| {
            Err(PlotError::Style { what, found, allowed })
        };
        if let Some(width) = self.width.filter(|width| !Self::WIDTHS.contains(width)) {
            let (least, most) = Self::WIDTHS.into_inner();
            return refused(
                "picture-width",
                width.to_string(),
                format!("{least} to {most} pixels"),
            );
        }
        if let Some(size) = self.font_size.filter(|size| !Self::FONT_SIZES.contains(size)) {
            let (least, most) = Self::FONT_SIZES.into_inner();
            return refused("font-size", size.to_string(), format!("{least} to {most} points"));
        }
        if let Some(font) = self.font.as_deref().filter(|font| !is_family(font)) {
            let allowed = "the name of a family in letters, digits, spaces and hyphens, or several \
                           with commas between them";
            return refused("font", format!("`{}`", echo(font)), allowed.to_owned());
        }
        Ok(())
    }

    /// Whether there are titles. In a width that is asked for there is a caption to say what is seen.
    fn titles(&self) -> Titles {
        let usual = if self.width.is_some() { Titles::None } else { Titles::Words };
        self.titles.unwrap_or(usual)
    }

    /// The picture of a plot in this style. What cannot be laid out so narrow is shrunk to the width,
    /// its letters too.
    pub fn picture<'p>(&self, plot: &'p impl Plot) -> Result<Picture<'p>, PlotError> {
        self.check()?;
        let usual = Format { width: None, titles: self.titles() };
        let picture = match (self.width, self.font_size) {
            (None, None) => plot.laid_out(usual)?,
            (width, size) => {
                let width = match width {
                    Some(width) => f64::from(width),
                    None => f64::from(plot.laid_out(usual)?.size().0),
                };
                let zoom = size.map_or(1.0, |points| points / (72.0 * SMALL / PIXELS));
                let (least, most) = Self::WIDTHS.into_inner();
                let asked = (width / zoom).round().clamp(f64::from(least), f64::from(most));
                let laid_out = plot.laid_out(Format { width: Some(asked), ..usual })?;
                let zoom = width / f64::from(laid_out.size().0);
                laid_out.magnified(zoom)
            }
        };
        Ok(match &self.font {
            Some(font) => picture.in_family(font),
            None => picture,
        })
    }
}

/// Whether it can be the name of a family, or several of them, as it stands in an SVG.
fn is_family(text: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || " -_.".contains(c);
    let name = |name: &str| name.chars().all(plain) && name.chars().any(char::is_alphabetic);
    text.len() <= LONGEST_FAMILY && text.split(',').all(name)
}

/// Bytes of names of families at most.
const LONGEST_FAMILY: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::{
        Color, ErrorCurves, ErrorCurvesGrid, ImageGrid, ImageRow, ImageTile, PointLayer, Scatter,
        ScatterGrid, Series, Trajectories,
    };

    const COLUMN: PictureStyle =
        PictureStyle { width: Some(321), font_size: Some(8.0), font: None, titles: None };

    /// Of whatever it is drawn: the width, and the sizes of its letters in points.
    fn measured(plot: &impl Plot) -> (u32, Vec<f64>) {
        let picture = COLUMN.picture(plot).unwrap();
        let svg = picture.svg().unwrap();
        let parsed = roxmltree::Document::parse(&svg).unwrap();
        let root = parsed.root_element();
        let number = |text: &str| text.parse::<f64>().unwrap();
        let units = number(root.attribute("viewBox").unwrap().split(' ').nth(2).unwrap());
        let pixel = number(root.attribute("width").unwrap()) / units;
        let sizes = root.descendants().filter_map(|node| node.attribute("font-size"));
        let plotters = crate::plot::font::PLOTTERS_LINE_HEIGHT;
        let points = sizes.map(|size| number(size) / plotters * pixel * 0.75 * plotters);
        let png = png::Decoder::new(std::io::Cursor::new(picture.png().unwrap()));
        let (wide, high) = picture.size();
        let info = png.read_info().unwrap();
        assert_eq!((info.info().width, info.info().height), (wide, high));
        picture.pdf().unwrap();
        (wide, points.collect())
    }

    #[test]
    fn every_picture_has_the_width_and_the_letters_that_it_is_asked_for() {
        let mut curves = ErrorCurves::new("Error of many", "NFE", "error");
        curves.series.push(Series::new("heun", vec![(10.0, 0.1), (20.0, 0.02)]));
        let grid = ErrorCurvesGrid::new("All of them", vec![curves.clone(); 4]);
        let points = vec![[0.0, 0.0], [1.0, 1.0]];
        let scatter = Scatter::new("vp").layer(PointLayer::new("s", points.clone(), Color::nth(0)));
        let scatters = ScatterGrid::new("Samples", vec![scatter; 3]);
        let paths = Trajectories::new("Paths from noise to data", vec![points]);
        let tiles = vec![ImageTile::new(vec![0.5; 784]); 8];
        let images = ImageGrid::new("Digits", 28).row(ImageRow::new("heun", tiles));
        let all = [
            measured(&curves),
            measured(&grid),
            measured(&scatters),
            measured(&paths),
            measured(&images),
        ];
        for (index, (width, points)) in all.into_iter().enumerate() {
            assert_eq!(width, 321, "{index}");
            let least = points.iter().copied().fold(f64::INFINITY, f64::min);
            assert!((least - 8.0).abs() < 0.15, "{index}: {points:?}");
        }
    }

    fn curves() -> ErrorCurves {
        let mut curves = ErrorCurves::new("Error of one", "NFE", "error");
        curves.series.push(Series::new("heun", vec![(10.0, 0.1), (20.0, 0.02)]));
        curves
    }

    fn svg(style: &PictureStyle, plot: &impl Plot) -> String {
        style.picture(plot).unwrap().svg().unwrap()
    }

    #[test]
    fn titles_are_there_unless_a_width_or_nobody_asks_for_them() {
        let titles = |width, titles| {
            let style = PictureStyle { width, titles, ..PictureStyle::default() };
            let drawn = svg(&style, &curves());
            drawn.contains("Error of one")
        };
        for (width, asked, there) in [
            (None, None, true),
            (Some(700), None, false),
            (Some(700), Some(Titles::Words), true),
            (None, Some(Titles::None), false),
        ] {
            assert_eq!(titles(width, asked), there, "{width:?} {asked:?}");
        }
    }

    /// What a title tells stays, if in more lines.
    #[test]
    fn no_word_of_a_title_is_lost_in_a_column() {
        let mut curves = curves();
        curves.title = "chamfer against NFE: brownian-bridge, exact field".to_owned();
        let style = PictureStyle { titles: Some(Titles::Words), ..COLUMN };
        let drawn = svg(&style, &curves);
        for word in curves.title.split_whitespace() {
            assert!(drawn.contains(word), "{word}");
        }
        assert!(!drawn.contains('…'), "{drawn}");
    }

    #[test]
    fn a_family_is_that_of_every_text_of_an_svg() {
        let font = Some("Latin Modern Sans".to_owned());
        let drawn = svg(&PictureStyle { font, ..PictureStyle::default() }, &curves());
        let texts = drawn.matches("<text ").count();
        assert_eq!(drawn.matches("font-family=\"Latin Modern Sans, ").count(), texts);
        for bad in ["", " ", "a\"b", "a<b", "a,,b", "12", &"x".repeat(300)] {
            let style = PictureStyle { font: Some(bad.to_owned()), ..PictureStyle::default() };
            let error = style.picture(&curves()).unwrap_err();
            assert!(error.to_string().contains("`font` is"), "{error}");
        }
    }

    #[test]
    fn without_a_style_a_picture_is_as_ever() {
        let mut curves = ErrorCurves::new("Error", "NFE", "error");
        curves.series.push(Series::new("heun", vec![(10.0, 0.1), (20.0, 0.02)]));
        let usual = PictureStyle::default().picture(&curves).unwrap();
        assert_eq!(usual.svg().unwrap(), curves.to_svg_string().unwrap());
        let large = PictureStyle { font_size: Some(21.0), ..PictureStyle::default() };
        assert_eq!(large.picture(&curves).unwrap().size().0, usual.size().0);
    }
}
