//! One pass of a few rows, or under guidance two in one.

use crate::pass::{AnyLayers, AnyTape, Direction, Gradients, PassInputs, Times};

/// Classifier-free guidance (J. Ho & T. Salimans, "Classifier-free diffusion guidance", 2022) with
/// weight `W`: the network's output is
///
/// ```text
/// without label + W (with label - without label)
/// ```
///
/// so that `W = 1` is the conditional network and `W = 0` the unconditional one, which both take
/// one pass; any other weight takes two. (The paper's `w` is `W - 1`.) What the network predicts
/// does not matter: noise, data, velocity and score are affine in each other at equal weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Guidance(pub(super) f64);

impl Guidance {
    /// Rows that the network is given for one of the state.
    pub(super) fn passes(self) -> usize {
        if self.0 == 0.0 || self.0 == 1.0 { 1 } else { 2 }
    }
}

/// A pass of some rows, and the product after it.
pub(super) struct Pass<'a> {
    layers: &'a dyn AnyLayers,
    tape: &'a mut AnyTape,
    inputs: PassInputs<'a>,
    guided: Option<Twice>,
}

/// All rows with their labels, then without.
struct Twice {
    weight: f32,
    states: Vec<f32>,
    times: Option<Vec<f64>>,
    labels: Vec<u32>,
}

impl Twice {
    fn inputs<'a>(&'a self, inputs: PassInputs<'a>) -> PassInputs<'a> {
        let times = self.times.as_deref().map_or(inputs.times, Times::Each);
        PassInputs { states: &self.states, times, labels: &self.labels }
    }

    /// From results with and without labels to that under guidance.
    fn mix(&self, out: &mut [f32], both: &[f32]) {
        let (with, without) = both.split_at(out.len());
        for ((out, with), without) in out.iter_mut().zip(with).zip(without) {
            *out = without + self.weight * (with - without);
        }
    }
}

impl<'a> Pass<'a> {
    /// `none` is the label that means none; with a guidance of 0 all labels are that already.
    pub(super) fn new(
        layers: &'a dyn AnyLayers,
        tape: &'a mut AnyTape,
        inputs: PassInputs<'a>,
        guidance: Guidance,
        none: u32,
    ) -> Self {
        let guided = (guidance.passes() == 2).then(|| Twice {
            weight: guidance.0 as f32,
            states: inputs.states.repeat(2),
            times: match inputs.times {
                Times::One(_) => None,
                Times::Each(times) => Some(times.repeat(2)),
            },
            labels: [inputs.labels, &vec![none; inputs.labels.len()]].concat(),
        });
        Pass { layers, tape, inputs, guided }
    }

    /// `out <-` the output, where no product follows.
    pub(super) fn evaluate(&mut self, out: &mut [f32]) {
        let Some(twice) = &self.guided else {
            return self.layers.evaluate(self.tape, self.inputs, out);
        };
        let mut both = vec![0.0; 2 * out.len()];
        self.layers.evaluate(self.tape, twice.inputs(self.inputs), &mut both);
        twice.mix(out, &both);
    }

    /// `out <-` the output, and what one product needs.
    pub(super) fn forward(&mut self, out: &mut [f32]) {
        let Some(twice) = &self.guided else {
            return self.layers.forward(self.tape, self.inputs, out);
        };
        let mut both = vec![0.0; 2 * out.len()];
        self.layers.forward(self.tape, twice.inputs(self.inputs), &mut both);
        twice.mix(out, &both);
    }

    /// After [`Pass::forward`]: `J^T c`.
    pub(super) fn backward(&mut self, c: &[f32], gradients: Gradients<'_>) {
        let Some(twice) = &self.guided else {
            return self.layers.backward(self.tape, self.inputs, c, gradients);
        };
        let shares = [twice.weight, 1.0 - twice.weight];
        let both: Vec<f32> =
            shares.iter().flat_map(|share| c.iter().map(move |c| share * c)).collect();
        let Gradients { states, times, parameters } = gradients;
        let mut of_states = states.as_ref().map(|states| vec![0.0; 2 * states.len()]);
        let mut of_times = times.as_ref().map(|times| vec![0.0; 2 * times.len()]);
        let of_both = Gradients {
            states: of_states.as_deref_mut(),
            times: of_times.as_deref_mut(),
            parameters,
        };
        self.layers.backward(self.tape, twice.inputs(self.inputs), &both, of_both);
        if let (Some(states), Some(both)) = (states, of_states) {
            let (with, without) = both.split_at(states.len());
            let pairs = states.iter_mut().zip(with.iter().zip(without));
            pairs.for_each(|(sum, (with, without))| *sum = with + without);
        }
        if let (Some(times), Some(both)) = (times, of_times) {
            let (with, without) = both.split_at(times.len());
            let pairs = times.iter_mut().zip(with.iter().zip(without));
            pairs.for_each(|(sum, (with, without))| *sum = with + without);
        }
    }

    /// After [`Pass::forward`]: `out <- J v + f_t tau`.
    pub(super) fn along(&mut self, direction: Direction<'_>, out: &mut [f32]) {
        let Some(twice) = &self.guided else {
            return self.layers.along(self.tape, self.inputs, direction, out);
        };
        let (states, times) = (direction.states.repeat(2), direction.times.repeat(2));
        let direction = Direction { states: &states, times: &times };
        let mut both = vec![0.0; 2 * out.len()];
        self.layers.along(self.tape, twice.inputs(self.inputs), direction, &mut both);
        twice.mix(out, &both);
    }
}
