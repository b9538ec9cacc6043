use super::*;
use crate::process::{self, Edm, RectifiedFlow, SharedPath, parse};

const fn timesteps(rule: TimestepRule, drop: usize) -> Spacing {
    Spacing::Timesteps(Timesteps { rule, drop })
}

/// Other parameters than those of the catalogue.
const VARIED: [Spacing; 4] = [
    Spacing::PolyExponential { rho: 1.5 },
    timesteps(TimestepRule::Leading { offset: 1 }, 1),
    timesteps(TimestepRule::Linspace { whole: true }, 1),
    timesteps(TimestepRule::Linspace { whole: false }, 0),
];

/// Every spacing with `steps` steps on `path`, with its ends there.
fn all(path: &SharedPath, steps: usize) -> Vec<(Spacing, f64, f64)> {
    let (start, end) = (path.start_with_finite_log_snr(), path.default_span().1);
    let list = Spacing::Uniform.times(path, start, end, steps).unwrap();
    let explicit = Spacing::explicit(list).unwrap();
    let placed = |spacing: Spacing| match spacing {
        Spacing::Timesteps(_) if path.timesteps().is_none_or(|there| steps + 1 >= there) => None,
        Spacing::Timesteps(_) => {
            let times = spacing.own_times(path, steps).unwrap().unwrap();
            Some((spacing, times[0], times[steps]))
        }
        _ => Some((spacing, start, end)),
    };
    catalog().defaults().chain(VARIED).chain([explicit]).filter_map(placed).collect()
}

#[test]
fn every_spacing_on_every_path_in_both_directions() {
    for path in process::catalog().defaults() {
        for steps in [1, 2, 7, 333, 1000] {
            for (spacing, start, end) in all(&path, steps) {
                let text = spacing.to_string();
                let down = spacing.times(&path, start, end, steps).unwrap();
                let parsed: Spacing = text.parse().unwrap();
                assert_eq!(parsed.to_string(), text);
                assert_eq!(parsed.times(&path, start, end, steps).as_ref(), Ok(&down));
                let up = spacing.times(&path, end, start, steps).unwrap();
                assert_eq!((down.len(), down[0], down[steps]), (steps + 1, start, end));
                assert!(down.is_sorted_by(|t, next| t > next), "{text}");
                for (down, up) in down.iter().zip(up.iter().rev()) {
                    assert!((down / up - 1.0).abs() < 1e-10, "{spacing} {down} {up}");
                }
            }
        }
    }
}

/// What the catalogue cannot build without parameters is to be among those that are [`VARIED`].
#[test]
fn every_name_is_tried_here() {
    let path = parse("ddpm").unwrap();
    let tried: Vec<String> =
        all(&path, 7).iter().map(|(spacing, ..)| spacing.to_string()).collect();
    for name in catalog().names().chain(["times"]) {
        assert!(tried.iter().any(|text| text.split(':').next() == Some(name)), "{name}");
    }
}

#[test]
fn rules_are_uniform_in_what_they_say() {
    for path in ["vp", "edm", "brownian-bridge"].map(|name| parse(name).unwrap()) {
        let (start, end) = (path.start_with_finite_log_snr(), path.default_span().1);
        let ratio = |t: f64| path.sigma(t) / path.alpha(t);
        // From 0 at the data to 1 at the noise.
        let depth = |t: f64| (ratio(t) / ratio(end)).ln() / (ratio(start) / ratio(end)).ln();
        type Scale<'a> = Box<dyn Fn(f64) -> f64 + 'a>;
        let scales: [(Spacing, Scale); 8] = [
            (Spacing::Uniform, Box::new(|t| t)),
            (Spacing::Quadratic, Box::new(f64::sqrt)),
            (Spacing::LogSnr, Box::new(|t| path.log_snr(t))),
            (Spacing::Karras { rho: 3.0 }, Box::new(|t| ratio(t).powf(1.0 / 3.0))),
            (Spacing::Exponential, Box::new(|t| ratio(t).ln())),
            (Spacing::PolyExponential { rho: 2.0 }, Box::new(|t| depth(t).abs().sqrt())),
            (Spacing::Cosine, Box::new(|t| ratio(t).atan())),
            // u / (1 - u) = ratio / s.
            (Spacing::FlowShift { shift: 3.0 }, Box::new(|t| ratio(t) / (3.0 + ratio(t)))),
        ];
        for (spacing, scale) in scales {
            let times = spacing.times(&path, start, end, 10).unwrap();
            let step = (scale(end) - scale(start)) / 10.0;
            for pair in times.windows(2) {
                let found = scale(pair[1]) - scale(pair[0]);
                assert!((found / step - 1.0).abs() < 1e-7, "{spacing}: {found} {step}");
            }
        }
    }
}

