//! Names of other libraries in study files.

use driftfield_problems::catalog::{Catalog, Translated};
use driftfield_problems::{method, process, spacing};

use super::StudyFile;
use crate::distinct::distinct;

impl StudyFile {
    /// The file with names of ours in the place of other libraries', and what each of those is here.
    pub fn in_our_names(mut self) -> (Self, Vec<String>) {
        let mut told = Vec::new();
        let groups = self.group.iter_mut().chain([&mut self.usual]);
        for group in groups {
            let solvers = translate(&method::catalog(), &mut group.solver);
            for translated in &solvers {
                // What `names` calls it.
                if let Some(name) = self.names.remove(&translated.given()) {
                    self.names.insert(translated.text().to_owned(), name);
                }
            }
            told.extend(solvers.iter().map(said));
            told.extend(translate(&process::catalog(), &mut group.process).iter().map(said));
            told.extend(translate(&spacing::catalog(), &mut group.spacing).iter().map(said));
        }
        (self, distinct(told))
    }
}

fn translate<T>(catalog: &Catalog<T>, texts: &mut Option<Vec<String>>) -> Vec<Translated> {
    let mut all = Vec::new();
    for text in texts.iter_mut().flatten() {
        if let Some(translated) = catalog.translated(text) {
            translated.text().clone_into(text);
            all.push(translated);
        }
    }
    all
}

/// A group has one list of spacings for all of its solvers, so that what a name says of them is only
/// told.
fn said(translated: &Translated) -> String {
    match translated.alias().said_spacing() {
        Some(spacing) => {
            format!("{translated}, and --spacing {spacing} is what the name adds to it")
        }
        None => translated.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_other_libraries_become_ours() {
        let file = StudyFile::parse(
            "n = 3\nseed = [0]\n[names]\n\"dpmpp_2m\" = \"2M\"\n[usual]\nprocess = [\"flow\", \"vp\"]\n\
             [[group]]\nsolver = [\"dpmpp_2m\", \"heun\", \"RK45:x\", \"LMS Karras\"]\nsteps = [4]",
        );
        let (file, told) = file.unwrap().in_our_names();
        let ours = "dpm-solver++2m:lower_order_final=false";
        let list = |texts: &[&str]| Some(texts.iter().map(|&text| text.to_owned()).collect());
        assert_eq!(file.group[0].solver, list(&[ours, "heun", "RK45:x", "lms"]));
        assert_eq!(file.usual.process, list(&["rectified-flow", "vp"]));
        assert_eq!(file.names.get(ours).map(String::as_str), Some("2M"));
        assert_eq!(
            told,
            [
                format!("solver `dpmpp_2m` is `{ours}` here"),
                "solver `LMS Karras` is `lms` here, and --spacing karras is what the name adds to it"
                    .to_owned(),
                "process `flow` is `rectified-flow` here".to_owned(),
            ]
        );
        assert_eq!(file.clone().in_our_names(), (file, Vec::new()));
    }
}
