//! The host containers: scalars, arrays, nalgebra vectors, ndarray arrays.

use super::{HostState, Scalar};
use nalgebra::{DVector, SVector};
use ndarray::{Array, Dimension};

macro_rules! scalar_state {
    ($($t:ty),*) => {$(
        impl HostState for $t {
            type Scalar = $t;
            const LEN: Option<usize> = Some(1);
            #[inline(always)]
            fn lane_count(&self) -> usize {
                1
            }
            #[inline(always)]
            fn values(&self) -> Option<&[$t]> {
                Some(std::slice::from_ref(self))
            }
            #[inline(always)]
            fn values_mut(&mut self) -> Option<&mut [$t]> {
                Some(std::slice::from_mut(self))
            }
            fn zeros(&self) -> Self {
                0.0
            }
        }
    )*};
}
scalar_state!(f32, f64);

impl<T: Scalar, const N: usize> HostState for [T; N] {
    type Scalar = T;
    const LEN: Option<usize> = Some(N);
    #[inline(always)]
    fn lane_count(&self) -> usize {
        1
    }
    #[inline(always)]
    fn values(&self) -> Option<&[T]> {
        Some(self)
    }
    #[inline(always)]
    fn values_mut(&mut self) -> Option<&mut [T]> {
        Some(self)
    }
    fn zeros(&self) -> Self {
        [T::zero(); N]
    }
}

impl<T: Scalar, const N: usize> HostState for SVector<T, N> {
    type Scalar = T;
    const LEN: Option<usize> = Some(N);
    #[inline(always)]
    fn lane_count(&self) -> usize {
        1
    }
    #[inline(always)]
    fn values(&self) -> Option<&[T]> {
        Some(self.as_slice())
    }
    #[inline(always)]
    fn values_mut(&mut self) -> Option<&mut [T]> {
        Some(self.as_mut_slice())
    }
    fn zeros(&self) -> Self {
        SVector::from_element(T::zero())
    }
}

impl<T: Scalar> HostState for DVector<T> {
    type Scalar = T;
    #[inline(always)]
    fn lane_count(&self) -> usize {
        1
    }
    #[inline(always)]
    fn values(&self) -> Option<&[T]> {
        Some(self.as_slice())
    }
    #[inline(always)]
    fn values_mut(&mut self) -> Option<&mut [T]> {
        Some(self.as_mut_slice())
    }
    fn zeros(&self) -> Self {
        DVector::from_element(self.len(), T::zero())
    }
}

impl<T: Scalar, D: Dimension + 'static> HostState for Array<T, D> {
    type Scalar = T;
    #[inline(always)]
    fn lane_count(&self) -> usize {
        self.shape().first().copied().unwrap_or(1)
    }
    #[inline(always)]
    fn values(&self) -> Option<&[T]> {
        self.as_slice()
    }
    #[inline(always)]
    fn values_mut(&mut self) -> Option<&mut [T]> {
        self.as_slice_mut()
    }
    fn zeros(&self) -> Self {
        Array::zeros(self.raw_dim())
    }
    fn zeros_of_lanes(&self, lanes: usize) -> Option<Self> {
        let mut shape = self.raw_dim();
        // An array without axes is one number, one lane.
        match shape.as_array_view_mut().first_mut() {
            Some(first) => *first = lanes,
            None if lanes == 1 => {}
            None => return None,
        }
        Some(Array::zeros(shape))
    }
    fn exchange(&mut self, other: &mut Self) -> bool {
        let alike = self.raw_dim() == other.raw_dim() && self.strides() == other.strides();
        if alike {
            std::mem::swap(self, other);
        }
        alike
    }
}
