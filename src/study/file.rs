use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use driftfield_problems::catalog::{Catalog, Entry};
use driftfield_problems::echo::echo_path;
use driftfield_problems::spec::SpecError;
use driftfield_problems::user_file;
use serde::{Deserialize, Serialize};

use super::{StudyError, TableOptions};
use crate::distinct::distinct;
use crate::plot::{PictureStyle, Titles};

/// What a study asks for, as text: a TOML file, or the options of `driftfield study`.
///
/// ```toml
/// n = 1000            # lanes
/// seed = [0, 1, 2]
///
/// [usual]             # of every group that does not say otherwise
/// field = ["exact:mixture.json"]
/// process = ["vp", "rectified-flow"]
///
/// [[group]]
/// solver = ["heun", "every stochastic"]
/// nfe = [10, 20]
/// ```
///
/// A group is the product of its lists, minus what does not apply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct StudyFile {
    /// What the report is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Lanes of every run.
    pub n: usize,
    /// Seeds, each with its own noise and its own draw of the data.
    pub seed: Vec<u64>,
    /// How often every solve is made for its time, of which the table has the median; once if it
    /// does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat_timing: Option<usize>,
    /// Data to compare with, if not the field's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Metrics beside the usual ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metric: Vec<String>,
    /// Labels of the lanes of a network that knows labels, which take turns; by default all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub label: Vec<u32>,
    /// Start of the integration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub t_start: Option<f64>,
    /// End of the integration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub t_end: Option<f64>,
    /// What is drawn; by default what is [usual](Drawing::USUAL).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draw: Option<Vec<Drawing>>,
    /// Width of the pictures in pixels, of which 96 make an inch: 321 is a column of 8.5 cm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture_width: Option<u32>,
    /// Size of the letters in pictures in points; by default 10.5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub font_size: Option<f64>,
    /// Family of the letters in pictures that are SVG.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub font: Option<String>,
    /// Whether pictures have titles; by default none in a width that is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub titles: Option<Titles>,
    /// Columns, order and groups of the table on the terminal and in the report; by default the
    /// usual ones.
    #[serde(skip_serializing_if = "TableOptions::is_usual")]
    pub table: TableOptions,
    /// What fields and solvers are called in tables and pictures, by their texts.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
    /// What groups do not say themselves. Its budgets are those of groups without any.
    pub usual: Group,
    /// The groups, in the order of their rows; none is one that says nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub group: Vec<Group>,
}

/// Kinds of pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Drawing {
    /// Samples over the data.
    Samples,
    /// Trajectories, and reconstructions of images.
    Trajectories,
    /// Errors over evaluations and time.
    Curves,
    /// The lanes that end farthest from the true solution, under every solver and beside it. The
    /// solves are made once more.
    Lanes,
    /// The distance to the true solution after every step. The solves are made once more.
    ErrorAlong,
    /// The floors over the number of samples, which are measured of the first lanes as well.
    Floors,
}

impl Drawing {
    /// What is drawn unless it is said: what takes few solves beside those of the rows.
    pub const USUAL: [Drawing; 3] = [Drawing::Samples, Drawing::Trajectories, Drawing::Curves];

    /// What study files and the command line call it.
    pub fn name(self) -> &'static str {
        match self {
            Drawing::Samples => "samples",
            Drawing::Trajectories => "trajectories",
            Drawing::Curves => "curves",
            Drawing::Lanes => "lanes",
            Drawing::ErrorAlong => "error-along",
            Drawing::Floors => "floors",
        }
    }

    /// Every kind, by name.
    pub fn catalog() -> Catalog<Drawing> {
        let entry = |drawing: Drawing, summary: &'static str| {
            Entry::new(drawing.name(), summary, move |_| Ok(drawing))
        };
        let entries = [
            entry(Drawing::Samples, "samples over the data, or images under each solver"),
            entry(Drawing::Trajectories, "from noise to data and back; reconstructions of images"),
            entry(Drawing::Curves, "errors over evaluations and over time"),
            entry(
                Drawing::Lanes,
                "the lanes that end farthest from the true solution; solves are made once more",
            ),
            entry(
                Drawing::ErrorAlong,
                "distance to the true solution after every step; solves are made once more",
            ),
            entry(Drawing::Floors, "floors over the number of samples, measured with the rows"),
        ];
        Catalog::new("kind of pictures", entries)
    }
}