#[test]
fn special_cases_coincide() {
    let flow = |spacing: Spacing| spacing.times(&RectifiedFlow, 1.0, 0.0, 9).unwrap();
    // On the rectified flow the shift acts on t, ends of infinite log-SNR included.
    for (i, t) in flow(Spacing::FlowShift { shift: 3.0 }).into_iter().enumerate() {
        let u = 1.0 - i as f64 / 9.0;
        assert!((t - 3.0 * u / (1.0 + 2.0 * u)).abs() < 1e-14, "{i}: {t}");
    }
    for (shifted, t) in flow(Spacing::FlowShift { shift: 1.0 }).iter().zip(flow(Spacing::Uniform)) {
        assert!((shifted - t).abs() < 1e-15);
    }
    // The cosine schedule without offset at uniform times.
    let cosine = parse("vp-cosine:s=0").unwrap();
    let times = Spacing::Cosine.times(&cosine, 1.0, 0.0, 8).unwrap();
    assert!(times.iter().zip((0..=8).rev()).all(|(t, i)| (t - f64::from(i) / 8.0).abs() < 1e-14));
    let edm = |spacing: Spacing| spacing.times(&Edm, 80.0, 0.002, 20).unwrap();
    let pairs =
        edm(Spacing::PolyExponential { rho: 1.0 }).into_iter().zip(edm(Spacing::Exponential));
    pairs.for_each(|(a, b)| assert!((a / b - 1.0).abs() < 1e-12));
}

#[test]
fn timesteps_are_those_of_diffusers() {
    let path = parse("ddpm").unwrap();
    let found = |text: &str, steps| -> Vec<f64> {
        let times = text.parse::<Spacing>().unwrap().own_times(&path, steps).unwrap().unwrap();
        times.iter().map(|t| (t * 1000.0 - 1.0 + 1e-9).floor()).collect()
    };
    // DDIMScheduler, five inference steps.
    assert_eq!(found("leading", 4), [800.0, 600.0, 400.0, 200.0, 0.0]);
    assert_eq!(found("leading:offset=1", 4), [801.0, 601.0, 401.0, 201.0, 1.0]);
    assert_eq!(found("linspace", 4), [999.0, 749.0, 500.0, 250.0, 0.0]);
    assert_eq!(found("trailing", 4), [999.0, 799.0, 599.0, 399.0, 199.0]);
    // DPMSolverMultistepScheduler, five inference steps to sigma_min and to 0.
    assert_eq!(found("linspace", 5), [999.0, 799.0, 599.0, 400.0, 200.0, 0.0]);
    assert_eq!(found("linspace:drop=1", 4), [999.0, 799.0, 599.0, 400.0, 200.0]);
    assert_eq!(found("leading:drop=1", 4), [830.0, 664.0, 498.0, 332.0, 166.0]);
    let exact = "linspace:round=false".parse::<Spacing>().unwrap();
    let times = exact.own_times(&path, 4).unwrap().unwrap();
    assert!((times[1] * 1000.0 - 750.25).abs() < 1e-10);
}

