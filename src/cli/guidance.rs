use clap::Args;

use crate::generate::{Condition, GenerateError, Interval};

/// What a network that knows labels is told of them, and how much they count.
#[derive(Args, Clone)]
pub(super) struct GuidanceArguments {
    /// Labels of the lanes, one for all or several that take turns: 3 or 0,1,2
    #[arg(long, value_delimiter = ',', allow_negative_numbers = true)]
    label: Vec<u32>,
    /// Weight W of classifier-free guidance, v_without + W (v_with - v_without); other than 0 and
    /// 1 it takes two network forwards per evaluation [default: 1]
    #[arg(long, allow_hyphen_values = true)]
    guidance: Option<f64>,
    /// Where guidance acts: between two times A,B of the process, or between two noise levels,
    /// sigma:A,B [default: everywhere]
    #[arg(long, value_name = "A,B", requires = "guidance", allow_hyphen_values = true)]
    guidance_interval: Option<Interval>,
    /// Share, 0 to 1, of what guidance adds to an output's size that is taken back
    #[arg(long, value_name = "PHI", requires = "guidance", allow_hyphen_values = true)]
    guidance_rescale: Option<f64>,
    /// Labels that guidance keeps away from, as --label [default: none, the network without labels]
    #[arg(long, value_delimiter = ',', requires = "guidance", allow_negative_numbers = true)]
    negative_label: Vec<u32>,
}

impl GuidanceArguments {
    /// The labels.
    pub(super) fn labels(&self) -> &[u32] {
        &self.label
    }

    /// Refuses, before anything is read, guidance away from nothing: what else than labels there is
    /// to keep away from is said behind the file or in its configuration.
    pub(super) fn check(&self, field: &str) -> Result<(), GenerateError> {
        match self.guidance {
            Some(_)
                if self.label.is_empty()
                    && !(field.contains("negative.") || field.contains("config=")) =>
            {
                Err(GenerateError::GuidanceWithoutLabel)
            }
            _ => Ok(()),
        }
    }

    /// All of it.
    pub(super) fn condition(&self) -> Condition {
        Condition {
            labels: self.label.clone(),
            guidance: self.guidance,
            negative: self.negative_label.clone(),
            interval: self.guidance_interval,
            rescale: self.guidance_rescale.unwrap_or(0.0),
        }
    }
}
