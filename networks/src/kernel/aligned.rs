//! A buffer that starts on a cache line.

/// Values per 64-byte cache line.
const LINE: usize = 16;

/// `f32`s that start on a 64-byte boundary: 16-lane vectors never straddle two
/// cache lines, and a row sees the same alignment whoever allocated the buffer.
#[derive(Debug, Default)]
pub(crate) struct AlignedBuffer {
    storage: Vec<f32>,
    start: usize,
    len: usize,
}

impl AlignedBuffer {
    /// `len` zeros.
    pub(crate) fn zeros(len: usize) -> Self {
        let storage = vec![0.0f32; len + LINE];
        // `align_offset` may decline to answer; unaligned is then correct too.
        let start = storage.as_ptr().align_offset(4 * LINE).min(LINE);
        AlignedBuffer { storage, start, len }
    }

    /// A copy of `values`.
    pub(crate) fn copy_of(values: &[f32]) -> Self {
        let mut buffer = AlignedBuffer::zeros(values.len());
        buffer.copy_from_slice(values);
        buffer
    }

    /// Makes room for at least `len` values; grows only, so that a scratch
    /// buffer settles after its first use. The content is arbitrary afterwards.
    pub(crate) fn reserve(&mut self, len: usize) {
        if self.len < len {
            *self = AlignedBuffer::zeros(len);
        }
    }
}

impl std::ops::Deref for AlignedBuffer {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        &self.storage[self.start..self.start + self.len]
    }
}

impl std::ops::DerefMut for AlignedBuffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.storage[self.start..self.start + self.len]
    }
}

impl Clone for AlignedBuffer {
    // A derived clone would copy `start` to a buffer of another alignment.
    fn clone(&self) -> Self {
        AlignedBuffer::copy_of(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_and_their_clones_are_aligned() {
        for len in [0, 1, 17, 1000] {
            let buffer = AlignedBuffer::zeros(len);
            let clone = buffer.clone();
            for buffer in [&buffer, &clone] {
                assert_eq!(buffer.len(), len);
                assert_eq!(buffer.as_ptr().addr() % 64, 0);
            }
        }
    }
}