#[test]
fn refusals_say_what_to_try() {
    let times = |spacing: Spacing, start, end, n| spacing.times(&RectifiedFlow, start, end, n);
    let error = times(Spacing::LogSnr, 1.0, 1e-3, 5).unwrap_err();
    assert!(error.to_string().contains("nearest usable time is 0.999"), "{error}");
    let error = times(Spacing::KARRAS, 0.9, 0.0, 5).unwrap_err();
    assert!(error.to_string().contains("nearest usable time is 0.001"), "{error}");
    assert!(times(Spacing::Uniform, 1.0, 0.0, 5).is_ok());
    assert!(times(Spacing::Uniform, 1.5, 0.0, 5).is_err());
    assert!(times(Spacing::Uniform, 1.0, 0.0, 0).is_err());
    assert!(times(Spacing::Uniform, 0.5, 0.5, 3).is_err());
    let next = 0.5f64.next_up();
    assert!(matches!(times(Spacing::Uniform, 0.5, next, 3), Err(SpacingError::TooFine { .. })));
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        for spacing in [
            Spacing::Karras { rho: bad },
            Spacing::PolyExponential { rho: bad },
            Spacing::FlowShift { shift: bad },
        ] {
            let refused = times(spacing, 0.9, 0.1, 3);
            assert!(matches!(refused, Err(SpacingError::Parameter { .. })), "{refused:?}");
        }
    }
    // No rho that is allowed overflows.
    let tiny = times(Spacing::Karras { rho: 1e-3 }, 0.9, 0.1, 3);
    assert!(tiny.unwrap().iter().all(|t| t.is_finite()));
    for text in [
        "karras:rho=0",
        "karras:rho=-7",
        "karras:r=7",
        "uniform:rho=7",
        "cosine:s=1",
        "polyexponential:rho=0",
        "flow-shift:shift=0",
        "leading:offset=-1",
        "linspace:round=maybe",
        "trailing:offset=1",
        "times",
        "times:",
        "times:1",
        "times:1/x",
        "times:1/0.5/0.5",
        "times:1/0.5/0.7",
        "times:absent.npy",
        "",
    ] {
        assert!(text.parse::<Spacing>().is_err(), "{text}");
    }
}

#[test]
fn lists_and_timesteps_keep_to_their_ends() {
    let list = Spacing::explicit([0.9, 0.4, 0.1]).unwrap();
    let flow = RectifiedFlow;
    assert_eq!(list.times(&flow, 0.9, 0.1, 2).unwrap(), [0.9, 0.4, 0.1]);
    assert_eq!(list.times(&flow, 0.1, 0.9, 2).unwrap(), [0.1, 0.4, 0.9]);
    assert!(matches!(list.times(&flow, 0.9, 0.2, 2), Err(SpacingError::OwnEnds { .. })));
    assert!(matches!(list.times(&flow, 0.9, 0.1, 3), Err(SpacingError::Length { .. })));
    for (bad, at) in
        [(vec![0.9, 0.9, 0.1], 1), (vec![f64::NAN, 0.5, 0.1], 0), (vec![1.0, 0.5, 0.7], 2)]
    {
        let refused = Spacing::explicit(bad);
        assert!(matches!(refused, Err(SpacingError::Order { index, .. }) if index == at));
    }
    assert!(matches!(Spacing::explicit([0.5]), Err(SpacingError::Empty { .. })));
    let leading = timesteps(TimestepRule::Leading { offset: 0 }, 0);
    assert!(matches!(leading.own_times(&flow, 4), Err(SpacingError::NoTimesteps { .. })));
    let ddpm = parse("ddpm:timesteps=10").unwrap();
    assert_eq!(leading.own_times(&ddpm, 9).unwrap().unwrap()[0], 1.0);
    for (text, steps) in [("leading", 10), ("leading:offset=6", 1), ("trailing:drop=9", 1)] {
        let refused = text.parse::<Spacing>().unwrap().own_times(&ddpm, steps);
        assert!(matches!(refused, Err(SpacingError::TooManyTimesteps { .. })), "{text}");
    }
    assert!(leading.own_times(&ddpm, usize::MAX).is_err());
}
