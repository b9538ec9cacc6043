use clap::Args;
use driftfield_problems::echo::echo;

use super::CommandError;
use crate::generate::model::Field;

/// What a file of someone else's network does not say.
#[derive(Args, Clone, Default)]
pub(super) struct ForeignArguments {
    /// Architecture of the tensors in a file of --field, `name` or `name:key=value` (`list
    /// architectures`), where their names do not say
    #[arg(long, value_name = "A")]
    architecture: Option<String>,
    /// What has to be known of the network of --field, as JSON: ours (docs/foreign-networks.md), or
    /// diffusers' config.json or scheduler_config.json
    #[arg(long, value_name = "FILE.json")]
    config: Option<String>,
    /// Shape of a lane of the network of --field, C,H,W or D, where the file does not say
    #[arg(long, value_name = "C,H,W", value_delimiter = ',')]
    shape: Vec<usize>,
    /// What the network of --field predicts: noise, data, velocity, v or score [default: what the
    /// file says, else noise]
    #[arg(long, value_name = "P")]
    prediction: Option<String>,
}

impl ForeignArguments {
    /// The field with what is said here among its keys.
    pub(super) fn field(&self, field: &str) -> Result<String, CommandError> {
        let keys = self.keys();
        if keys.is_empty() {
            return Ok(field.to_owned());
        }
        if !Field::is_file(field) {
            return Err(CommandError::usage(format!(
                "--architecture, --config, --shape and --prediction say what a file of someone \
                 else's network does not; `{}` is none",
                echo(field)
            )));
        }
        let mark = if Field::has_keys(field) { ',' } else { ':' };
        Ok(format!("{field}{mark}{}", keys.join(",")))
    }

    fn keys(&self) -> Vec<String> {
        let sizes: Vec<String> = self.shape.iter().map(usize::to_string).collect();
        let shape = Some(sizes.join("x")).filter(|sizes| !sizes.is_empty());
        // The keys of an architecture stand beside its name.
        let architecture =
            self.architecture.as_ref().map(|architecture| architecture.replacen(':', ",", 1));
        let said = [
            ("architecture", architecture),
            ("config", self.config.clone()),
            ("shape", shape),
            ("prediction", self.prediction.clone()),
        ];
        let key = |(key, value): (&str, Option<String>)| Some(format!("{key}={}", value?));
        said.into_iter().filter_map(key).collect()
    }
}
