//! Pictures of a report, embedded in it.

use super::escape::escaped;
use crate::plot::{Plot, PlotError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Image {
    Svg(String),
    Png(Vec<u8>),
}

/// A picture with a caption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    name: String,
    caption: String,
    image: Image,
}

impl Figure {
    /// A picture as inline SVG: sharp at any zoom; right for curves.
    pub fn svg(plot: &impl Plot, caption: impl Into<String>) -> Result<Self, PlotError> {
        Ok(Self::drawn_svg(plot.to_svg_string()?, caption))
    }

    /// A picture as an embedded PNG: its size does not grow with the number of
    /// points; right for samples.
    pub fn png(plot: &impl Plot, caption: impl Into<String>) -> Result<Self, PlotError> {
        Ok(Self::drawn_png(plot.to_png_bytes()?, caption))
    }

    /// The same picture under a name, which [`Cell::linked`](super::Cell::linked) leads to.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// A picture that is drawn already, as inline SVG.
    pub(crate) fn drawn_svg(document: String, caption: impl Into<String>) -> Self {
        Self { name: String::new(), caption: caption.into(), image: Image::Svg(document) }
    }

    /// The same as the bytes of a PNG file.
    pub(crate) fn drawn_png(bytes: Vec<u8>, caption: impl Into<String>) -> Self {
        Self { name: String::new(), caption: caption.into(), image: Image::Png(bytes) }
    }

    pub(crate) fn write_html(&self, html: &mut String) {
        let id = match self.name.as_str() {
            "" => String::new(),
            name => format!(" id=\"{}\"", escaped(name)),
        };
        let _ = writeln!(html, "<figure{id}><div class=\"picture\">");
        let caption = escaped(&self.caption);
        match &self.image {
            Image::Svg(document) => html.push_str(document),
            Image::Png(bytes) => {
                let data = STANDARD.encode(bytes);
                let _ =
                    writeln!(html, "<img alt=\"{caption}\" src=\"data:image/png;base64,{data}\">");
            }
        }
        let _ = writeln!(html, "</div><figcaption>{caption}</figcaption>\n</figure>");
    }
}