impl FromStr for Drawing {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        Drawing::catalog().build(text)
    }
}

/// A group of rows: the product of its lists.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Group {
    /// What `sample --field` takes: `exact` and `trained` for the cat, or others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<Vec<String>>,
    /// Processes; `every` for all of the catalogue. A network knows its own, if none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<Vec<String>>,
    /// Solvers; `every`, `every deterministic`, `every adaptive stochastic` for all of a kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub solver: Option<Vec<String>>,
    /// Budgets of evaluations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nfe: Option<Vec<u64>>,
    /// Budgets of steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<usize>>,
    /// Tolerances of adaptive steps, absolute and relative alike.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<Vec<f64>>,
    /// Most evaluations of adaptive steps: a solve that would take more ends before, and its row says
    /// so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_nfe: Option<u64>,
    /// Spacings of fixed grids; `default` for the process's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spacing: Option<Vec<String>>,
    /// Noise levels of solvers of the reverse SDE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise_level: Option<Vec<f64>>,
    /// Weights of classifier-free guidance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guidance: Option<Vec<f64>>,
}

/// Most that a study file may hold.
const MOST_BYTES: u64 = 1 << 20;

/// The studies that come with the program, by name.
const PRESETS: [(&str, &str); 6] = [
    ("cat", include_str!("../../studies/cat.toml")),
    ("cat-quick", include_str!("../../studies/cat-quick.toml")),
    ("cat-full", include_str!("../../studies/cat-full.toml")),
    ("digits", include_str!("../../studies/digits.toml")),
    ("digits-quick", include_str!("../../studies/digits-quick.toml")),
    ("digits-full", include_str!("../../studies/digits-full.toml")),
];

impl StudyFile {
    /// Reads the text of a study file.
    pub fn parse(text: &str) -> Result<Self, StudyError> {
        let refused = |problem: String| StudyError::File { problem };
        let file: StudyFile = toml::from_str(text).map_err(|error| refused(error.to_string()))?;
        file.check()?;
        Ok(file)
    }

    /// Reads a study file.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, StudyError> {
        let path = path.as_ref();
        let unreadable =
            |problem: String| StudyError::Unreadable { path: echo_path(path), problem };
        let bytes =
            user_file::read(path, MOST_BYTES).map_err(|error| unreadable(error.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|error| unreadable(error.to_string()))?;
        Self::parse(&text).map_err(|error| unreadable(error.to_string()))
    }

