//! `check --online`: asks each OctoPrint of a valid configuration and tells what it says.

use futures_util::future::join_all;

use crate::config::Config;
use crate::octoprint::{Diagnosis, HttpClients, diagnose};

use super::install;

/// One machine and what asking its OctoPrint gave, or why it could not be asked.
pub struct Answer {
    pub machine: String,
    pub diagnosis: Result<Diagnosis, install::SourceError>,
}

/// Asks all machines at once; the answers stand in the order of the configuration.
pub async fn ask(config: &Config) -> Vec<Answer> {
    let clients = HttpClients::default();
    let questions = config.machines.iter().map(|machine| async {
        let diagnosis = match install::source(machine) {
            Ok(source) => Ok(diagnose(source, &clients).await),
            Err(error) => Err(error),
        };
        Answer {
            machine: machine.id.clone(),
            diagnosis,
        }
    });
    join_all(questions).await
}
