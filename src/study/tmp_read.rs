use super::{StudyError, StudyResult};
impl StudyResult {
    #[allow(missing_docs)]
    pub fn read(p: impl AsRef<std::path::Path>) -> Result<Self, StudyError> {
        Err(StudyError::Unreadable { path: p.as_ref().display().to_string(), problem: "x".into() })
    }
}
