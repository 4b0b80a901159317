//! Bytes as they may stand in a config file.

use std::path::Path;

use super::files::Folders;
use super::mistake::Report;
use super::source::Source;

/// Below this nothing can lie, so no file that the bytes name by chance is read.
const NOWHERE: &str = "/dev/null/config.json";

/// Reads them; every refusal has a reason, and every configuration a machine.
pub fn config(bytes: &[u8]) {
    let Ok(text) = String::from_utf8(bytes.to_vec()) else {
        return;
    };
    let folders = Folders {
        config: NOWHERE.into(),
        working: None,
    };
    let mut report = Report::default();
    let source = Source::new(Path::new(NOWHERE), text);
    let config = super::from_source(&source, &folders, &mut report);
    match report.conclude(config) {
        Ok(loaded) => assert!(!loaded.config.machines.is_empty()),
        Err(refused) => {
            assert!(!refused.mistakes.is_empty());
            for mistake in &refused.mistakes {
                assert_eq!(mistake.to_string().lines().count(), 3, "{mistake}");
            }
        }
    }
}
