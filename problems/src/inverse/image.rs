use super::MeasurementError;

/// How the components of a lane are the pixels of an image: channel after channel, each row
/// after row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageShape {
    /// Channels.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl ImageShape {
    /// One channel.
    pub fn grey(height: usize, width: usize) -> Self {
        ImageShape { channels: 1, height, width }
    }

    /// The shape of a lane's axes, `[width]`, `[height, width]` or `[channels, height, width]`: a
    /// list of numbers is an image of one row.
    pub fn from_axes(axes: &[usize]) -> Result<Self, MeasurementError> {
        let shape = match *axes {
            [width] => ImageShape::grey(1, width),
            [height, width] => ImageShape::grey(height, width),
            [channels, height, width] => ImageShape { channels, height, width },
            _ => {
                return Err(MeasurementError::Length {
                    what: "the list of a lane's axes",
                    expected: "an image has one to three: channels, rows, columns".to_owned(),
                    found: axes.len(),
                });
            }
        };
        shape.validate()
    }

    /// Refuses an image without pixels, and one whose pixels cannot be counted.
    pub fn validate(self) -> Result<Self, MeasurementError> {
        let ImageShape { channels, height, width } = self;
        let count = channels.checked_mul(height).and_then(|count| count.checked_mul(width));
        match count {
            Some(1..) => Ok(self),
            _ => Err(MeasurementError::Shape { channels, height, width }),
        }
    }

    /// Pixels of a channel.
    pub fn pixels(&self) -> usize {
        self.height * self.width
    }

    /// Components of a lane.
    pub fn dimension(&self) -> usize {
        self.channels * self.pixels()
    }
}
