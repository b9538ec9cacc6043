//! The host containers: scalars, arrays, nalgebra vectors, ndarray arrays.

use half::{bf16, f16};
use nalgebra::{DVector, SVector};
use ndarray::{Array, Dimension};
use num_complex::Complex;
use num_traits::Zero;

use super::{Element, HostState};

macro_rules! scalar_state {
    ($($t:ty),*) => {$(
        impl HostState for $t {
            type Scalar = <$t as Element>::Scalar;
            const LEN: Option<usize> = Some(<$t as Element>::PARTS);
            const PARTS: usize = <$t as Element>::PARTS;
            #[inline(always)]
            fn lane_count(&self) -> usize {
                1
            }
            #[inline(always)]
            fn values(&self) -> Option<&[Self::Scalar]> {
                Some(<$t>::parts(std::slice::from_ref(self)))
            }
            #[inline(always)]
            fn values_mut(&mut self) -> Option<&mut [Self::Scalar]> {
                Some(<$t>::parts_mut(std::slice::from_mut(self)))
            }
            fn zeros(&self) -> Self {
                <$t>::zero()
            }
        }
    )*};
}
scalar_state!(f16, bf16, f32, f64, Complex<f32>, Complex<f64>);

impl<E: Element, const N: usize> HostState for [E; N] {
    type Scalar = E::Scalar;
    const LEN: Option<usize> = Some(N * E::PARTS);
    const PARTS: usize = E::PARTS;
    #[inline(always)]
    fn lane_count(&self) -> usize {
        1
    }
    #[inline(always)]
    fn values(&self) -> Option<&[E::Scalar]> {
        Some(E::parts(self))
    }
    #[inline(always)]
    fn values_mut(&mut self) -> Option<&mut [E::Scalar]> {
        Some(E::parts_mut(self))
    }
    fn zeros(&self) -> Self {
        [E::zero(); N]
    }
}

impl<E: Element, const N: usize> HostState for SVector<E, N> {
    type Scalar = E::Scalar;
    const LEN: Option<usize> = Some(N * E::PARTS);
    const PARTS: usize = E::PARTS;
    #[inline(always)]
    fn lane_count(&self) -> usize {
        1
    }
    #[inline(always)]
    fn values(&self) -> Option<&[E::Scalar]> {
        Some(E::parts(self.as_slice()))
    }
    #[inline(always)]
    fn values_mut(&mut self) -> Option<&mut [E::Scalar]> {
        Some(E::parts_mut(self.as_mut_slice()))
    }
    fn zeros(&self) -> Self {
        SVector::from_element(E::zero())
    }
}

impl<E: Element> HostState for DVector<E> {
    type Scalar = E::Scalar;
    const PARTS: usize = E::PARTS;
    #[inline(always)]
    fn lane_count(&self) -> usize {
        1
    }
    #[inline(always)]
    fn values(&self) -> Option<&[E::Scalar]> {
        Some(E::parts(self.as_slice()))
    }
    #[inline(always)]
    fn values_mut(&mut self) -> Option<&mut [E::Scalar]> {
        Some(E::parts_mut(self.as_mut_slice()))
    }
    fn zeros(&self) -> Self {
        DVector::from_element(self.len(), E::zero())
    }
}

impl<E: Element, D: Dimension + 'static> HostState for Array<E, D> {
    type Scalar = E::Scalar;
    const PARTS: usize = E::PARTS;
    #[inline(always)]
    fn lane_count(&self) -> usize {
        self.shape().first().copied().unwrap_or(1)
    }
    #[inline(always)]
    fn values(&self) -> Option<&[E::Scalar]> {
        self.as_slice().map(E::parts)
    }
    #[inline(always)]
    fn values_mut(&mut self) -> Option<&mut [E::Scalar]> {
        self.as_slice_mut().map(E::parts_mut)
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
