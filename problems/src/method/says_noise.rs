//! What the name of a method says of its noise: who types it wrong is not offered one of the other
//! kind.

/// Words that say that a method draws noise, as parts of a name.
const NOISY: [&str; 12] = [
    "sde",
    "ancestral",
    "maruyama",
    "langevin",
    "stochastic",
    "milstein",
    "diffusion",
    "ddpm",
    "weak",
    "sra",
    "sri",
    "shark",
];
/// The same as whole words.
const NOISY_WORDS: [&str; 3] = ["a", "em", "pc"];
/// Letters from which on a word is known with two of them wrong.
const LONG: usize = 6;

/// Whether a name says, rightly spelt or almost, that the method draws noise.
pub(super) fn says_noise(name: &str) -> bool {
    let name = name.to_lowercase();
    let words = || name.split(|letter: char| !letter.is_alphanumeric());
    words()
        .any(|word| NOISY_WORDS.contains(&word) || NOISY.iter().any(|noisy| is_like(word, noisy)))
}

/// Whether a word has another one in it, has its letters in another order, or is, if it is long,
/// that one but for two letters.
fn is_like(word: &str, noisy: &str) -> bool {
    let sorted = |word: &str| {
        let mut letters: Vec<char> = word.chars().collect();
        letters.sort_unstable();
        letters
    };
    let wrong = || strsim::osa_distance(word, noisy);
    word.contains(noisy)
        || sorted(word) == sorted(noisy)
        || (noisy.len() >= LONG && word.len() <= 2 * noisy.len() && wrong() <= 2)
}

#[cfg(test)]
mod tests {
    use driftfield_solvers::method::Kind;

    use super::*;
    use crate::method::catalog;

    /// By the name, without which an unknown one could be taken for a method of the other kind.
    #[test]
    fn a_name_says_whether_the_method_draws_noise() {
        let catalog = catalog();
        for entry in catalog.entries() {
            let info = catalog.build(entry.name()).unwrap().info();
            let noisy = info.draws_noise || matches!(info.kind, Kind::Stochastic | Kind::Langevin);
            assert_eq!(says_noise(entry.name()), noisy, "{}", entry.name());
        }
    }

    #[test]
    fn typing_errors_are_taken_for_a_method_of_their_kind() {
        let catalog = catalog();
        for (typed, nearest) in [
            ("rk54", "RK45"),
            ("huen", "heun"),
            ("tsit", "tsit5"),
            ("dop583", "dop853"),
            ("dpmpp_2m_sdee", "dpmpp_2m_sde"),
            ("dpmpp_2m_sed", "dpmpp_2m_sde"),
            ("dpmpp_2mm", "dpmpp_2m"),
            ("dpmpp_sdee", "dpmpp_sde"),
            ("dpmpp2m", "dpmpp_2m"),
            ("euler_ancestrl", "euler-ancestral"),
            ("euler-maruyma", "euler-maruyama"),
            ("sample_dpmpp_2n", "sample_dpmpp_2m"),
            ("DPM++ 2M Karas", "DPM++ 2M Karras"),
            ("DPM++ 2M SDE Karas", "DPM++ 2M SDE Karras"),
            ("UniPCMultistepSchedular", "UniPCMultistepScheduler"),
            ("EulerAncestralScheduler", "EulerAncestralDiscreteScheduler"),
            ("ancestrl", "ancestral"),
            ("sra", "sra1"),
        ] {
            let error = catalog.build(typed).unwrap_err().to_string();
            let expected = format!("(did you mean `{nearest}`");
            assert!(error.contains(&expected), "{typed}: {}", &error[..120]);
        }
    }
}
