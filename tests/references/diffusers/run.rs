//! A run of a file, and its settings.

use driftfield_problems::spacing::Spacing;
use ndarray::ArrayD;
use serde_json::Value;

use crate::common::published::rows;

/// A run of a file.
pub struct Run<'a> {
    pub file: &'a Value,
    pub run: &'a Value,
}

impl Run<'_> {
    pub fn setting(&self, key: &str) -> &Value {
        &self.run["settings"][key]
    }
    pub fn text<'b>(&'b self, key: &str, default: &'b str) -> &'b str {
        self.setting(key).as_str().unwrap_or(default)
    }
    pub fn flag(&self, key: &str, default: bool) -> bool {
        self.setting(key).as_bool().unwrap_or(default)
    }
    /// Inference steps.
    pub fn n(&self) -> usize {
        self.setting("num_inference_steps").as_u64().unwrap() as usize
    }
    pub fn order(&self) -> usize {
        self.setting("solver_order").as_u64().unwrap() as usize
    }
    /// Whether the last step is one to sigma = 0, which DEIS does not know.
    pub fn to_zero(&self) -> bool {
        self.text("scheduler", "") != "DEISMultistepScheduler"
            && self.text("final_sigmas_type", "zero") == "zero"
    }
    pub fn sigmas(&self) -> Vec<f64> {
        self.run["sigmas"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
    }
    /// The recorded states, which only the shorter runs have.
    pub fn recorded(&self) -> Option<Vec<ArrayD<f64>>> {
        self.run["states"].as_array().map(|states| states.iter().map(rows).collect())
    }
    /// The recorded normals, one array a draw.
    pub fn normals(&self) -> impl Iterator<Item = ArrayD<f64>> {
        self.file["noise"].as_array().unwrap().iter().map(rows)
    }
    pub fn initial(&self) -> ArrayD<f64> {
        rows(&self.file["initial"])
    }

    /// The spacing of schedulers that leave out the last timestep for sigma = 0, or end there.
    pub fn spacing(&self) -> Spacing {
        if self.flag("use_karras_sigmas", false) {
            return Spacing::KARRAS;
        }
        if self.flag("use_lu_lambdas", false) {
            return Spacing::LogSnr;
        }
        let rule = self.text("timestep_spacing", "linspace");
        let drop = usize::from(self.to_zero() && rule != "trailing");
        format!("{rule}:drop={drop}").parse().unwrap()
    }
}
