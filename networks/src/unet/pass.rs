//! The U-Net forward, back, and along a direction, on a few images at a time.

use super::UNetConfig;
use super::layers::Maps;
use crate::kernel::{AlignedBuffer, add_scaled};
use crate::layers::{
    AttentionTape, BLOCK_PIXELS, BlockScratch, Grid, NormTape, ResidualTape, TimeFeatures, Weights,
    join, silu_backward, silu_forward, split,
};
use crate::pass::{Direction, Gradients, Layers, PassInputs};

/// The layers of a U-Net.
#[derive(Debug)]
pub struct UNetLayers {
    config: UNetConfig,
    maps: Maps,
    features: TimeFeatures,
    weights: Weights,
}

impl UNetLayers {
    /// Room for the weights of a valid configuration.
    pub(super) fn new(config: &UNetConfig) -> Self {
        let (maps, entries) = Maps::new(config);
        let UNetConfig { frequency_min, frequency_max, time_features, .. } = *config;
        UNetLayers {
            config: config.clone(),
            features: TimeFeatures::between(frequency_min, frequency_max, time_features),
            weights: Weights::new(&entries),
            maps,
        }
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
    /// The gradient that comes to `down_out` from the way up, or its change along a direction.
    of_skip: AlignedBuffer,
}

/// What one pass of at most `samples` images leaves for the way back.
#[derive(Debug)]
pub struct Tape {
    config: UNetConfig,
    samples: usize,
    whole: Grid,
    features: AlignedBuffer,
    of_features: AlignedBuffer,
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
    fn new(layers: &UNetLayers, samples: usize) -> Self {
        let (layers, config) = (&layers.maps, &layers.config);
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
            config: config.clone(),
            samples,
            features: whole.zeros(config.time_features, 0),
            of_features: whole.zeros(config.time_features, 0),
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

    /// `out <-` the network's output.
    fn forward(&mut self, net: &UNetLayers, inputs: PassInputs<'_>, out: &mut [f32]) {
        let (x, samples) = (inputs.states, inputs.labels.len());
        self.embed(net, inputs);
        let UNetLayers { maps: layers, weights: Weights { values, operands }, .. } = net;
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
    fn embed(&mut self, net: &UNetLayers, inputs: PassInputs<'_>) {
        let UNetLayers { config, maps: layers, features, weights } = net;
        let Weights { values, operands } = weights;
        let samples = inputs.labels.len();
        let width = features.len();
        let rows = self.features.chunks_exact_mut(width).take(samples).enumerate();
        rows.for_each(|(row, to)| features.write(inputs.times.of(row), to));
        let place = (&self.whole, samples);
        let [before, hidden, sum, condition] = &mut self.embedding;
        layers.time[0].forward(operands, place, &self.features, before, false);
        silu_forward(&mut hidden[..samples * config.condition], before);
        layers.time[1].forward(operands, place, hidden, sum, false);
        let table = &values[layers.labels.clone()];
        for (row, &label) in sum.chunks_exact_mut(config.condition).zip(inputs.labels) {
            add_scaled(row, &table[label as usize * config.condition..][..config.condition], 1.0);
        }
        silu_forward(&mut condition[..samples * config.condition], sum);
    }

    /// After [`Tape::forward`]: from the gradient `g` in its result to those that are wanted.
    fn backward(
        &mut self,
        net: &UNetLayers,
        inputs: PassInputs<'_>,
        g: &[f32],
        gradients: Gradients<'_>,
    ) {
        let samples = inputs.labels.len();
        let UNetLayers { maps: layers, weights: Weights { values, operands }, .. } = net;
        let Gradients { states: of_x, times, parameters: mut gradient } = gradients;
        let conditioned = times.is_some() || gradient.is_some();
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
            let conditions = (condition, conditioned.then_some(&mut **of_condition));
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
        let conditions = (condition, conditioned.then_some(&mut **of_condition));
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
        let (x, conditions) =
            (&deepest.down_out, (condition, conditioned.then_some(&mut **of_condition)));
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
            let conditions = (condition, conditioned.then_some(&mut **of_condition));
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
        if conditioned {
            self.backward_embedding(net, inputs, times, gradient);
        }
    }

    /// From the gradient in the condition to those of the times and of the embedding's weights.
    fn backward_embedding(
        &mut self,
        net: &UNetLayers,
        inputs: PassInputs<'_>,
        times: Option<&mut [f64]>,
        mut gradient: Option<&mut [f32]>,
    ) {
        let UNetLayers { config, maps: layers, features, weights } = net;
        let operands = &weights.operands;
        let (samples, width) = (inputs.labels.len(), config.condition);
        let place = (&self.whole, samples);
        let maps = &mut self.scratch.maps;
        let [before, hidden, sum, _] = &mut self.embedding;
        let (g, of_hidden) = (&mut self.of_condition, &mut self.of_hidden);
        silu_backward(&mut g[..samples * width], sum);
        if let Some(gradient) = gradient.as_deref_mut() {
            for (row, &label) in g.chunks_exact(width).zip(inputs.labels) {
                let start = layers.labels.start + label as usize * width;
                add_scaled(&mut gradient[start..start + width], row, 1.0);
            }
            layers.time[1].backward_weights(place, hidden, g, gradient, maps);
        }
        layers.time[1].backward_input(operands, place, g, of_hidden, false, maps);
        silu_backward(&mut of_hidden[..samples * width], before);
        if let Some(gradient) = gradient {
            layers.time[0].backward_weights(place, &self.features, of_hidden, gradient, maps);
        }
        if let Some(times) = times {
            let found = &mut self.of_features;
            layers.time[0].backward_input(operands, place, of_hidden, found, false, maps);
            let rows = times.iter_mut().zip(found.chunks_exact(features.len())).take(samples);
            rows.enumerate().for_each(|(row, (time, found))| {
                *time = features.pull_back(inputs.times.of(row), found);
            });
        }
    }

    /// After [`Tape::forward`]: `out <-` its change along a direction.
    fn along(
        &mut self,
        net: &UNetLayers,
        inputs: PassInputs<'_>,
        direction: Direction<'_>,
        out: &mut [f32],
    ) {
        self.embed_along(net, inputs, direction.times);
        let samples = inputs.labels.len();
        let UNetLayers { maps: layers, weights: Weights { values, operands }, .. } = net;
        let Tape { levels, between, of_condition: condition, .. } = self;
        let [g1, g2] = &mut self.gradients;
        let Level { grid, .. } = &levels[0];
        let pixels = samples * grid.pixels() * BLOCK_PIXELS;
        grid.gather_blocks(&mut self.blocks[..pixels], &direction.states[..pixels], 1);
        grid.with_border(&mut self.image, &self.blocks[..pixels], BLOCK_PIXELS);
        layers.stem.along(operands, (grid, samples), &self.image, g1, false);
        // In g1: the change of what comes into this level's block.
        for l in 0..levels.len() {
            let (finer, rest) = levels.split_at_mut(l);
            let Level { grid, down_in, down, of_skip, .. } = &mut rest[0];
            let place = (&*grid, samples);
            if let Some(finer) = finer.last() {
                let len = samples * finer.grid.pixels() * finer.channels;
                grid.gather_blocks(&mut g2[..len], &finer.of_skip[..len], finer.channels);
                layers.shrink[l - 1].along(operands, place, g2, g1, false);
            }
            layers.down[l].along(values, operands, place, (down_in, g1), condition, of_skip, down);
        }
        let Level { grid, down_out, of_skip, .. } = &levels[levels.len() - 1];
        let place = (grid, samples);
        let [before, mixed, _] = between;
        let [first, second] = &mut self.middle;
        let x = (&**down_out, &**of_skip);
        layers.middle[0].along(values, operands, place, x, condition, g1, first);
        layers.attention.along(values, operands, place, (before, g1), g2, &mut self.attention);
        layers.middle[1].along(values, operands, place, (mixed, g2), condition, g1, second);
        // In g1: the change of what comes from below.
        for l in (0..levels.len()).rev() {
            let (these, coarser) = levels.split_at_mut(l + 1);
            let Level { grid, channels, up_in, up, of_skip, .. } = &mut these[l];
            let (place, c) = ((&*grid, samples), *channels);
            let len = samples * grid.pixels() * c;
            if let Some(Level { grid: coarse, .. }) = coarser.first() {
                layers.grow[l].along(operands, (coarse, samples), g1, g2, false);
                coarse.scatter_blocks(&mut g1[..len], &g2[..len], c);
            }
            join(&mut g2[..2 * len], (&g1[..len], c), (&of_skip[..len], c));
            layers.up[l].along(values, operands, place, (up_in, g2), condition, g1, up);
        }
        let Level { grid, up_out, .. } = &levels[0];
        let place = (grid, samples);
        layers.last_norm.along(values, place, (up_out, g1), None, true, &mut self.last_norm);
        layers.last.along(operands, place, &self.last_norm.along, &mut self.blocks, false);
        grid.scatter_blocks(&mut out[..pixels], &self.blocks[..pixels], 1);
    }

    /// The change of every image's condition, into `of_condition`.
    fn embed_along(&mut self, net: &UNetLayers, inputs: PassInputs<'_>, tau: &[f64]) {
        let UNetLayers { config, maps: layers, features, weights } = net;
        let operands = &weights.operands;
        let (samples, len) = (inputs.labels.len(), inputs.labels.len() * config.condition);
        let rows = self.of_features.chunks_exact_mut(features.len()).zip(tau).enumerate();
        rows.for_each(|(row, (to, &tau))| features.write_along(inputs.times.of(row), tau, to));
        let place = (&self.whole, samples);
        let [before, _, sum, _] = &self.embedding;
        let (hidden, condition) = (&mut self.of_hidden, &mut self.of_condition);
        layers.time[0].along(operands, place, &self.of_features, hidden, false);
        silu_backward(&mut hidden[..len], before);
        layers.time[1].along(operands, place, hidden, condition, false);
        silu_backward(&mut condition[..len], sum);
    }
}

impl Layers for UNetLayers {
    type Tape = Tape;

    const TILE: usize = 4;
    const CHUNK: usize = 8;

    fn fill(&mut self, values: &[f32]) {
        self.weights.fill(values);
    }

    fn count(&self) -> usize {
        self.weights.count()
    }

    fn sizes(&self) -> [usize; 2] {
        [self.config.dimension(); 2]
    }

    fn tape(&self, rows: usize) -> Tape {
        Tape::new(self, rows)
    }

    fn fits(&self, tape: &Tape, rows: usize) -> bool {
        tape.config == self.config && tape.samples >= rows
    }

    fn forward(&self, tape: &mut Tape, inputs: PassInputs<'_>, out: &mut [f32]) {
        tape.forward(self, inputs, out);
    }

    fn backward(
        &self,
        tape: &mut Tape,
        inputs: PassInputs<'_>,
        c: &[f32],
        gradients: Gradients<'_>,
    ) {
        tape.backward(self, inputs, c, gradients);
    }

    fn along(
        &self,
        tape: &mut Tape,
        inputs: PassInputs<'_>,
        direction: Direction<'_>,
        out: &mut [f32],
    ) {
        tape.along(self, inputs, direction, out);
    }
}
