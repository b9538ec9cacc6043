//! Colours that stay apart, also for readers with a colour vision deficiency.

use plotters_backend::BackendColor;

/// A colour with an opacity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Color {
    /// Red, 0 to 255.
    pub red: u8,
    /// Green, 0 to 255.
    pub green: u8,
    /// Blue, 0 to 255.
    pub blue: u8,
    /// Opacity, from 0 (invisible) to 1.
    pub opacity: f64,
}

impl Color {
    /// White.
    pub const WHITE: Self = Self::hex(0xFFFFFF);
    /// The dark grey of text and axes.
    pub const INK: Self = Self::hex(0x222222);
    /// The grey of outlines and other context.
    pub const CONTEXT: Self = Self::hex(0x9A9A9A);
    /// The light grey of grid lines.
    pub const GRID: Self = Self::hex(0xE4E4E4);
    /// The grey of frames.
    pub(crate) const FRAME: Self = Self::hex(0x777777);
    /// The grey of grid lines between those with a label.
    pub(crate) const FAINT: Self = Self::hex(0xF4F4F4);

    /// An opaque colour from `0xRRGGBB`.
    pub const fn hex(rgb: u32) -> Self {
        Self { red: (rgb >> 16) as u8, green: (rgb >> 8) as u8, blue: rgb as u8, opacity: 1.0 }
    }

    /// The same colour with another opacity.
    pub const fn with_opacity(self, opacity: f64) -> Self {
        Self { opacity, ..self }
    }

    /// The `index`-th colour of the palette, which starts again after
    /// [`PALETTE`]`.len()`.
    pub const fn nth(index: usize) -> Self {
        PALETTE[index % PALETTE.len()]
    }

    /// A colour along viridis, from 0 (dark violet) to 1 (yellow-green).
    ///
    /// The last, nearly yellow tenth of viridis is left out: it does not show
    /// on white.
    pub fn gradient(fraction: f64) -> Self {
        let fraction = if fraction.is_nan() { 0.0 } else { fraction.clamp(0.0, 1.0) };
        let place = fraction * (GRADIENT.len() - 1) as f64;
        let index = (place as usize).min(GRADIENT.len() - 2);
        GRADIENT[index].mixed(GRADIENT[index + 1], place - index as f64)
    }

    /// `1 - share` of this colour and `share` of another; opacity stays.
    pub fn mixed(self, other: Self, share: f64) -> Self {
        let mix =
            |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * share).round() as u8;
        Self {
            red: mix(self.red, other.red),
            green: mix(self.green, other.green),
            blue: mix(self.blue, other.blue),
            opacity: self.opacity,
        }
    }

    /// The opaque colour this one shows over white.
    pub(crate) fn over_white(self) -> Self {
        Self::WHITE.mixed(self, self.opacity.clamp(0.0, 1.0))
    }
}

impl plotters::style::Color for Color {
    fn to_backend_color(&self) -> BackendColor {
        let alpha = self.opacity.clamp(0.0, 1.0);
        BackendColor { alpha, rgb: (self.red, self.green, self.blue) }
    }
}

/// Colours for series: those of Okabe and Ito first (a violet in place of yellow, which does not show
/// on white), then a continuation after Tol's muted scheme.
pub const PALETTE: [Color; 20] = [
    Color::hex(0x0072B2),
    Color::hex(0xD55E00),
    Color::hex(0x009E73),
    Color::hex(0xCC79A7),
    Color::hex(0xE69F00),
    Color::hex(0x56B4E9),
    Color::hex(0x000000),
    Color::hex(0x8A3FFC),
    Color::hex(0x332288),
    Color::hex(0x882255),
    Color::hex(0x117733),
    Color::hex(0x8C564B),
    Color::hex(0x44AA99),
    Color::hex(0xAA4499),
    Color::hex(0x7F7F7F),
    Color::hex(0x6A8F00),
    Color::hex(0xE8506A),
    Color::hex(0x6699CC),
    Color::hex(0x661100),
    Color::hex(0x9467BD),
];

const GRADIENT: [Color; 8] = [
    Color::hex(0x440154),
    Color::hex(0x472D7B),
    Color::hex(0x3B528B),
    Color::hex(0x2C728E),
    Color::hex(0x21918C),
    Color::hex(0x28AE80),
    Color::hex(0x5EC962),
    Color::hex(0xA5D936),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn palette_colours_are_pairwise_apart() {
        for (i, a) in PALETTE.iter().enumerate() {
            for b in &PALETTE[..i] {
                let distance =
                    [a.red.abs_diff(b.red), a.green.abs_diff(b.green), a.blue.abs_diff(b.blue)]
                        .iter()
                        .map(|&d| u32::from(d))
                        .sum::<u32>();
                assert!(distance > 50, "{a:?} and {b:?} are too alike");
            }
        }
    }

    /// What a viewer without one kind of cones sees of linear sRGB: protanopia, deuteranopia,
    /// tritanopia. G. M. Machado, M. M. Oliveira, L. A. F. Fernandes, "A Physiologically-based Model
    /// for Simulation of Color Vision Deficiency", *IEEE TVCG* 15 (2009), severity 1.
    const DEFICIENCIES: [[[f64; 3]; 3]; 3] = [
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ],
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ],
    ];
    const NORMAL: [[f64; 3]; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

    fn times(matrix: &[[f64; 3]; 3], vector: [f64; 3]) -> [f64; 3] {
        matrix.map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum())
    }

    /// CIE L*a*b* (D65) of what such a viewer sees.
    fn lab(color: Color, vision: &[[f64; 3]; 3]) -> [f64; 3] {
        let linear = [color.red, color.green, color.blue].map(|value| {
            let value = f64::from(value) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        });
        let seen = times(vision, linear).map(|value| value.clamp(0.0, 1.0));
        let xyz = times(
            &[
                [0.4124564, 0.3575761, 0.1804375],
                [0.2126729, 0.7151522, 0.0721750],
                [0.0193339, 0.1191920, 0.9503041],
            ],
            seen,
        );
        let root = |value: f64| {
            if value > 0.008856 { value.cbrt() } else { 7.787 * value + 16.0 / 116.0 }
        };
        let [x, y, z] = [root(xyz[0] / 0.95047), root(xyz[1]), root(xyz[2] / 1.08883)];
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    /// As many as the main job has series.
    #[test]
    fn the_first_colours_are_apart_whatever_cones_a_viewer_has() {
        for vision in DEFICIENCIES.iter().chain([&NORMAL]) {
            for (i, a) in PALETTE[..11].iter().enumerate() {
                for b in &PALETTE[..i] {
                    let (in_a, in_b) = (lab(*a, vision), lab(*b, vision));
                    let squares = in_a.iter().zip(in_b).map(|(a, b)| (a - b).powi(2));
                    let distance = squares.sum::<f64>().sqrt();
                    assert!(distance > 13.0, "{a:?} and {b:?}: {distance} for {vision:?}");
                }
            }
        }
    }

    #[test]
    fn gradient_reaches_both_ends_and_survives_nonsense() {
        assert_eq!(Color::gradient(0.0), GRADIENT[0]);
        assert_eq!(Color::gradient(1.0), GRADIENT[7]);
        assert_eq!(Color::gradient(f64::NAN), GRADIENT[0]);
        assert_eq!(Color::gradient(9.0), GRADIENT[7]);
    }

    #[test]
    fn half_opaque_black_over_white_is_grey() {
        assert_eq!(Color::hex(0).with_opacity(0.5).over_white().red, 128);
    }
}