    /// The texts of the studies that come with the program, by name. What each is stands in its first
    /// line.
    pub fn presets() -> Catalog<&'static str> {
        let entry = |(name, text): (&'static str, &'static str)| {
            let summary = text.lines().next().unwrap_or_default().trim_start_matches("# ");
            Entry::new(name, summary, move |_| Ok(text))
        };
        Catalog::new("study", PRESETS.map(entry)).forms("FILE.toml")
    }

    /// A study that comes with the program: `cat`, `cat-quick`, `cat-full`, `digits`, ...
    pub fn preset(name: &str) -> Result<Self, StudyError> {
        Self::parse(Self::presets().build(name)?)
    }

    /// The study of a file, or, where there is none, the one of that name that comes with the program.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StudyError> {
        let path = path.as_ref();
        match Self::preset_named(path) {
            Some(name) => Self::preset(name),
            None => Self::read(path),
        }
    }

    /// The name that stands where a file may: a word that is no file.
    pub(crate) fn preset_named(path: &Path) -> Option<&str> {
        let is_word = path.extension().is_none() && path.components().count() == 1;
        path.to_str().filter(|_| is_word && !path.exists())
    }

    /// The file as text.
    pub fn to_text(&self) -> String {
        // Texts, numbers and lists of them are always written.
        toml::to_string(self).unwrap_or_default()
    }

    /// Refuses empty lists, and numbers that no solver, metric or picture could do with: all that can
    /// be refused without a name.
    pub(super) fn check(&self) -> Result<(), StudyError> {
        let groups = self.group.iter().chain([&self.usual]);
        match self.problem().or_else(|| groups.into_iter().find_map(Group::problem)) {
            Some(problem) => Err(StudyError::File { problem }),
            None => Ok(()),
        }
    }

    /// What is wrong with what is of no group.
    fn problem(&self) -> Option<String> {
        let missing = [("n", self.n == 0), ("seed", self.seed.is_empty())];
        if let Some((key, _)) = missing.into_iter().find(|(_, missing)| *missing) {
            return Some(format!("`{key}` is missing or empty"));
        }
        if self.n == 1 {
            let problem = "distances of one sample cannot be measured; ask for two or more";
            return Some(problem.to_owned());
        }
        if self.repeat_timing == Some(0) {
            return Some("`repeat-timing` is 0; a solve is made once at least".to_owned());
        }
        self.picture_style().check().err().map(|error| error.to_string())
    }

    /// Texts in which files may be named.
    pub(crate) fn naming_files(&self) -> Vec<String> {
        let groups = self.groups().into_iter();
        let lists = groups.flat_map(|group| [group.field, group.process, group.spacing]);
        lists.flatten().flatten().chain(self.data.clone()).collect()
    }

    /// Width, letters and titles of the pictures.
    pub fn picture_style(&self) -> PictureStyle {
        PictureStyle {
            width: self.picture_width,
            font_size: self.font_size,
            font: self.font.clone(),
            titles: self.titles,
        }
    }

    /// The same with pictures in another style.
    #[must_use]
    pub fn in_style(self, style: PictureStyle) -> Self {
        let PictureStyle { width, font_size, font, titles } = style;
        StudyFile { picture_width: width, font_size, font, titles, ..self }
    }

    /// What rows depend on: all but the title, the table and the pictures.
    pub(super) fn of_rows(&self) -> StudyFile {
        StudyFile { title: None, draw: None, table: TableOptions::default(), ..self.clone() }
            .in_style(PictureStyle::default())
    }

    /// The groups with all that they do not say themselves.
    pub fn groups(&self) -> Vec<Group> {
        let whole = [Group::default()];
        let groups = if self.group.is_empty() { &whole[..] } else { &self.group };
        groups.iter().map(|group| group.clone().or(&self.usual)).collect()
    }

    /// Of each group whether its budgets are the usual ones.
    pub(super) fn usual_budgets(&self) -> Vec<bool> {
        match &self.group[..] {
            [] => vec![true],
            groups => groups.iter().map(|group| !group.has_budget()).collect(),
        }
    }

    /// The same study asked for otherwise: lists of `asked` take the place of those of every group.
    /// Solvers or budgets make one group of all, with the solvers of every group or the usual
    /// budgets where the other is not asked for.
    #[must_use]
    pub fn with(mut self, asked: Group) -> Self {
        if asked.solver.is_some() || asked.has_budget() {
            let mut one = Group { solver: asked.solver.clone(), ..Group::default() };
            if one.solver.is_none() {
                let solvers = self.groups().into_iter().filter_map(|group| group.solver);
                one.solver = Some(distinct(solvers.flatten()));
            }
            self.group = vec![one];
        }
        for group in &mut self.group {
            *group = asked.clone().or(group);
        }
        self.usual = asked.or(&self.usual);
        self
    }
}

