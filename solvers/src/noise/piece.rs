use super::NoiseError;
use crate::state::{State, StateError};

/// A path over one interval, as far as it is known: its increment `W` and its
/// space-time Levy area `H` in every channel.
#[derive(Debug, Clone)]
pub(super) struct Piece<S> {
    pub(super) length: f64,
    pub(super) w: Vec<S>,
    pub(super) h: Vec<S>,
}

impl<S: State> Piece<S> {
    pub(super) fn zeros(like: &S, states: usize) -> Self {
        let zeros = || (0..states).map(|_| like.zeros_like()).collect();
        Piece { length: 0.0, w: zeros(), h: zeros() }
    }

    pub(super) fn copy_from(&mut self, other: &Self) -> Result<(), StateError> {
        self.length = other.length;
        copy_all(&mut self.w, &other.w)?;
        copy_all(&mut self.h, &other.h)
    }

    /// Hands the increments and areas out.
    pub(super) fn write(&self, dw: &mut [S], areas: &mut [S]) -> Result<(), NoiseError> {
        copy_all(dw, &self.w)?;
        copy_all(areas, &self.h)?;
        Ok(())
    }

    /// This piece followed by `next`.
    pub(super) fn append(&mut self, next: &Self) -> Result<(), StateError> {
        let length = self.length + next.length;
        let (own, other) = (self.length / length, next.length / length);
        for (k, h) in self.h.iter_mut().enumerate() {
            let terms = [(other, &next.h[k]), (0.5 * other, &self.w[k]), (-0.5 * own, &next.w[k])];
            h.linear_combination(own, &terms)?;
        }
        add_all(&mut self.w, &next.w)?;
        self.length = length;
        Ok(())
    }

    /// `before` followed by this piece.
    pub(super) fn prepend(&mut self, before: &Self) -> Result<(), StateError> {
        let length = self.length + before.length;
        let (own, other) = (self.length / length, before.length / length);
        for (k, h) in self.h.iter_mut().enumerate() {
            let terms =
                [(other, &before.h[k]), (0.5 * own, &before.w[k]), (-0.5 * other, &self.w[k])];
            h.linear_combination(own, &terms)?;
        }
        add_all(&mut self.w, &before.w)?;
        self.length = length;
        Ok(())
    }

    /// What is left of this piece without its beginning `start`.
    pub(super) fn remove_start(&mut self, start: &Self) -> Result<(), StateError> {
        let rest = self.length - start.length;
        for (k, w) in self.w.iter_mut().enumerate() {
            w.linear_combination(1.0, &[(-1.0, &start.w[k])])?;
        }
        for (k, h) in self.h.iter_mut().enumerate() {
            let terms = [
                (-start.length / rest, &start.h[k]),
                (-0.5, &start.w[k]),
                (0.5 * start.length / rest, &self.w[k]),
            ];
            h.linear_combination(self.length / rest, &terms)?;
        }
        self.length = rest;
        Ok(())
    }
}

pub(super) fn copy_all<S: State>(to: &mut [S], from: &[S]) -> Result<(), StateError> {
    to.iter_mut().zip(from).try_for_each(|(to, from)| to.copy_from(from))
}

/// As [`copy_all`], where `from` is not needed any more.
pub(super) fn take_all<S: State>(to: &mut [S], from: &mut [S]) -> Result<(), StateError> {
    to.iter_mut().zip(from).try_for_each(|(to, from)| to.take_from(from))
}

pub(super) fn add_all<S: State>(to: &mut [S], from: &[S]) -> Result<(), StateError> {
    to.iter_mut().zip(from).try_for_each(|(to, from)| to.linear_combination(1.0, &[(1.0, from)]))
}
