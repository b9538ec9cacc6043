//! The order of a tensor's axes in other libraries.

use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// A change of the order of a tensor's axes, by the names of the axes: inputs, outputs, height,
/// width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Layout {
    /// `[inputs, outputs]` to `[outputs, inputs]`, or back: between a `kernel` of flax and a
    /// `weight` of torch.
    #[serde(rename = "transpose")]
    Transpose,
    /// The kernel of a convolution from flax's `[h, w, in, out]` to torch's `[out, in, h, w]`.
    #[serde(rename = "hwio->oihw")]
    HwioToOihw,
    /// The kernel of a convolution from torch's `[out, in, h, w]` to flax's `[h, w, in, out]`.
    #[serde(rename = "oihw->hwio")]
    OihwToHwio,
    /// The kernel of a convolution along a line from flax's `[w, in, out]` to torch's
    /// `[out, in, w]`, or back.
    #[serde(rename = "reverse")]
    Reverse,
    /// A torch kernel of one pixel, `[out, in, 1, 1]` or `[out, in, 1]`, to the weight of a linear
    /// map, `[out, in]`.
    #[serde(rename = "squeeze")]
    Squeeze,
    /// The weight of a linear map, `[out, in]`, to a torch kernel of one pixel, `[out, in, 1, 1]`.
    #[serde(rename = "unsqueeze")]
    Unsqueeze,
}

impl Layout {
    /// The shapes it is for, for a message.
    pub(super) fn takes(self) -> &'static str {
        match self {
            Layout::Transpose | Layout::Unsqueeze => "of 2 axes",
            Layout::HwioToOihw | Layout::OihwToHwio => "of 4 axes",
            Layout::Reverse => "of 3 axes",
            Layout::Squeeze => "of 3 or 4 axes, of length 1 from the third on",
        }
    }

    /// The tensor in the other order; `None` if it is not of a shape this is for.
    pub(super) fn apply(self, tensor: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let changed = match (self, tensor.dims()) {
            (Layout::Transpose, [_, _]) => tensor.t(),
            (Layout::HwioToOihw, [_, _, _, _]) => tensor.permute((3, 2, 0, 1)),
            (Layout::OihwToHwio, [_, _, _, _]) => tensor.permute((2, 3, 1, 0)),
            (Layout::Reverse, [_, _, _]) => tensor.permute((2, 1, 0)),
            (Layout::Squeeze, &[outputs, inputs, 1] | &[outputs, inputs, 1, 1]) => {
                tensor.reshape((outputs, inputs))
            }
            (Layout::Unsqueeze, &[outputs, inputs]) => tensor.reshape((outputs, inputs, 1, 1)),
            _ => return Ok(None),
        };
        changed?.contiguous().map(Some)
    }
}