impl Group {
    /// What is wrong with its lists, whatever they are of.
    fn problem(&self) -> Option<String> {
        let empty = [
            ("field", self.field.as_ref().map(Vec::len)),
            ("process", self.process.as_ref().map(Vec::len)),
            ("solver", self.solver.as_ref().map(Vec::len)),
            ("nfe", self.nfe.as_ref().map(Vec::len)),
            ("steps", self.steps.as_ref().map(Vec::len)),
            ("tolerance", self.tolerance.as_ref().map(Vec::len)),
            ("spacing", self.spacing.as_ref().map(Vec::len)),
            ("noise-level", self.noise_level.as_ref().map(Vec::len)),
            ("guidance", self.guidance.as_ref().map(Vec::len)),
        ];
        if let Some((key, _)) = empty.into_iter().find(|(_, len)| *len == Some(0)) {
            return Some(format!("`{key}` is an empty list; leave it out for what is usual"));
        }
        if self.max_nfe == Some(0) {
            return Some("`max-nfe` is 0; a solve takes one evaluation at least".to_owned());
        }
        let bad = |tolerance: &&f64| !(tolerance.is_finite() && **tolerance > 0.0);
        let tolerance = self.tolerance.iter().flatten().find(bad)?;
        Some(format!("{tolerance} is no tolerance; it is positive and finite, such as 1e-4"))
    }

    fn has_budget(&self) -> bool {
        self.nfe.is_some() || self.steps.is_some() || self.tolerance.is_some()
    }

