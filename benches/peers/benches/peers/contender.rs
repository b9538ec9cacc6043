//! What is timed: one solve at one tolerance, from start to final state.

/// The end of a solve.
pub struct End {
    pub u: Vec<f64>,
    /// Steps attempted.
    pub steps: u64,
}

/// Who is compared with whom.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Explicit pairs of order 5.
    Five,
    /// Explicit pairs of order 6 and above.
    Eight,
    /// Implicit methods, listed apart: the problems are not stiff.
    Implicit,
}

/// One method of one library.
pub struct Contender<'a> {
    pub name: &'static str,
    pub ours: bool,
    pub class: Class,
    /// Solves at a tolerance, absolute and relative; `None` where the library gave up.
    pub solve: Box<dyn Fn(f64) -> Option<End> + 'a>,
}

impl<'a> Contender<'a> {
    pub fn ours(name: &'static str, class: Class, solve: impl Fn(f64) -> Option<End> + 'a) -> Self {
        Contender { name, ours: true, class, solve: Box::new(solve) }
    }

    pub fn peer(name: &'static str, class: Class, solve: impl Fn(f64) -> Option<End> + 'a) -> Self {
        Contender { name, ours: false, class, solve: Box::new(solve) }
    }
}
