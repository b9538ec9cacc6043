//! The classifier forward and backward, on a few images at a time.

use super::ClassifierConfig;
use crate::image::{
    BlockScratch, Entries, Grid, Map, Norm, NormTape, Operands, Residual, ResidualTape,
    silu_backward, silu_forward,
};
use crate::{AlignedBuffer, add_scaled};

/// Channels of a block of 2 x 2 grey pixels.
const BLOCK_PIXELS: usize = 4;

/// The layers in the order of their parameters.
#[derive(Debug, Clone)]
pub(super) struct Layers {
    stem: Map,
    blocks: Vec<Residual>,
    /// From a level to the next coarser one.
    shrink: Vec<Map>,
    norm: Norm,
    features: Map,
    output: Map,
}

impl Layers {
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
        (Layers { stem, blocks, shrink, norm, features, output }, entries)
    }
}

/// The layers with their weights.
#[derive(Debug)]
pub(crate) struct Weights {
    pub(super) config: ClassifierConfig,
    layers: Layers,
    operands: Operands,
    values: Vec<f32>,
}

impl Weights {
    /// Room for weights; `backward` if gradients are wanted.
    pub(crate) fn new(config: &ClassifierConfig, backward: bool) -> Self {
        let (layers, entries) = Layers::new(config);
        Weights {
            config: config.clone(),
            operands: Operands::new(&entries.maps, backward),
            values: vec![0.0; entries.len()],
            layers,
        }
    }

    /// Takes all weights, in the order of the parameters.
    pub(crate) fn fill(&mut self, values: &[f32]) {
        self.values.copy_from_slice(values);
        self.operands.fill(values);
    }

    /// Number of weights.
    pub(crate) fn count(&self) -> usize {
        self.values.len()
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
pub(crate) struct Tape {
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
    of_features: AlignedBuffer,
    of_mean: AlignedBuffer,
    gradients: [AlignedBuffer; 2],
    scratch: BlockScratch,
}

impl Tape {
    pub(crate) fn new(weights: &Weights, samples: usize) -> Self {
        let (layers, config) = (&weights.layers, &weights.config);
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
            image: finest.grid.zeros(BLOCK_PIXELS, 1),
            blocks: finest.grid.zeros(BLOCK_PIXELS, 0),
            norm: layers.norm.tape(&last.grid, samples, 0),
            mean: whole.zeros(last.channels, 0),
            of_mean: whole.zeros(last.channels, 0),
            before: features(),
            features: features(),
            of_features: features(),
            logits: whole.zeros(config.classes, 0),
            gradients: [AlignedBuffer::zeros(widest), AlignedBuffer::zeros(widest)],
            scratch: BlockScratch::new(widest),
            levels,
            whole,
        }
    }

    /// Features and logits of images `x`, row-major.
    pub(crate) fn forward(
        &mut self,
        weights: &Weights,
        x: &[f32],
        samples: usize,
    ) -> (&[f32], &[f32]) {
        let Weights { config, layers, operands, values } = weights;
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
        let share = 1.0 / grid.pixels() as f32;
        let images = self.norm.out.chunks_exact(grid.pixels() * c).take(samples);
        for (mean, image) in self.mean.chunks_exact_mut(c).zip(images) {
            mean.fill(0.0);
            image.chunks_exact(c).for_each(|pixel| add_scaled(mean, pixel, share));
        }
        let place = (&self.whole, samples);
        layers.features.forward(operands, place, &self.mean, &mut self.before, false);
        silu_forward(&mut self.features[..samples * config.features], &self.before);
        layers.output.forward(operands, place, &self.features, &mut self.logits, false);
        (&self.features[..samples * config.features], &self.logits[..samples * config.classes])
    }

    /// After [`Tape::forward`]: adds to `gradient` from the gradient `g` in the logits, for
    /// which there must be room for all images.
    pub(crate) fn backward(
        &mut self,
        weights: &Weights,
        samples: usize,
        g: &[f32],
        gradient: &mut [f32],
    ) {
        let Weights { config, layers, operands, values } = weights;
        let Tape { levels, scratch, .. } = self;
        let [g1, g2] = &mut self.gradients;
        let place = (&self.whole, samples);
        let maps = &mut scratch.maps;
        layers.output.backward_weights(place, &self.features, g, gradient, maps);
        layers.output.backward_input(operands, place, g, &mut self.of_features, false, maps);
        silu_backward(&mut self.of_features[..samples * config.features], &self.before);
        let of_features = &self.of_features;
        layers.features.backward_weights(place, &self.mean, of_features, gradient, maps);
        layers.features.backward_input(
            operands,
            place,
            of_features,
            &mut self.of_mean,
            false,
            maps,
        );
        let Level { grid, channels, output, .. } = &levels[levels.len() - 1];
        let (place, c) = ((grid, samples), *channels);
        let share = 1.0 / grid.pixels() as f32;
        let images = g1.chunks_exact_mut(grid.pixels() * c).take(samples);
        for (image, of_mean) in images.zip(self.of_mean.chunks_exact(c)) {
            image.fill(0.0);
            image.chunks_exact_mut(c).for_each(|pixel| add_scaled(pixel, of_mean, share));
        }
        let norm = &mut self.norm;
        let of = Some(&mut *gradient);
        layers.norm.backward(values, place, output, None, true, norm, g1, g2, of);
        // In g2: the gradient in the result of this level's block.
        for l in (0..levels.len()).rev() {
            let (finer, rest) = levels.split_at_mut(l);
            let Level { grid, input, tape, shrunk, .. } = &mut rest[0];
            let place = (&*grid, samples);
            let none = (&[][..], &mut [][..]);
            layers.blocks[l].backward(
                values,
                operands,
                place,
                input,
                none,
                g2,
                g1,
                tape,
                &mut Some(gradient),
                scratch,
            );
            let maps = &mut scratch.maps;
            let Some(finer) = finer.last() else {
                layers.stem.backward_weights(place, &self.image, g1, gradient, maps);
                continue;
            };
            let shrink = &layers.shrink[l - 1];
            shrink.backward_weights(place, shrunk, g1, gradient, maps);
            shrink.backward_input(operands, place, g1, shrunk, false, maps);
            let len = samples * finer.grid.pixels() * finer.channels;
            grid.scatter_blocks(&mut g2[..len], &shrunk[..len], finer.channels);
        }
    }
}
