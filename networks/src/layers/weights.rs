use super::entries::Entries;
use super::map::Operands;

/// All weights of a network, and those of its maps as the kernel reads them.
#[derive(Debug)]
pub(crate) struct Weights {
    /// In the order of the parameters.
    pub(crate) values: Vec<f32>,
    pub(crate) operands: Operands,
}

impl Weights {
    /// Room for them.
    pub(crate) fn new(entries: &Entries) -> Self {
        Weights { values: vec![0.0; entries.len()], operands: Operands::new(&entries.maps) }
    }

    pub(crate) fn fill(&mut self, values: &[f32]) {
        self.values.copy_from_slice(values);
        self.operands.fill(values);
    }

    pub(crate) fn count(&self) -> usize {
        self.values.len()
    }
}
