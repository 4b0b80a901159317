//! Bytes as an OctoPrint may send them, in answers and by itself.

use serde_json::Value;

use super::report::report;
use super::wire::{self, Flavour};
pub use crate::octoprint::push::fuzzing::push;

use crate::fuzzing::Witness;
use crate::machine::Observation;

/// As many files as are kept.
const MOST_FILES: usize = 50;

/// Answers, one a line; each is read as if it were the answer to every question.
pub fn rest(bytes: &[u8]) {
    let mut witness = Witness::new();
    for line in bytes.split(|&byte| byte == b'\n') {
        let Ok(answer) = serde_json::from_slice::<Value>(line) else {
            continue;
        };
        let user = wire::user(&answer);
        let is_name = |it: &String| {
            it.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        assert!(user.permissions.iter().all(is_name));
        let software = wire::software(&answer);
        let flavour = Flavour::of(&software);
        witness.take(Observation::Software(software));
        if let Some(profile) = wire::profile(&answer) {
            witness.take(Observation::Profile(profile));
        }
        let list = wire::files(&answer, MOST_FILES);
        assert!(list.files.len() <= MOST_FILES);
        witness.take(Observation::Files(list.files));
        let job = wire::job(&answer, flavour);
        assert!(
            job.progress
                .completion
                .is_none_or(|it| (0.0..=100.0).contains(&it))
        );
        witness.take(Observation::Report(Box::new(report(job.clone(), None))));
        let printer = wire::printer(&answer);
        witness.take(Observation::Report(Box::new(report(job, Some(printer)))));
    }
    witness.look();
}