    /// What this group says, and for the rest what `usual` says. Budgets are one thing: a group with
    /// any has no usual ones.
    fn or(self, usual: &Group) -> Group {
        let usual = usual.clone();
        let budget = !self.has_budget();
        Group {
            field: self.field.or(usual.field),
            process: self.process.or(usual.process),
            solver: self.solver.or(usual.solver),
            nfe: self.nfe.or(usual.nfe.filter(|_| budget)),
            steps: self.steps.or(usual.steps.filter(|_| budget)),
            tolerance: self.tolerance.or(usual.tolerance.filter(|_| budget)),
            max_nfe: self.max_nfe.or(usual.max_nfe),
            spacing: self.spacing.or(usual.spacing),
            noise_level: self.noise_level.or(usual.noise_level),
            guidance: self.guidance.or(usual.guidance),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(words: &[&str]) -> Option<Vec<String>> {
        Some(words.iter().map(|&word| word.to_owned()).collect())
    }

    #[test]
    fn shipped_studies_are_read_and_written() {
        for (name, _) in PRESETS {
            let file = StudyFile::preset(name).unwrap();
            assert_eq!(StudyFile::parse(&file.to_text()).unwrap(), file, "{name}");
            assert!(file.groups().iter().all(|group| group.solver.is_some() && group.has_budget()));
        }
        assert!(StudyFile::preset("dog").is_err());
    }

    #[test]
    fn kinds_of_pictures_are_called_alike_in_files_and_on_the_command_line() {
        for drawing in Drawing::catalog().defaults() {
            let text = format!("n = 3\nseed = [0]\ndraw = [\"{}\"]", drawing.name());
            assert_eq!(StudyFile::parse(&text).unwrap().draw, Some(vec![drawing]));
        }
        assert_eq!(Drawing::catalog().defaults().count(), Drawing::Floors as usize + 1);
    }

    #[test]
    fn what_is_no_study_is_refused_with_its_place() {
        for (text, word) in [
            ("n = 3\nseed = [0]\nsovler = []", "sovler"),
            ("n = 3\nseed = [0]\n[[group]]\nstep = [3]", "step"),
            ("n = 3\nseed = [0]\n[[group]]\nsteps = [-3]", "steps"),
            ("seed = [0]", "`n`"),
            ("n = 3", "`seed`"),
            ("n = 3\nseed = [0]\npicture-width = 100", "240 to 6000"),
            ("n = 3\nseed = [0]\nfont-size = 2", "4 to 40 points"),
            ("n = 3\nseed = [0]\nfont-size = nan", "4 to 40 points"),
            ("n = 3\nseed = [0]\nfont = \"<b>\"", "name of a family"),
            ("n = 3\nseed = [0]\ntitles = \"no\"", "`words` or `none`"),
            ("n = 3\nseed = [0]\n[table]\ncolumn = []", "column"),
            ("n = ", "line 1"),
        ] {
            let error = StudyFile::parse(text).unwrap_err().to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn what_no_solver_could_do_with_is_refused_by_its_key() {
        for (text, words) in [
            ("n = 3\nseed = [0]\n[[group]]\nprocess = []", "`process` is an empty list"),
            ("n = 3\nseed = [0]\n[usual]\nguidance = []", "`guidance` is an empty list"),
            ("n = 3\nseed = [0]\n[[group]]\ntolerance = [1e-3, -1.0]", "-1 is no tolerance"),
            ("n = 3\nseed = [0]\n[[group]]\ntolerance = [nan]", "NaN is no tolerance"),
            ("n = 3\nseed = [0]\n[usual]\nmax-nfe = 0", "`max-nfe` is 0"),
            ("n = 1\nseed = [0]", "one sample"),
            ("n = 3\nseed = [0]\nrepeat-timing = 0", "`repeat-timing` is 0"),
        ] {
            let error = StudyFile::parse(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_shown_is_no_part_of_what_rows_depend_on() {
        let file = |rest: &str| StudyFile::parse(&format!("n = 3\nseed = [0]\n{rest}")).unwrap();
        let shown = file(
            "title = \"x\"\npicture-width = 320\nfont-size = 8\nfont = \"Lato\"\ntitles = \"words\"\n[table]\nsort = [\"nfe\"]",
        );
        assert_eq!(shown.table.sort, ["nfe"]);
        assert_eq!(StudyFile::parse(&shown.to_text()).unwrap(), shown);
        assert_eq!(shown.of_rows(), file("").of_rows());
        assert_ne!(shown.of_rows(), file("[usual]\nnfe = [5]").of_rows());
        // Floors of fewer samples are measured beside rows that are there.
        assert_eq!(file("draw = [\"floors\"]").of_rows(), file("").of_rows());
    }

    #[test]
    fn groups_take_what_is_usual_but_have_budgets_of_their_own() {
        let file = StudyFile::parse(
            "n = 3\nseed = [0]\n[usual]\nprocess = [\"vp\"]\nsteps = [5]\n\
             [[group]]\nsolver = [\"heun\"]\n[[group]]\nsolver = [\"rk4\"]\nnfe = [8]",
        )
        .unwrap();
        let groups = file.groups();
        assert_eq!((&groups[0].steps, &groups[0].nfe), (&Some(vec![5]), &None));
        assert_eq!((&groups[1].steps, &groups[1].nfe), (&None, &Some(vec![8])));
        assert_eq!(groups[1].process, list(&["vp"]));
        // Another process for all, and nothing else.
        let asked = Group { process: list(&["ve"]), ..Group::default() };
        let other = file.clone().with(asked).groups();
        assert!(other.iter().all(|group| group.process == list(&["ve"])));
        assert_eq!(other[1].nfe, Some(vec![8]));
        // Budgets for all solvers there are, and solvers with the usual budgets.
        let asked = Group { nfe: Some(vec![10]), ..Group::default() };
        let other = file.clone().with(asked).groups();
        assert_eq!(other.len(), 1);
        assert_eq!((&other[0].solver, &other[0].steps), (&list(&["heun", "rk4"]), &None));
        let asked = Group { solver: list(&["ddim"]), ..Group::default() };
        let other = file.with(asked).groups();
        assert_eq!((&other[0].solver, &other[0].steps), (&list(&["ddim"]), &Some(vec![5])));
        assert_eq!(other[0].nfe, None);
    }
}
