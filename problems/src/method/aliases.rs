//! What other libraries call the methods that are here. Which method of theirs is which of ours,
//! the tests against their numbers say (docs/references.md).

use crate::catalog::Alias;

const K_DIFFUSION: &str = "k-diffusion";
const WEB_UI: &str = "Stable Diffusion web UI";
const DIFFUSERS: &str = "diffusers";

const DPMPP_2M: &str = "dpm-solver++2m:lower_order_final=false";
const DPMPP_2M_SDE: &str = "sde-dpm-solver++2m:lower_order_final=false";
const DPMPP_2M_SDE_HEUN: &str = "sde-dpm-solver++2m:type=heun,lower_order_final=false";
const DPMPP_3M_SDE: &str = "sde-dpm-solver++3m:type=heun,form=reference,lower_order_final=false";

/// Our own step control, where theirs is another.
const OWN_CONTROL: &str = "under the step control here, with --abstol and --reltol";
const WITHOUT_PRK: &str = "with skip_prk_steps=True";
const OWN_ORDERS: &str = "with --nfe, the orders are those of the paper";

/// Functions `sample_..` of k-diffusion and their names without that, which ComfyUI has as well.
/// Of those that are names of ours, only the long ones: `euler` and `heun` are methods in t.
const FUNCTIONS: [(&str, &str); 12] = [
    ("dpm_2", "dpm-2"),
    ("dpm_2_ancestral", "dpm-2-ancestral"),
    ("dpm_fast", "dpm-solver-3s"),
    ("dpm_adaptive", "dpm-solver-23"),
    ("dpmpp_2m", DPMPP_2M),
    ("dpmpp_2m_sde", DPMPP_2M_SDE),
    ("dpmpp_2s_ancestral", "dpm-solver++2s-ancestral"),
    ("dpmpp_3m_sde", DPMPP_3M_SDE),
    ("dpmpp_sde", "sde-dpm-solver++2s"),
    ("euler_a", "euler-ancestral"),
    ("euler_ancestral", "euler-ancestral"),
    ("lms", "lms"),
];

/// Labels of the web UI that may have `Karras` behind them.
const LABELS: [(&str, &str); 10] = [
    ("DPM++ 2M", DPMPP_2M),
    ("DPM++ 2M SDE", DPMPP_2M_SDE),
    ("DPM++ 2M SDE Heun", DPMPP_2M_SDE_HEUN),
    ("DPM++ 2S a", "dpm-solver++2s-ancestral"),
    ("DPM++ 3M SDE", DPMPP_3M_SDE),
    ("DPM++ SDE", "sde-dpm-solver++2s"),
    ("DPM2", "dpm-2"),
    ("DPM2 a", "dpm-2-ancestral"),
    ("Euler a", "euler-ancestral"),
    ("LMS", "lms"),
];

/// Classes of diffusers at their defaults, the last step of those that end at sigma = 0 being
/// `--denoise-final`.
const SCHEDULERS: [(&str, &str); 16] = [
    ("DDIMScheduler", "ddim"),
    ("DDPMScheduler", "ancestral"),
    // At order 2 its orders on few steps are these.
    ("DPMSolverMultistepScheduler", DPMPP_2M),
    ("DPMSolverSDEScheduler", "sde-dpm-solver++2s"),
    ("DPMSolverSinglestepScheduler", "dpm-solver++2s"),
    ("DEISMultistepScheduler", "dpm-solver-2m:type=taylor,few_steps=15"),
    ("EulerAncestralDiscreteScheduler", "euler-ancestral"),
    ("EulerDiscreteScheduler", "ddim"),
    ("FlowMatchEulerDiscreteScheduler", "euler"),
    ("FlowMatchHeunDiscreteScheduler", "heun"),
    ("HeunDiscreteScheduler", "edm-heun"),
    ("KDPM2AncestralDiscreteScheduler", "dpm-2-ancestral"),
    ("KDPM2DiscreteScheduler", "dpm-2"),
    ("LMSDiscreteScheduler", "lms"),
    ("PNDMScheduler", "ipndm:start=heun"),
    ("UniPCMultistepScheduler", "unipc-2:last_order=2"),
];

