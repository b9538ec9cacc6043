//! The classifier forward, back, and along a direction, on a few images at a time.

use super::ClassifierConfig;
use crate::kernel::{AlignedBuffer, add_scaled};
use crate::layers::{
    BLOCK_PIXELS, BlockScratch, Entries, Grid, Map, Norm, NormTape, Residual, ResidualTape,
    Weights, silu_backward, silu_forward,
};
use crate::pass::{Direction, Gradients, Layers, PassInputs};

/// The layers in the order of their parameters.
#[derive(Debug, Clone)]
pub(super) struct Maps {
    stem: Map,
    blocks: Vec<Residual>,
    /// From a level to the next coarser one.
    shrink: Vec<Map>,
    norm: Norm,
    features: Map,
    output: Map,
}

impl Maps {
    pub(super) fn new(config: &ClassifierConfig) -> (Self, Entries) {
        let mut entries = Entries::default();
        let e = &mut entries;
        let (channels, groups) = (&config.channels, config.groups);
        let stem = e.convolution("stem", BLOCK_PIXELS, channels[0], false);
        let (mut blocks, mut shrink) = (Vec::new(), Vec::new());
        for (level, &c) in channels.iter().enumerate() {
            blocks.push(Residual::new(e, &format!("block.{level}"), (c, c), groups, 0));
            if let Some(&next) = channels.get(level + 1) {
                shrink.push(e.linear(&format!("shrink.{level}"), BLOCK_PIXELS * c, next, false));
            }
        }
        let last = channels[channels.len() - 1];
        let norm = e.norm("norm", last, groups);
        let features = e.linear("features", last, config.features, false);
        let output = e.linear("output", config.features, config.classes, false);
        (Maps { stem, blocks, shrink, norm, features, output }, entries)
    }
}

/// The layers of a classifier.
#[derive(Debug)]
pub struct ClassifierLayers {
    pub(super) config: ClassifierConfig,
    maps: Maps,
    weights: Weights,
}

impl ClassifierLayers {
    /// Room for the weights of a valid configuration.
    pub(super) fn new(config: &ClassifierConfig) -> Self {
        let (maps, entries) = Maps::new(config);
        ClassifierLayers { config: config.clone(), weights: Weights::new(&entries), maps }
    }
}

#[derive(Debug)]
struct Level {
    grid: Grid,
    channels: usize,
    input: AlignedBuffer,
    output: AlignedBuffer,
    tape: ResidualTape,
    /// Blocks of the next finer level as channels of this one.
    shrunk: AlignedBuffer,
}

/// What one pass of at most as many images leaves for the way back.
#[derive(Debug)]
pub struct Tape {
    config: ClassifierConfig,
    samples: usize,
    whole: Grid,
    image: AlignedBuffer,
    blocks: AlignedBuffer,
    levels: Vec<Level>,
    norm: NormTape,
    mean: AlignedBuffer,
    /// Features before and after SiLU.
    before: AlignedBuffer,
    features: AlignedBuffer,
    logits: AlignedBuffer,
    /// Gradients in them, or their changes along a direction.
    of_logits: AlignedBuffer,
    of_features: AlignedBuffer,
    of_mean: AlignedBuffer,
    gradients: [AlignedBuffer; 2],
    scratch: BlockScratch,
}

impl Tape {
    pub(super) fn new(layers: &ClassifierLayers, samples: usize) -> Self {
        let (layers, config) = (&layers.maps, &layers.config);
        let whole = Grid::new(1, samples);
        let level = |(index, &channels): (usize, &usize)| {
            let grid = Grid::new(config.side >> (index + 1), samples);
            let finer = config.channels[index.saturating_sub(1)];
            Level {
                input: grid.zeros(channels, 0),
                output: grid.zeros(channels, 0),
                tape: layers.blocks[index].tape(&grid, samples),
                shrunk: grid.zeros(BLOCK_PIXELS * finer, 0),
                channels,
                grid,
            }
        };
        let levels: Vec<Level> = config.channels.iter().enumerate().map(level).collect();
        let (finest, last) = (&levels[0], &levels[levels.len() - 1]);
        let widest = levels.iter().map(|l| l.output.len().max(l.shrunk.len())).max().unwrap_or(0);
        let features = || whole.zeros(config.features, 0);
        Tape {
            config: config.clone(),
            samples,
            image: finest.grid.zeros(BLOCK_PIXELS, 1),
            blocks: finest.grid.zeros(BLOCK_PIXELS, 0),
            norm: layers.norm.tape(&last.grid, samples, 0),
            mean: whole.zeros(last.channels, 0),
            of_mean: whole.zeros(last.channels, 0),
            before: features(),
            features: features(),
            of_features: features(),
            logits: whole.zeros(config.classes, 0),
            of_logits: whole.zeros(config.classes, 0),
            gradients: [AlignedBuffer::zeros(widest), AlignedBuffer::zeros(widest)],
            scratch: BlockScratch::new(widest),
            levels,
            whole,
        }
    }

