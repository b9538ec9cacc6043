//! The numbers by which studies are compared.

use driftfield_problems::spec::SpecError;

use super::Sides;
use crate::metrics::{Metric, NumberFormat, Shown};
use crate::study::paired::{SECONDS, SOLVER_ERROR};
use crate::study::rows::Summary;
use crate::study::{Row, StudyResult};

/// A number that is compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// Its name in JSON.
    pub name: String,
    /// What heads its columns.
    pub heading: String,
    pub(super) more_is_better: bool,
    format: Option<NumberFormat>,
}

/// Evaluations are in no summary of their own, having no spread.
const NFE: &str = "nfe";

pub(super) fn number_of(row: &Row, name: &str) -> Option<Summary> {
    if name == NFE { Some(Summary { mean: row.nfe, std: None }) } else { row.number(name) }
}

impl Compared {
    pub(super) fn all(
        a: &StudyResult,
        b: &StudyResult,
        names: &[String],
    ) -> Result<Vec<Self>, SpecError> {
        let mut metrics: Vec<&Metric> = Vec::new();
        for metric in a.cases.iter().chain(&b.cases).flat_map(|case| &case.metrics) {
            if !metrics.iter().any(|known| known.name == metric.name) {
                metrics.push(metric);
            }
        }
        let plain = |name: &str, heading: &str, format| Compared {
            name: name.to_owned(),
            heading: heading.to_owned(),
            more_is_better: false,
            format,
        };
        let mut known = vec![
            plain(SOLVER_ERROR, "solver error", Some(NumberFormat::Scientific)),
            plain(SECONDS, "time [s]", None),
            plain(NFE, "NFE", None),
        ];
        known.extend(metrics.iter().map(|metric| Compared {
            more_is_better: metric.more_is_better,
            ..plain(&metric.name, &metric.heading, Some(metric.format))
        }));
        if names.is_empty() {
            let shown = |number: &Compared| {
                let mut shown = metrics.iter().filter(|metric| metric.shown >= Shown::Tables);
                number.name == SOLVER_ERROR || shown.any(|metric| metric.name == number.name)
            };
            known.retain(shown);
            return Ok(known);
        }
        let named = |name: &String| {
            known.iter().find(|number| number.name == *name).cloned().ok_or_else(|| {
                let known = known.iter().map(|number| number.name.as_str());
                SpecError::unknown_name("number", name, known, "")
            })
        };
        names.iter().map(named).collect()
    }

    /// Whether it is a distance to data, as every metric may be.
    pub(super) fn needs_data(&self) -> bool {
        ![SOLVER_ERROR, SECONDS, NFE].contains(&self.name.as_str())
    }

    pub(super) fn text(&self, value: f64) -> String {
        match self.format {
            Some(format) => format.text(value),
            None => driftfield_solvers::number::rounded(value).to_string(),
        }
    }

    pub(super) fn summary_text(&self, side: Option<Summary>) -> String {
        side.map_or("-".to_owned(), |side| self.text(side.mean))
    }

    pub(super) fn difference_text(&self, sides: &Sides) -> String {
        let Some(found) = sides.difference else { return "-".to_owned() };
        let [low, high] = found.interval.map(|end| self.text(end));
        let star = if found.is_certain() { " *" } else { "" };
        format!("{} ({low} to {high}){star}", self.text(found.mean))
    }
}
