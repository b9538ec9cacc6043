use std::marker::PhantomData;

/// The explicit Runge-Kutta method of the tableau `T`.
#[derive(Debug, Clone, Copy, Default)]
pub struct RungeKutta<T>(PhantomData<T>);

impl<T> RungeKutta<T> {
    /// The method; all it knows is in its type.
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}