    /// Features and logits of images `x`, row-major.
    pub(super) fn forward(
        &mut self,
        net: &ClassifierLayers,
        x: &[f32],
        samples: usize,
    ) -> (&[f32], &[f32]) {
        let ClassifierLayers { config, maps: layers, weights: Weights { values, operands } } = net;
        let levels = &mut self.levels;
        let finest = &levels[0].grid;
        let pixels = samples * finest.pixels() * BLOCK_PIXELS;
        finest.gather_blocks(&mut self.blocks[..pixels], &x[..pixels], 1);
        finest.with_border(&mut self.image, &self.blocks[..pixels], BLOCK_PIXELS);
        for l in 0..levels.len() {
            let (finer, rest) = levels.split_at_mut(l);
            let Level { grid, input, output, tape, shrunk, .. } = &mut rest[0];
            let place = (&*grid, samples);
            match finer.last() {
                None => layers.stem.forward(operands, place, &self.image, input, false),
                Some(finer) => {
                    let len = samples * finer.grid.pixels() * finer.channels;
                    grid.gather_blocks(&mut shrunk[..len], &finer.output[..len], finer.channels);
                    layers.shrink[l - 1].forward(operands, place, shrunk, input, false);
                }
            }
            layers.blocks[l].forward(values, operands, place, input, &[], output, tape);
        }
        let Level { grid, channels, output, .. } = &levels[levels.len() - 1];
        let (place, c) = ((grid, samples), *channels);
        layers.norm.forward(values, place, output, None, true, &mut self.norm);
        mean_over_pixels(&mut self.mean, &self.norm.out, (grid.pixels(), c, samples));
        let place = (&self.whole, samples);
        layers.features.forward(operands, place, &self.mean, &mut self.before, false);
        silu_forward(&mut self.features[..samples * config.features], &self.before);
        layers.output.forward(operands, place, &self.features, &mut self.logits, false);
        (&self.features[..samples * config.features], &self.logits[..samples * config.classes])
    }

    /// After [`Tape::forward`]: from the gradient `c` in the logits to those that are wanted.
    fn backward(
        &mut self,
        net: &ClassifierLayers,
        samples: usize,
        c: &[f32],
        (of_x, mut gradient): (Option<&mut [f32]>, Option<&mut [f32]>),
    ) {
        let ClassifierLayers { config, maps: layers, weights: Weights { values, operands } } = net;
        let Tape { levels, scratch, .. } = self;
        let [g1, g2] = &mut self.gradients;
        let place = (&self.whole, samples);
        let maps = &mut scratch.maps;
        let gradient_of = &mut gradient;
        // A product reads past the last row.
        self.of_logits[..c.len()].copy_from_slice(c);
        let (g, of_features) = (&self.of_logits, &mut self.of_features);
        if let Some(gradient) = gradient_of.as_deref_mut() {
            layers.output.backward_weights(place, &self.features, g, gradient, maps);
        }
        layers.output.backward_input(operands, place, g, of_features, false, maps);
        silu_backward(&mut of_features[..samples * config.features], &self.before);
        if let Some(gradient) = gradient_of.as_deref_mut() {
            layers.features.backward_weights(place, &self.mean, of_features, gradient, maps);
        }
        let of_mean = &mut self.of_mean;
        layers.features.backward_input(operands, place, of_features, of_mean, false, maps);
        let Level { grid, channels, output, .. } = &levels[levels.len() - 1];
        let (place, c) = ((grid, samples), *channels);
        let share = 1.0 / grid.pixels() as f32;
        let images = g1.chunks_exact_mut(grid.pixels() * c).take(samples);
        for (image, of_mean) in images.zip(self.of_mean.chunks_exact(c)) {
            image.fill(0.0);
            image.chunks_exact_mut(c).for_each(|pixel| add_scaled(pixel, of_mean, share));
        }
        let norm = &mut self.norm;
        let of = gradient_of.as_deref_mut();
        layers.norm.backward(values, place, output, None, true, norm, g1, g2, of);
        // In g2: the gradient in the result of this level's block.
        for l in (0..levels.len()).rev() {
            let (finer, rest) = levels.split_at_mut(l);
            let Level { grid, input, tape, shrunk, .. } = &mut rest[0];
            let place = (&*grid, samples);
            layers.blocks[l].backward(
                values,
                operands,
                place,
                input,
                (&[], None),
                g2,
                g1,
                tape,
                gradient_of,
                scratch,
            );
            let maps = &mut scratch.maps;
            let Some(finer) = finer.last() else { continue };
            let shrink = &layers.shrink[l - 1];
            if let Some(gradient) = gradient_of.as_deref_mut() {
                shrink.backward_weights(place, shrunk, g1, gradient, maps);
            }
            shrink.backward_input(operands, place, g1, shrunk, false, maps);
            let len = samples * finer.grid.pixels() * finer.channels;
            grid.scatter_blocks(&mut g2[..len], &shrunk[..len], finer.channels);
        }
        let (grid, maps) = (&levels[0].grid, &mut scratch.maps);
        let place = (grid, samples);
        if let Some(gradient) = gradient {
            layers.stem.backward_weights(place, &self.image, g1, gradient, maps);
        }
        if let Some(of_x) = of_x {
            layers.stem.backward_input(operands, place, g1, &mut self.blocks, false, maps);
            let pixels = samples * grid.pixels() * BLOCK_PIXELS;
            grid.scatter_blocks(&mut of_x[..pixels], &self.blocks[..pixels], 1);
        }
    }