/// Methods of general solvers, by their classes or the words that choose them.
const GENERAL: [(&str, &str, &str); 21] = [
    ("RK45", "dopri5", "scipy"),
    ("RK23", "bs3", "scipy"),
    ("DOP853", "dop853", "scipy"),
    ("Euler", "euler", "DifferentialEquations.jl, diffrax"),
    ("Heun", "heun", "DifferentialEquations.jl, diffrax"),
    ("Midpoint", "midpoint", "DifferentialEquations.jl, diffrax"),
    ("Ralston", "ralston", "DifferentialEquations.jl, diffrax"),
    ("RK4", "rk4", "DifferentialEquations.jl"),
    ("BS3", "bs3", "DifferentialEquations.jl"),
    ("DP5", "dopri5", "DifferentialEquations.jl"),
    ("DP8", "dop853", "DifferentialEquations.jl"),
    ("Tsit5", "tsit5", "DifferentialEquations.jl, diffrax"),
    ("EM", "euler-maruyama", "DifferentialEquations.jl"),
    ("SRA1", "sra1", "DifferentialEquations.jl, diffrax"),
    ("SRIW1", "sriw1", "DifferentialEquations.jl"),
    ("Bosh3", "bs3", "diffrax, torchdiffeq"),
    ("Dopri5", "dopri5", "diffrax, torchdiffeq"),
    ("ShARK", "shark", "diffrax"),
    ("euler_maruyama", "euler-maruyama", "score_sde"),
    ("reverse_diffusion", "reverse-diffusion", "score_sde"),
    ("ancestral_sampling", "ancestral", "score_sde"),
];

/// Names that papers and programs have made known.
const PAPERS: [(&str, &str, &str); 5] = [
    ("DDIM", "ddim", "Song, Meng and Ermon"),
    ("DDPM", "ancestral", "Ho et al."),
    ("edm_sampler", "edm-heun", "Karras et al."),
    // Its start is the one without Runge-Kutta steps.
    ("PLMS", "ipndm:start=heun", WEB_UI),
    ("UniPC", "unipc-3:variant=bh1", WEB_UI),
];

/// Every other name of a method.
pub(super) fn aliases() -> Vec<Alias> {
    let labels = LABELS.map(|(name, ours)| Alias::new(name, ours, WEB_UI));
    let schedulers = SCHEDULERS.map(|(name, ours)| scheduler(name, ours));
    let general = GENERAL.map(|(name, ours, whose)| Alias::new(name, ours, whose));
    let papers = PAPERS.map(|(name, ours, whose)| Alias::new(name, ours, whose));
    let all = functions().into_iter().chain(labels).chain(spaced()).chain(schedulers);
    all.chain(general).chain(papers).collect()
}

/// With and without `sample_`, but for names of ours.
fn functions() -> Vec<Alias> {
    let function = |(name, ours): (&'static str, &'static str)| {
        let long = Alias::new(format!("sample_{name}"), ours, K_DIFFUSION);
        let short = (name != ours).then(|| Alias::new(name, ours, K_DIFFUSION));
        std::iter::once(long).chain(short).map(move |alias| match name {
            "dpm_fast" => alias.spacing("logsnr"),
            "dpm_adaptive" => alias.only(OWN_CONTROL),
            _ => alias,
        })
    };
    let in_sigma = [("sample_euler", "ddim"), ("sample_heun", "edm-heun")];
    let in_sigma = in_sigma.map(|(name, ours)| Alias::new(name, ours, K_DIFFUSION));
    FUNCTIONS.into_iter().flat_map(function).chain(in_sigma).collect()
}

/// Labels that say a spacing as well.
fn spaced() -> Vec<Alias> {
    let with = |(name, ours): (&str, &'static str), word: &str, spacing| {
        Alias::new(format!("{name} {word}"), ours, WEB_UI).spacing(spacing)
    };
    let karras = LABELS.into_iter().filter(|(name, _)| *name != "Euler a");
    let exponential = LABELS.into_iter().filter(|(name, _)| name.contains("M SDE"));
    let karras = karras.map(|label| with(label, "Karras", "karras"));
    karras.chain(exponential.map(|label| with(label, "Exponential", "exponential"))).collect()
}

fn scheduler(name: &'static str, ours: &'static str) -> Alias {
    let alias = Alias::new(name, ours, DIFFUSERS);
    match name {
        "PNDMScheduler" => alias.only(WITHOUT_PRK),
        "DPMSolverSinglestepScheduler" => alias.only(OWN_ORDERS),
        _ => alias,
    }
}

#[cfg(test)]
mod tests {
    use crate::method::catalog;
    use crate::method::says_noise::says_noise;

    /// As the library whose name it is has it.
    #[test]
    fn a_name_of_another_library_is_a_method_of_its_kind() {
        let catalog = catalog();
        for alias in catalog.other_names() {
            let solver = catalog.build(alias.name()).unwrap();
            assert_eq!(says_noise(alias.name()), solver.info().draws_noise, "{}", alias.name());
            assert_eq!(solver.label(), alias.ours(), "{}", alias.name());
        }
    }
}
