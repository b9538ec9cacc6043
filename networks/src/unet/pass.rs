//! The U-Net forward and backward, on a few images at a time.

use super::UNetConfig;
use super::layers::{BLOCK_PIXELS, Layers};
use crate::image::{
    AttentionTape, BlockScratch, Grid, NormTape, Operands, ResidualTape, join, silu_backward,
    silu_forward, split,
};
use crate::{AlignedBuffer, TimeFeatures, add_scaled};

/// The layers with the weights of one evaluation or one training step.
#[derive(Debug)]
pub(crate) struct Weights {
    pub(super) config: UNetConfig,
    layers: Layers,
    features: TimeFeatures,
    operands: Operands,
    values: Vec<f32>,
}

impl Weights {
    /// Room for weights; `backward` if gradients are wanted.
    pub(crate) fn new(config: &UNetConfig, backward: bool) -> Self {
        let (layers, entries) = Layers::new(config);
        Weights {
            config: config.clone(),
            features: TimeFeatures::between(
                config.frequency_min,
                config.frequency_max,
                config.time_features,
            ),
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

/// A level of the way down and up, finest first.
#[derive(Debug)]
struct Level {
    grid: Grid,
    channels: usize,
    /// Into and out of the block on the way down; the latter goes up as well.
    down_in: AlignedBuffer,
    down_out: AlignedBuffer,
    down: ResidualTape,
    /// Joined: what comes from below and `down_out`.
    up_in: AlignedBuffer,
    up_out: AlignedBuffer,
    up: ResidualTape,
    /// Blocks of the next finer level as channels of this one: going down and up.
    shrunk: AlignedBuffer,
    grown: AlignedBuffer,
    /// The gradient that comes to `down_out` from the way up.
    of_skip: AlignedBuffer,
}

/// What one pass of at most `samples` images leaves for the way back.
#[derive(Debug)]
pub(crate) struct Tape {
    samples: usize,
    whole: Grid,
    features: AlignedBuffer,
    /// Before and after SiLU, of both layers.
    embedding: [AlignedBuffer; 4],
    of_condition: AlignedBuffer,
    of_hidden: AlignedBuffer,
    image: AlignedBuffer,
    blocks: AlignedBuffer,
    levels: Vec<Level>,
    middle: [ResidualTape; 2],
    attention: AttentionTape,
    /// Results of the first block of the middle, of the attention, and of the second block.
    between: [AlignedBuffer; 3],
    last_norm: NormTape,
    gradients: [AlignedBuffer; 2],
    scratch: BlockScratch,
}

impl Tape {
    pub(crate) fn new(weights: &Weights, samples: usize) -> Self {
        let (layers, config) = (&weights.layers, &weights.config);
        let whole = Grid::new(1, samples);
        let condition = || whole.zeros(config.condition, 0);
        let level = |(index, &channels): (usize, &usize)| {
            let grid = Grid::new(config.side >> (index + 1), samples);
            let buffer = |channels| grid.zeros(channels, 0);
            let finer = config.channels[index.saturating_sub(1)];
            Level {
                down_in: buffer(channels),
                down_out: buffer(channels),
                down: layers.down[index].tape(&grid, samples),
                up_in: buffer(2 * channels),
                up_out: buffer(channels),
                up: layers.up[index].tape(&grid, samples),
                shrunk: buffer(BLOCK_PIXELS * finer),
                grown: buffer(BLOCK_PIXELS * finer),
                of_skip: buffer(channels),
                channels,
                grid,
            }
        };
        let levels: Vec<Level> = config.channels.iter().enumerate().map(level).collect();
        let (finest, deepest) = (&levels[0], &levels[levels.len() - 1]);
        let widest = levels.iter().map(|level| level.up_in.len().max(level.grown.len())).max();
        let widest = widest.unwrap_or(0);
        let between = || deepest.grid.zeros(deepest.channels, 0);
        Tape {
            samples,
            features: whole.zeros(config.time_features, 0),
            embedding: [condition(), condition(), condition(), condition()],
            of_condition: condition(),
            of_hidden: condition(),
            image: finest.grid.zeros(BLOCK_PIXELS, 1),
            blocks: finest.grid.zeros(BLOCK_PIXELS, 0),
            middle: [0, 1].map(|i| layers.middle[i].tape(&deepest.grid, samples)),
            attention: layers.attention.tape(&deepest.grid, samples),
            between: [between(), between(), between()],
            last_norm: layers.last_norm.tape(&finest.grid, samples, 1),
            gradients: [AlignedBuffer::zeros(widest), AlignedBuffer::zeros(widest)],
            scratch: BlockScratch::new(widest),
            levels,
            whole,
        }
    }

    /// Most images of a pass.
    pub(crate) fn samples(&self) -> usize {
        self.samples
    }

    /// `out <-` the network at images `x`, their times and their labels.
    pub(crate) fn forward(
        &mut self,
        weights: &Weights,
        x: &[f32],
        times: &[f64],
        labels: &[u32],
        out: &mut [f32],
    ) {
        let samples = times.len();
        self.embed(weights, times, labels);
        let Weights { layers, operands, values, .. } = weights;
        let condition = &*self.embedding[3];
        let levels = &mut self.levels;
        let finest = &levels[0].grid;
        let pixels = samples * finest.pixels() * BLOCK_PIXELS;
        finest.gather_blocks(&mut self.blocks[..pixels], &x[..pixels], 1);
        finest.with_border(&mut self.image, &self.blocks[..pixels], BLOCK_PIXELS);
        for l in 0..levels.len() {
            let (finer, rest) = levels.split_at_mut(l);
            let Level { grid, down_in, down_out, down, shrunk, .. } = &mut rest[0];
            let place = (&*grid, samples);
            match finer.last() {
                None => layers.stem.forward(operands, place, &self.image, down_in, false),
                Some(finer) => {
                    let len = samples * finer.grid.pixels() * finer.channels;
                    grid.gather_blocks(&mut shrunk[..len], &finer.down_out[..len], finer.channels);
                    layers.shrink[l - 1].forward(operands, place, shrunk, down_in, false);
                }
            }
            layers.down[l].forward(values, operands, place, down_in, condition, down_out, down);
        }
        let deepest = &levels[levels.len() - 1];
        let place = (&deepest.grid, samples);
        let [before, mixed, after] = &mut self.between;
        let [first, second] = &mut self.middle;
        let x = &deepest.down_out;
        layers.middle[0].forward(values, operands, place, x, condition, before, first);
        layers.attention.forward(values, operands, place, before, mixed, &mut self.attention);
        layers.middle[1].forward(values, operands, place, mixed, condition, after, second);
        for l in (0..levels.len()).rev() {
            let (these, coarser) = levels.split_at_mut(l + 1);
            let Level { grid, channels, down_out, up_in, up_out, up, .. } = &mut these[l];
            let (place, c) = ((&*grid, samples), *channels);
            let len = samples * grid.pixels() * c;
            let below: &[f32] = match coarser.first_mut() {
                None => after,
                Some(Level { grid: coarse, up_out, grown, .. }) => {
                    layers.grow[l].forward(operands, (coarse, samples), up_out, grown, false);
                    let from = &mut self.gradients[0];
                    coarse.scatter_blocks(&mut from[..len], &grown[..len], c);
                    from
                }
            };
            join(&mut up_in[..2 * len], (&below[..len], c), (&down_out[..len], c));
            layers.up[l].forward(values, operands, place, up_in, condition, up_out, up);
        }
        let Level { grid, up_out, .. } = &levels[0];
        let place = (grid, samples);
        layers.last_norm.forward(values, place, up_out, None, true, &mut self.last_norm);
        layers.last.forward(operands, place, &self.last_norm.out, &mut self.blocks, false);
        grid.scatter_blocks(&mut out[..pixels], &self.blocks[..pixels], 1);
    }

    /// The condition of every image.
    fn embed(&mut self, weights: &Weights, times: &[f64], labels: &[u32]) {
        let Weights { config, layers, features, operands, values } = weights;
        let samples = times.len();
        let width = features.len();
        for (row, &t) in self.features.chunks_exact_mut(width).zip(times) {
            features.write(t, row);
        }
        let place = (&self.whole, samples);
        let [before, hidden, sum, condition] = &mut self.embedding;
        layers.time[0].forward(operands, place, &self.features, before, false);
        silu_forward(&mut hidden[..samples * config.condition], before);
        layers.time[1].forward(operands, place, hidden, sum, false);
        let table = &values[layers.labels.clone()];
        for (row, &label) in sum.chunks_exact_mut(config.condition).zip(labels) {
            add_scaled(row, &table[label as usize * config.condition..][..config.condition], 1.0);
        }
        silu_forward(&mut condition[..samples * config.condition], sum);
    }

    /// After [`Tape::forward`]: from the gradient `g` in its result to that in the images, and
    /// adds to `gradient`, that of the weights. Either may be left out.
    pub(crate) fn backward(
        &mut self,
        weights: &Weights,
        labels: &[u32],
        g: &[f32],
        of_x: Option<&mut [f32]>,
        mut gradient: Option<&mut [f32]>,
    ) {
        let samples = labels.len();
        let Weights { layers, operands, values, .. } = weights;
        let gradient_of = &mut gradient;
        let Tape { embedding, of_condition, levels, scratch, between, .. } = self;
        let [g1, g2] = &mut self.gradients;
        of_condition.fill(0.0);
        let condition = &*embedding[3];
        let Level { grid, up_out, .. } = &levels[0];
        let pixels = samples * grid.pixels() * BLOCK_PIXELS;
        let place = (grid, samples);
        grid.gather_blocks(&mut self.blocks[..pixels], &g[..pixels], 1);
        let (last, norm) = (&layers.last, &mut self.last_norm);
        if let Some(gradient) = gradient_of.as_deref_mut() {
            last.backward_weights(place, &norm.out, &self.blocks, gradient, &mut scratch.maps);
        }
        last.backward_input(operands, place, &self.blocks, g2, false, &mut scratch.maps);
        let of = gradient_of.as_deref_mut();
        layers.last_norm.backward(values, place, up_out, None, true, norm, g2, g1, of);

        // In g1: the gradient in the result of this level's block.
        for l in 0..levels.len() {
            let (these, coarser) = levels.split_at_mut(l + 1);
            let Level { grid, channels, up_in, up, of_skip, .. } = &mut these[l];
            let (place, c) = ((&*grid, samples), *channels);
            let len = samples * grid.pixels() * c;
            let conditions = (condition, &mut **of_condition);
            layers.up[l].backward(
                values,
                operands,
                place,
                up_in,
                conditions,
                g1,
                g2,
                up,
                gradient_of,
                scratch,
            );
            split(&g2[..2 * len], (&mut g1[..len], c), (&mut of_skip[..len], c));
            if let Some(Level { grid: coarse, up_out, .. }) = coarser.first() {
                coarse.gather_blocks(&mut g2[..len], &g1[..len], c);
                let place = (coarse, samples);
                if let Some(gradient) = gradient_of.as_deref_mut() {
                    layers.grow[l].backward_weights(place, up_out, g2, gradient, &mut scratch.maps);
                }
                layers.grow[l].backward_input(operands, place, g2, g1, false, &mut scratch.maps);
            }
        }

        let deepest = &levels[levels.len() - 1];
        let place = (&deepest.grid, samples);
        let [before, mixed, _] = between;
        let [first, second] = &mut self.middle;
        let conditions = (condition, &mut **of_condition);
        layers.middle[1].backward(
            values,
            operands,
            place,
            mixed,
            conditions,
            g1,
            g2,
            second,
            gradient_of,
            scratch,
        );
        let tape = &mut self.attention;
        layers.attention.backward(
            values,
            operands,
            place,
            before,
            g2,
            g1,
            tape,
            gradient_of,
            &mut scratch.maps,
        );
        let (x, conditions) = (&deepest.down_out, (condition, &mut **of_condition));
        layers.middle[0].backward(
            values,
            operands,
            place,
            x,
            conditions,
            g1,
            g2,
            first,
            gradient_of,
            scratch,
        );

        // In g2: the gradient in the result of this level's block, but for the way across.
        for l in (0..levels.len()).rev() {
            let (finer, rest) = levels.split_at_mut(l);
            let Level { grid, channels, down_in, down, of_skip, shrunk, .. } = &mut rest[0];
            let place = (&*grid, samples);
            let len = samples * grid.pixels() * *channels;
            add_scaled(&mut g2[..len], &of_skip[..len], 1.0);
            let conditions = (condition, &mut **of_condition);
            layers.down[l].backward(
                values,
                operands,
                place,
                down_in,
                conditions,
                g2,
                g1,
                down,
                gradient_of,
                scratch,
            );
            let Some(finer) = finer.last() else { continue };
            let shrink = &layers.shrink[l - 1];
            if let Some(gradient) = gradient_of.as_deref_mut() {
                shrink.backward_weights(place, shrunk, g1, gradient, &mut scratch.maps);
            }
            shrink.backward_input(operands, place, g1, shrunk, false, &mut scratch.maps);
            let len = samples * finer.grid.pixels() * finer.channels;
            grid.scatter_blocks(&mut g2[..len], &shrunk[..len], finer.channels);
        }

        let grid = &levels[0].grid;
        let place = (grid, samples);
        if let Some(gradient) = gradient_of.as_deref_mut() {
            layers.stem.backward_weights(place, &self.image, g1, gradient, &mut scratch.maps);
        }
        if let Some(of_x) = of_x {
            let maps = &mut scratch.maps;
            layers.stem.backward_input(operands, place, g1, &mut self.blocks, false, maps);
            grid.scatter_blocks(&mut of_x[..pixels], &self.blocks[..pixels], 1);
        }
        if let Some(gradient) = gradient {
            self.backward_embedding(weights, labels, gradient);
        }
    }

    fn backward_embedding(&mut self, weights: &Weights, labels: &[u32], gradient: &mut [f32]) {
        let Weights { config, layers, operands, .. } = weights;
        let (samples, width) = (labels.len(), config.condition);
        let place = (&self.whole, samples);
        let maps = &mut self.scratch.maps;
        let [before, hidden, sum, _] = &mut self.embedding;
        let (g, of_hidden) = (&mut self.of_condition, &mut self.of_hidden);
        silu_backward(&mut g[..samples * width], sum);
        for (row, &label) in g.chunks_exact(width).zip(labels) {
            let start = layers.labels.start + label as usize * width;
            add_scaled(&mut gradient[start..start + width], row, 1.0);
        }
        layers.time[1].backward_weights(place, hidden, g, gradient, maps);
        layers.time[1].backward_input(operands, place, g, of_hidden, false, maps);
        silu_backward(&mut of_hidden[..samples * width], before);
        layers.time[0].backward_weights(place, &self.features, of_hidden, gradient, maps);
    }
}
