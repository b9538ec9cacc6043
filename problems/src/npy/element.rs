mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// The two element types arrays have here: `f32` and `f64`.
pub trait NpyElement: sealed::Sealed + Copy + Send + Sync + 'static {
    /// NumPy's little-endian name of the type.
    const DTYPE: &'static str;

    /// The value in single precision, rounded; `None` where a finite value
    /// would become infinite.
    fn from_f32(value: f32) -> Option<Self>;

    /// The value in double precision, rounded; `None` where a finite value
    /// would become infinite.
    fn from_f64(value: f64) -> Option<Self>;

    /// Appends the value's little-endian bytes.
    fn extend_bytes(self, bytes: &mut Vec<u8>);
}

impl NpyElement for f32 {
    const DTYPE: &'static str = "<f4";

    fn from_f32(value: f32) -> Option<Self> {
        Some(value)
    }

    fn from_f64(value: f64) -> Option<Self> {
        let rounded = value as f32;
        (rounded.is_finite() || !value.is_finite()).then_some(rounded)
    }

    fn extend_bytes(self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.to_le_bytes());
    }
}

impl NpyElement for f64 {
    const DTYPE: &'static str = "<f8";

    fn from_f32(value: f32) -> Option<Self> {
        Some(f64::from(value))
    }

    fn from_f64(value: f64) -> Option<Self> {
        Some(value)
    }

    fn extend_bytes(self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.to_le_bytes());
    }
}
