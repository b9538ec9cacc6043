//! What is computed of every row, whichever way.

use ndarray::Array2;

/// `sum_k r_k (data m_k + gain (x - alpha m_k))` over the points `m_k`, where `r` is the softmax
/// of the logits `scale |x - alpha m_k|^2`.
#[derive(Debug, Clone, Copy)]
pub(super) struct SoftmaxMean<'a> {
    /// `[n, d]`, row by row.
    pub points: &'a Array2<f64>,
    pub alpha: f64,
    /// Negative.
    pub scale: f64,
    pub data: f64,
    pub gain: f64,
}
