//! `check --online`: asks each OctoPrint of a valid configuration and tells what it says.

use std::fmt;

use crate::config::Config;
use crate::octoprint::{Diagnosis, HttpClients, diagnose};

use super::install::{self, SourceError};

/// One machine, and what asking its OctoPrint gave, or why it could not be asked.
pub struct Answer {
    pub machine: String,
    pub diagnosis: Result<Diagnosis, SourceError>,
}

impl Answer {
    /// Whether the bridge could serve live values of this machine.
    pub fn is_usable(&self) -> bool {
        matches!(self.diagnosis, Ok(Diagnosis::Reachable { .. }))
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.diagnosis {
            Ok(diagnosis) => write!(f, "{}: {diagnosis}", self.machine),
            Err(error) => write!(f, "{error}"),
        }
    }
}

/// Asks all machines at once; the answers stand in the order of the configuration.
pub async fn ask(config: &Config) -> Vec<Answer> {
    let clients = HttpClients::default();
    let questions: Vec<_> = config
        .machines
        .iter()
        .map(|machine| {
            let clients = clients.clone();
            let source = install::source(machine);
            let asked = tokio::spawn(async move {
                match source {
                    Ok(source) => Ok(diagnose(source, &clients).await),
                    Err(error) => Err(error),
                }
            });
            (machine.id.clone(), asked)
        })
        .collect();
    let mut answers = Vec::new();
    for (machine, asked) in questions {
        // A question only ends early when the process does.
        if let Ok(diagnosis) = asked.await {
            answers.push(Answer { machine, diagnosis });
        }
    }
    answers
}
