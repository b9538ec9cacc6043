use std::ops::Range;

use candle_core::{DType, Device, Result, Tensor};
use driftfield_problems::predictor::{Network, Pullback, Times};
use driftfield_solvers::{FieldError, TrackedTensor};
use ndarray::{ArrayD, array};

use super::*;

/// `tanh(x) (1 + y) + t`, `y` the first label or the tensor `y`, of whichever type.
fn told(dtype: DType) -> TensorFn<impl Fn(&Tensor, &Tensor, &Conditions) -> Result<Tensor>> {
    TensorFn::new(dtype, Device::Cpu, move |x: &Tensor, t: &Tensor, told: &Conditions| {
        let lanes = x.dim(0)?;
        let y = match told.labels {
            Some(_) => told.labels(lanes)?.to_dtype(dtype)?,
            None => told.rows("y", lanes)?,
        };
        let column = |v: Tensor| v.broadcast_as(lanes)?.reshape((lanes, 1));
        let t = column(t.to_dtype(dtype)?)?;
        x.tanh()?.broadcast_mul(&(column(y)? + 1.0)?)?.broadcast_add(&t)
    })
}

fn labels(labels: &[u32]) -> Conditions {
    Conditions::labelled(labels).unwrap()
}

fn network(conditions: Conditions) -> Conditioned {
    Conditioned::new(told(DType::F64), [3], conditions).unwrap()
}

fn states() -> ArrayD<f64> {
    array![[0.25, -1.0, 0.5], [2.0, 0.125, -0.75], [1.0, 1.5, 0.0]].into_dyn()
}

fn at(network: &Conditioned, x: &ArrayD<f64>, t: Times<'_>) -> ArrayD<f64> {
    let mut out = x.clone();
    network.forward(&mut out, x, t).unwrap();
    out
}

/// What the network of [`told`] says by hand.
fn expected(x: &ArrayD<f64>, y: [f64; 3], t: [f64; 3]) -> ArrayD<f64> {
    ArrayD::from_shape_fn(x.raw_dim(), |i| x[&i].tanh() * (1.0 + y[i[0]]) + t[i[0]])
}

fn assert_close(found: &ArrayD<f64>, expected: &ArrayD<f64>, bound: f64) {
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < bound * (1.0 + expected.abs()), "{found} {expected}");
    }
}

#[test]
fn lanes_have_times_and_conditions_of_their_own_or_one_for_all() {
    let x = states();
    let each = network(labels(&[0, 1, 2]));
    let found = at(&each, &x, Times::Each(&[0.1, 0.2, 0.3]));
    assert_close(&found, &expected(&x, [0.0, 1.0, 2.0], [0.1, 0.2, 0.3]), 1e-14);
    let one = network(labels(&[2]));
    assert_close(&at(&one, &x, 0.5.into()), &expected(&x, [2.0; 3], [0.5; 3]), 1e-14);
    let y = Tensor::new(&[0.5f32, -0.5, 0.0], &Device::Cpu).unwrap();
    let named = network(Conditions::default().and("y", y));
    assert_close(&at(&named, &x, 0.5.into()), &expected(&x, [0.5, -0.5, 0.0], [0.5; 3]), 1e-14);
}

#[test]
fn guidance_is_its_formula_where_it_acts_and_costs_a_pass_there() {
    let (x, t) = (states(), [0.1, 0.4, 0.7]);
    let guidance = Guidance::new(2.5, labels(&[5])).unwrap().between(0.3, 0.5).unwrap();
    let guided = network(labels(&[0, 1, 2])).guided(guidance.clone()).unwrap();
    let (with, without) = (expected(&x, [0.0, 1.0, 2.0], t), expected(&x, [5.0; 3], t));
    let mut mixed = with.clone();
    for i in 0..3 {
        mixed[[1, i]] = without[[1, i]] + 2.5 * (with[[1, i]] - without[[1, i]]);
    }
    assert_close(&at(&guided, &x, Times::Each(&t)), &mixed, 1e-13);
    let passes = |t: Times<'_>| Network::<ArrayD<f64>>::forwards(&guided, t);
    assert_eq!((passes(0.4.into()), passes(0.6.into()), passes(Times::Each(&t))), (2, 1, 2));
    // A lane alone is the same to the bit, whether others are guided or not.
    for lane in 0..3 {
        let alone = x.slice_axis(ndarray::Axis(0), (lane..lane + 1).into()).to_owned();
        let label = labels(&[lane as u32]);
        let network = network(label).guided(guidance.clone()).unwrap();
        let batch = at(&guided, &x, Times::Each(&t));
        assert_eq!(at(&network, &alone, t[lane].into()).row_of(0), batch.row_of(lane));
    }
}

