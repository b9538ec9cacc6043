//! Every operation against its definition in double precision, and its gradients against the
//! definition's slopes.

use super::map::{Operands, Scratch};
use super::*;
use crate::seeded::{Purpose, SeededRng};

fn normals(count: usize, seed: u64) -> Vec<f32> {
    let mut rng = SeededRng::new(seed, Purpose::Batch, 9);
    (0..count).map(|_| rng.normal() as f32).collect()
}

/// Normals, with room for what the kernel may read past the end.
fn padded(count: usize, grid: &Grid, channels: usize, seed: u64) -> Vec<f32> {
    let mut values = normals(count, seed);
    values.resize(grid.zeros(channels, 0).len(), 0.0);
    values
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

fn double(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

fn close(found: f64, expected: f64, scale: f64, what: &str) {
    assert!((found - expected).abs() < 1e-5 * scale.max(1e-2), "{what}: {found} {expected}");
}

/// The slope of `value` at `at` along each of a few random directions, against `gradient`.
fn check_slopes(at: &[f32], gradient: &[f32], what: &str, value: impl Fn(&[f64]) -> f64) {
    let size = dot(gradient, gradient).sqrt();
    for seed in 20..23 {
        let along = double(&normals(at.len(), seed));
        let length = along.iter().map(|a| a * a).sum::<f64>().sqrt();
        let moved = |step: f64| {
            let x: Vec<f64> =
                at.iter().zip(&along).map(|(&x, a)| f64::from(x) + step * a / length).collect();
            value(&x)
        };
        let h = 1e-3;
        let slope =
            (8.0 * (moved(h) - moved(-h)) - (moved(2.0 * h) - moved(-2.0 * h))) / (12.0 * h);
        let found: f64 = gradient.iter().zip(&along).map(|(&g, a)| f64::from(g) * a / length).sum();
        close(found, slope, size, what);
    }
}

#[test]
fn maps_are_their_definitions_and_the_ways_back_their_adjoints() {
    for (side, samples, inputs, outputs) in [(14, 2, 4, 16), (5, 3, 16, 4), (1, 7, 16, 48)] {
        for width in [1, 3] {
            let mut entries = Entries::default();
            let map = match width {
                1 => entries.linear("map", inputs, outputs, false),
                _ => entries.convolution("map", inputs, outputs, false),
            };
            let grid = Grid::new(side, samples);
            let place = (&grid, samples);
            let rows = samples * side * side;
            let values = normals(entries.len(), 1);
            let (weight, bias) = values.split_at(width * width * inputs * outputs);
            let mut operands = Operands::new(&entries.maps);
            operands.fill(&values);
            let x = padded(rows * inputs, &grid, inputs, 2);
            let g = padded(rows * outputs, &grid, outputs, 3);
            let given = if width == 1 {
                x.clone()
            } else {
                let mut bordered = grid.zeros(inputs, 1).to_vec();
                grid.with_border(&mut bordered, &x[..rows * inputs], inputs);
                bordered
            };
            let mut out = vec![0.0; rows * outputs];
            map.forward(&operands, place, &given, &mut out, false);

            let reach = width as isize / 2;
            for row in 0..rows {
                let (image, y, x_at) = (row / side / side, row / side % side, row % side);
                for o in 0..outputs {
                    let mut sum = f64::from(bias[o]);
                    for tap in 0..width * width {
                        let y = y as isize + (tap / width) as isize - reach;
                        let x_at = x_at as isize + (tap % width) as isize - reach;
                        let inside = 0..side as isize;
                        if !(inside.contains(&y) && inside.contains(&x_at)) {
                            continue;
                        }
                        let from = (image * side + y as usize) * side + x_at as usize;
                        for i in 0..inputs {
                            sum += f64::from(x[from * inputs + i])
                                * f64::from(weight[(tap * inputs + i) * outputs + o]);
                        }
                    }
                    close(f64::from(out[row * outputs + o]), sum, 12.0, "forward");
                }
            }
            // Without its bias the map is linear in images and in weights.
            for row in out.chunks_exact_mut(outputs) {
                row.iter_mut().zip(bias).for_each(|(out, bias)| *out -= bias);
            }
            let product = dot(&out, &g);
            let scale = (dot(&out, &out) * dot(&g, &g)).sqrt();
            let mut scratch = Scratch::new();
            let mut gradient = vec![0.0; values.len()];
            map.backward_weights(place, &given, &g, &mut gradient, &mut scratch);
            let (of_weight, of_bias) = gradient.split_at(weight.len());
            close(dot(weight, of_weight), product, scale, "weights");
            for (o, &of_bias) in of_bias.iter().enumerate() {
                let sum: f64 =
                    g[..rows * outputs].chunks_exact(outputs).map(|g| f64::from(g[o])).sum();
                close(f64::from(of_bias), sum, 20.0, "bias");
            }
            let mut of_x = vec![0.0; rows * inputs];
            map.backward_input(&operands, place, &g, &mut of_x, false, &mut scratch);
            close(dot(&x[..rows * inputs], &of_x), product, scale, "images");
            // Added to what is there, it doubles.
            let once = of_x.clone();
            map.backward_input(&operands, place, &g, &mut of_x, true, &mut scratch);
            assert!(of_x.iter().zip(once).all(|(twice, once)| *twice == 2.0 * once));
        }
    }
}

/// The normalisation by its definition, times `direction`.
fn norm_product(
    (x, parameters, condition): (&[f64], &[f64], &[f64]),
    (groups, channels, pixels): (usize, usize, usize),
    direction: &[f32],
) -> f64 {
    let per = channels / groups;
    let mut product = 0.0;
    for (image, x) in x.chunks_exact(pixels * channels).enumerate() {
        for group in 0..groups {
            let members: Vec<usize> =
                (0..pixels * per).map(|i| i / per * channels + group * per + i % per).collect();
            let count = members.len() as f64;
            let mean = members.iter().map(|&i| x[i]).sum::<f64>() / count;
            let variance = members.iter().map(|&i| (x[i] - mean).powi(2)).sum::<f64>() / count;
            for i in members {
                let c = i % channels;
                let condition = &condition[2 * image * channels..];
                let y = (x[i] - mean) / (variance + 1e-5).sqrt();
                let y = parameters[c] * y + parameters[channels + c];
                let y = y * (1.0 + condition[c]) + condition[channels + c];
                let y = y / (1.0 + (-y).exp());
                product += y * f64::from(direction[image * pixels * channels + i]);
            }
        }
    }
    product
}

#[test]
fn the_gradients_of_the_normalisation_are_its_slopes() {
    let (side, samples, channels, groups) = (3, 2, 32, 4);
    let sizes = (groups, channels, side * side);
    let mut entries = Entries::default();
    let norm = entries.norm("norm", channels, groups);
    let grid = Grid::new(side, samples);
    let place = (&grid, samples);
    let len = samples * side * side * channels;
    let (values, x) = (normals(2 * channels, 1), normals(len, 2));
    let (condition, direction) = (normals(2 * samples * channels, 3), normals(len, 4));
    let mut tape = norm.tape(&grid, samples, 0);
    norm.forward(&values, place, &x, Some(&condition), true, &mut tape);
    let (x64, values64, condition64) = (double(&x), double(&values), double(&condition));
    let expected = norm_product((&x64, &values64, &condition64), sizes, &direction);
    close(dot(&tape.out, &direction), expected, 20.0, "forward");

    let (mut g, mut of_x) = (direction.clone(), vec![0.0; len]);
    let (mut of_condition, mut of_values) = (vec![0.0; condition.len()], vec![0.0; values.len()]);
    norm.backward(
        &values,
        place,
        &x,
        Some((&condition, &mut of_condition)),
        true,
        &mut tape,
        &mut g,
        &mut of_x,
        Some(&mut of_values),
    );
    check_slopes(&x, &of_x, "images", |x| {
        norm_product((x, &values64, &condition64), sizes, &direction)
    });
    check_slopes(&values, &of_values, "scale and shift", |values| {
        norm_product((&x64, values, &condition64), sizes, &direction)
    });
    check_slopes(&condition, &of_condition, "condition", |condition| {
        norm_product((&x64, &values64, condition), sizes, &direction)
    });
}

#[test]
fn silu_and_its_way_back_are_the_definition() {
    let (x, g) = (normals(64, 1), normals(64, 2));
    let mut out = vec![0.0; 64];
    silu_forward(&mut out, &x);
    let mut of_x = g.clone();
    silu_backward(&mut of_x, &x);
    let silu = |x: f64| x / (1.0 + (-x).exp());
    for (&x, out) in x.iter().zip(out) {
        close(f64::from(out), silu(f64::from(x)), 1.0, "forward");
    }
    check_slopes(&x, &of_x, "images", |x| {
        x.iter().zip(&g).map(|(&x, &g)| silu(x) * f64::from(g)).sum()
    });
}