    /// After [`Tape::forward`]: `out <-` the change of the logits along `v`.
    fn along(&mut self, net: &ClassifierLayers, samples: usize, v: &[f32], out: &mut [f32]) {
        let ClassifierLayers { config, maps: layers, weights: Weights { values, operands } } = net;
        let levels = &mut self.levels;
        let [g1, g2] = &mut self.gradients;
        let grid = &levels[0].grid;
        let pixels = samples * grid.pixels() * BLOCK_PIXELS;
        grid.gather_blocks(&mut self.blocks[..pixels], &v[..pixels], 1);
        grid.with_border(&mut self.image, &self.blocks[..pixels], BLOCK_PIXELS);
        layers.stem.along(operands, (grid, samples), &self.image, g1, false);
        // In g1: the change of what comes into this level's block.
        for l in 0..levels.len() {
            let (finer, rest) = levels.split_at_mut(l);
            let Level { grid, input, tape, shrunk, .. } = &mut rest[0];
            let place = (&*grid, samples);
            if let Some(finer) = finer.last() {
                let len = samples * finer.grid.pixels() * finer.channels;
                grid.gather_blocks(&mut shrunk[..len], &g2[..len], finer.channels);
                layers.shrink[l - 1].along(operands, place, shrunk, g1, false);
            }
            layers.blocks[l].along(values, operands, place, (input, g1), &[], g2, tape);
        }
        let Level { grid, channels, output, .. } = &levels[levels.len() - 1];
        let (place, c) = ((grid, samples), *channels);
        layers.norm.along(values, place, (output, g2), None, true, &mut self.norm);
        mean_over_pixels(&mut self.of_mean, &self.norm.along, (grid.pixels(), c, samples));
        let place = (&self.whole, samples);
        layers.features.along(operands, place, &self.of_mean, &mut self.of_features, false);
        silu_backward(&mut self.of_features[..samples * config.features], &self.before);
        layers.output.along(operands, place, &self.of_features, &mut self.of_logits, false);
        out.copy_from_slice(&self.of_logits[..samples * config.classes]);
    }
}

/// `mean <-` the mean over the pixels of every image.
fn mean_over_pixels(
    mean: &mut [f32],
    images: &[f32],
    (pixels, channels, samples): (usize, usize, usize),
) {
    let share = 1.0 / pixels as f32;
    let images = images.chunks_exact(pixels * channels).take(samples);
    for (mean, image) in mean.chunks_exact_mut(channels).zip(images) {
        mean.fill(0.0);
        image.chunks_exact(channels).for_each(|pixel| add_scaled(mean, pixel, share));
    }
}

impl Layers for ClassifierLayers {
    type Tape = Tape;

    const TILE: usize = 8;
    const CHUNK: usize = 8;

    fn fill(&mut self, values: &[f32]) {
        self.weights.fill(values);
    }

    fn count(&self) -> usize {
        self.weights.count()
    }

    fn sizes(&self) -> [usize; 2] {
        [self.config.side * self.config.side, self.config.classes]
    }

    fn tape(&self, rows: usize) -> Tape {
        Tape::new(self, rows)
    }

    fn fits(&self, tape: &Tape, rows: usize) -> bool {
        tape.config == self.config && tape.samples >= rows
    }

    fn forward(&self, tape: &mut Tape, inputs: PassInputs<'_>, out: &mut [f32]) {
        let samples = out.len() / self.config.classes;
        out.copy_from_slice(tape.forward(self, inputs.states, samples).1);
    }

    /// The time is none of its inputs.
    fn backward(&self, tape: &mut Tape, _: PassInputs<'_>, c: &[f32], gradients: Gradients<'_>) {
        let Gradients { states, times, parameters } = gradients;
        tape.backward(self, c.len() / self.config.classes, c, (states, parameters));
        if let Some(times) = times {
            times.fill(0.0);
        }
    }

    fn along(&self, tape: &mut Tape, _: PassInputs<'_>, direction: Direction<'_>, out: &mut [f32]) {
        tape.along(self, out.len() / self.config.classes, direction.states, out);
    }
}