trait RowOf {
    fn row_of(&self, row: usize) -> Vec<f64>;
}

impl RowOf for ArrayD<f64> {
    fn row_of(&self, row: usize) -> Vec<f64> {
        self.index_axis(ndarray::Axis(0), row).iter().copied().collect()
    }
}

#[test]
fn rescaled_guidance_has_the_size_of_the_conditional_output() {
    let x = states();
    let deviation = |row: &[f64]| {
        let mean = row.iter().sum::<f64>() / 3.0;
        (row.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 2.0).sqrt()
    };
    let plain = Guidance::new(4.0, labels(&[0])).unwrap();
    let at_share = |phi: f64| {
        let guidance = plain.clone().rescaled(phi).unwrap();
        at(&network(labels(&[1])).guided(guidance).unwrap(), &x, 0.0.into())
    };
    let (conditional, guided) = (at(&network(labels(&[1])), &x, 0.0.into()), at_share(0.0));
    let (whole, part) = (at_share(1.0), at_share(0.7));
    for lane in 0..3 {
        let size = |of: &ArrayD<f64>| deviation(&of.row_of(lane));
        assert!((size(&whole) - size(&conditional)).abs() < 1e-12);
        let share = 0.7 * size(&conditional) / size(&guided) + 0.3;
        for (part, guided) in part.row_of(lane).iter().zip(guided.row_of(lane)) {
            assert!((part - share * guided).abs() < 1e-12, "{part} {guided}");
        }
    }
}

#[test]
fn what_is_no_guidance_and_what_does_not_fit_is_refused() {
    let none = || Conditions::default();
    assert!(matches!(Guidance::new(f64::NAN, none()), Err(GuidanceError::Weight(_))));
    let guidance = Guidance::new(2.0, none()).unwrap();
    assert!(matches!(guidance.clone().between(0.5, 0.4), Err(GuidanceError::Interval(..))));
    assert!(matches!(guidance.rescaled(1.5), Err(GuidanceError::Rescale(_))));
    let (x, mut out) = (states(), states());
    let refused = network(labels(&[0, 1])).forward(&mut out, &x, 0.5.into()).unwrap_err();
    assert!(matches!(&refused, FieldError::Shape { .. }), "{refused}");
    assert!(refused.to_string().contains("labels"), "{refused}");
    let one = network(labels(&[0]));
    assert!(matches!(one.forward(&mut out, &x, f64::NAN.into()), Err(FieldError::Domain { .. })));
    let times = Times::Each(&[0.1, 0.2]);
    assert!(matches!(one.forward(&mut out, &x, times), Err(FieldError::Shape { .. })));
    let flat = ArrayD::<f64>::zeros(vec![3, 4]);
    let refused = one.forward(&mut flat.clone(), &flat, 0.5.into());
    assert!(matches!(refused, Err(FieldError::Shape { .. })));
    // A network that makes something else than a state.
    let sums = TensorFn::new(DType::F64, Device::Cpu, |x: &Tensor, _: &Tensor, _: &Conditions| {
        x.sum_keepdim(1)
    });
    let sums = Conditioned::new(sums, [3], none()).unwrap();
    let refused = sums.forward(&mut out, &x, 0.5.into()).unwrap_err().to_string();
    assert!(refused.contains("[3, 1]"), "{refused}");
}

