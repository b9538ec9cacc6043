//! How large pictures are made, and their letters.

use std::ops::RangeInclusive;

use super::error::PlotError;
use super::font::SMALL;
use super::picture::Picture;
use super::{PIXELS, Plot};

/// The size of a picture and of its letters, whatever is drawn: those of a paper's column, say.
///
/// ```
/// use driftfield::plot::{ErrorCurves, PictureSize, Series};
///
/// let mut curves = ErrorCurves::new("", "NFE", "error");
/// curves.series.push(Series::new("heun", vec![(10.0, 0.1), (20.0, 0.02)]));
/// // 8.5 cm and letters of 8 points.
/// let column = PictureSize { width: Some(321), font_size: Some(8.0) };
/// assert_eq!(column.picture(&curves)?.size().0, 321);
/// # Ok::<(), driftfield::plot::PlotError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct PictureSize {
    /// Width in pixels, of which 96 make an inch; without one as is usual for what is drawn.
    pub width: Option<u32>,
    /// Size of the letters at axes and in legends in points, of which 72 make an inch; without one
    /// 10.5. Titles are larger alike.
    pub font_size: Option<f64>,
}

impl PictureSize {
    /// Widths that a picture can have.
    pub const WIDTHS: RangeInclusive<u32> = 240..=6000;
    /// Sizes that letters can have.
    pub const FONT_SIZES: RangeInclusive<f64> = 4.0..=40.0;

    /// The picture of a plot in this size. What cannot be laid out so narrow is shrunk to the width,
    /// its letters too.
    pub fn picture<'p>(&self, plot: &'p impl Plot) -> Result<Picture<'p>, PlotError> {
        if *self == PictureSize::default() {
            return plot.picture();
        }
        let width = match self.width {
            Some(width) => f64::from(width),
            None => f64::from(plot.picture()?.size().0),
        };
        let zoom = self.font_size.map_or(1.0, |points| points / (72.0 * SMALL / PIXELS));
        let laid_out = plot.picture_of_width((width / zoom).round())?;
        let zoom = width / f64::from(laid_out.size().0);
        Ok(laid_out.magnified(zoom))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::{
        Color, ErrorCurves, ErrorCurvesGrid, ImageGrid, ImageRow, ImageTile, PointLayer, Scatter,
        ScatterGrid, Series, Trajectories,
    };

    const COLUMN: PictureSize = PictureSize { width: Some(321), font_size: Some(8.0) };

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

    #[test]
    fn without_a_size_a_picture_is_as_ever() {
        let mut curves = ErrorCurves::new("Error", "NFE", "error");
        curves.series.push(Series::new("heun", vec![(10.0, 0.1), (20.0, 0.02)]));
        let usual = PictureSize::default().picture(&curves).unwrap();
        assert_eq!(usual.svg().unwrap(), curves.to_svg_string().unwrap());
        let large = PictureSize { font_size: Some(21.0), ..PictureSize::default() };
        assert_eq!(large.picture(&curves).unwrap().size().0, usual.size().0);
    }
}