#[test]
fn a_network_of_halves_serves_states_of_any_precision() {
    let x = states();
    for (dtype, bound) in [(DType::F16, 2e-3), (DType::BF16, 2e-2), (DType::F32, 2e-7)] {
        let network = Conditioned::new(told(dtype), [3], labels(&[1])).unwrap();
        let found = at(&network, &x, 0.5.into());
        assert_close(&found, &expected(&x, [1.0; 3], [0.5; 3]), bound);
        let narrow = x.mapv(|x| x as f32);
        let mut out = narrow.clone();
        network.forward(&mut out, &narrow, 0.5.into()).unwrap();
        assert_close(&out.mapv(f64::from), &found, 1e-6);
    }
}

#[test]
fn arrays_tensors_and_tensors_with_a_graph_are_evaluated_alike() {
    let x = states();
    let guidance = Guidance::new(3.0, labels(&[4])).unwrap();
    let network = network(labels(&[0, 1, 2])).guided(guidance).unwrap();
    let of_array = at(&network, &x, 0.25.into());
    let tensor =
        Tensor::from_iter(x.iter().copied(), &Device::Cpu).unwrap().reshape((3, 3)).unwrap();
    let mut out = tensor.zeros_like().unwrap();
    network.forward(&mut out, &tensor, 0.25.into()).unwrap();
    let values = out.flatten_all().unwrap().to_vec1::<f64>().unwrap();
    assert_eq!(values, of_array.iter().copied().collect::<Vec<_>>());
    let mut tracked = TrackedTensor(tensor.zeros_like().unwrap());
    network.forward(&mut tracked, &TrackedTensor(tensor), 0.25.into()).unwrap();
    let values = tracked.0.flatten_all().unwrap().to_vec1::<f64>().unwrap();
    assert_eq!(values, of_array.iter().copied().collect::<Vec<_>>());
}

#[test]
fn products_from_the_left_are_those_of_differences() {
    let x = states();
    let guidance = Guidance::new(3.0, labels(&[4])).unwrap().rescaled(0.5).unwrap();
    let network = network(labels(&[0, 1, 2])).guided(guidance).unwrap();
    let c = array![[1.0, -2.0, 0.5], [0.25, 1.0, 1.0], [-1.0, 0.5, 2.0]].into_dyn();
    let given = |rows: Range<usize>, _: &ArrayD<f64>, out: &mut ArrayD<f64>| {
        out.assign(&c.slice_axis(ndarray::Axis(0), rows.into()));
        Ok(())
    };
    let (mut value, mut product) = (x.clone(), x.clone());
    let pull = Pullback::new(&mut value, &given, &mut product);
    network.pull_back(pull, &x, 0.25.into()).unwrap();
    assert_eq!(value, at(&network, &x, 0.25.into()));
    for lane in 0..3 {
        for i in 0..3 {
            let moved = |by: f64| {
                let mut x = x.clone();
                x[[lane, i]] += by;
                (at(&network, &x, 0.25.into()) * &c).sum()
            };
            let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!((slope - product[[lane, i]]).abs() < 1e-8, "{slope} {}", product[[lane, i]]);
        }
    }
}

#[test]
fn a_module_of_one_thread_serves_all_and_says_what_became_of_it() {
    let scaled = OneThread::start(DType::F64, Device::Cpu, || {
        let scale = std::rc::Rc::new(std::cell::Cell::new(2.0));
        Ok(move |x: &Tensor, t: &Tensor, _: &Conditions| {
            assert!(t.to_vec1::<f64>()?[0] >= 0.0, "no negative times");
            x.affine(scale.get(), 0.0)
        })
    });
    let network = Conditioned::new(scaled.unwrap(), [3], Conditions::default()).unwrap();
    let x = states();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(at(&network, &x, 0.5.into()), &x * 2.0));
        }
    });
    let mut out = x.clone();
    let refused = network.forward(&mut out, &x, (-1.0).into()).unwrap_err().to_string();
    assert!(refused.contains("panicked"), "{refused}");
    let failed = OneThread::start(DType::F32, Device::Cpu, || {
        if true {
            candle_core::bail!("no such file")
        }
        Ok(|x: &Tensor, _: &Tensor, _: &Conditions| Ok(x.clone()))
    });
    assert!(failed.unwrap_err().to_string().contains("no such file"));
}
