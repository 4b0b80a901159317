//! The tasks of a running bridge. Each of them lives until `shutdown`; one that ends sooner ends all.
//!
//! A machine whose task has died would keep its last values, Good for ever: nobody could tell that from a printer
//! that stands still. So the process ends with an error, and whoever supervises it starts it anew.

use std::any::Any;
use std::collections::HashMap;
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::{BridgeError, journal};

/// Tasks that live and end together.
pub(super) struct Crew {
    tasks: JoinSet<Result<(), BridgeError>>,
    /// Who a task is, for the operator.
    names: HashMap<Id, String>,
    shutdown: CancellationToken,
}

impl Crew {
    pub(super) fn new(shutdown: CancellationToken) -> Self {
        Self {
            tasks: JoinSet::new(),
            names: HashMap::new(),
            shutdown,
        }
    }

    /// Starts a task, which has to end soon after `shutdown` and not before.
    pub(super) fn spawn(
        &mut self,
        name: String,
        work: impl Future<Output = Result<(), BridgeError>> + Send + 'static,
    ) {
        let id = self.tasks.spawn(work).id();
        self.names.insert(id, name);
    }

    /// Waits until all tasks have ended, at most for `drain` after `shutdown`; those that are left then are aborted.
    ///
    /// # Errors
    /// The first error of a task, the end of a task before `shutdown`, or its panic; it is the reason for `shutdown`
    /// if there was none before.
    pub(super) async fn run(mut self, drain: Duration) -> Result<(), BridgeError> {
        let shutdown = self.shutdown.clone();
        let too_late = async {
            shutdown.cancelled().await;
            tokio::time::sleep(drain).await;
        };
        tokio::pin!(too_late);
        let mut outcome = Ok(());
        loop {
            let ended = tokio::select! {
                ended = self.tasks.join_next_with_id() => ended,
                () = &mut too_late => {
                    journal::drain_cut_short();
                    return outcome;
                }
            };
            let Some(ended) = ended else { return outcome };
            match self.judge(ended) {
                Ok(()) => {}
                Err(first) if outcome.is_ok() => {
                    outcome = Err(first);
                    shutdown.cancel();
                }
                Err(further) => journal::failed(&further),
            }
        }
    }

    fn judge(
        &mut self,
        ended: Result<(Id, Result<(), BridgeError>), JoinError>,
    ) -> Result<(), BridgeError> {
        let (id, why) = match ended {
            Ok((_, Err(error))) => return Err(error),
            Ok((_, Ok(()))) if self.shutdown.is_cancelled() => return Ok(()),
            Ok((id, Ok(()))) => (id, "it ended without being asked to".to_owned()),
            Err(error) => (error.id(), words(error)),
        };
        let task = self.names.remove(&id).unwrap_or_default();
        Err(BridgeError::TaskDied { task, why })
    }
}

/// What a panic said.
fn words(error: JoinError) -> String {
    let panic: Box<dyn Any + Send> = match error.try_into_panic() {
        Ok(panic) => panic,
        Err(cancelled) => return cancelled.to_string(),
    };
    if let Some(text) = panic.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without words".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::future;

    use super::*;

    /// Generous: it only bounds how long a failing test takes.
    const PATIENCE: Duration = Duration::from_secs(30);

    /// A crew with one task that does its duty.
    fn crew() -> (Crew, CancellationToken) {
        let shutdown = CancellationToken::new();
        let mut crew = Crew::new(shutdown.clone());
        let duty = shutdown.clone().cancelled_owned();
        crew.spawn("task of machine a".to_owned(), async {
            duty.await;
            Ok(())
        });
        (crew, shutdown)
    }

    #[tokio::test]
    async fn shutdown_ends_all_in_order() {
        let (crew, shutdown) = crew();
        shutdown.cancel();
        assert!(crew.run(PATIENCE).await.is_ok());
    }

    #[tokio::test]
    async fn a_task_that_panics_ends_all_and_is_named() {
        let (mut crew, shutdown) = crew();
        crew.spawn("task of machine b".to_owned(), async {
            panic!("no {}", "way")
        });
        let error = crew.run(PATIENCE).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the task of machine b has died: no way; that is a mistake in this program: please report it"
        );
        assert!(shutdown.is_cancelled());
    }

    #[tokio::test]
    async fn a_task_that_ends_too_soon_ends_all() {
        let (mut crew, _) = crew();
        crew.spawn("task of machine b".to_owned(), async { Ok(()) });
        let error = crew.run(PATIENCE).await.unwrap_err().to_string();
        assert!(error.contains("it ended without being asked to"), "{error}");
    }

    #[tokio::test]
    async fn the_first_error_is_told_and_the_others_are_ended() {
        let (mut crew, shutdown) = crew();
        crew.spawn("server".to_owned(), async {
            let reason = std::io::Error::other("gone");
            Err(BridgeError::Socket { port: 1, reason })
        });
        let then = shutdown.clone().cancelled_owned();
        crew.spawn("task of machine b".to_owned(), async {
            then.await;
            panic!("too late to matter")
        });
        let error = crew.run(PATIENCE).await.unwrap_err();
        assert_eq!(error.to_string(), "port 1: gone");
    }

    #[tokio::test]
    async fn a_task_that_does_not_end_is_cut() {
        let (mut crew, shutdown) = crew();
        crew.spawn("task of machine b".to_owned(), future::pending());
        shutdown.cancel();
        assert!(crew.run(Duration::ZERO).await.is_ok());
    }
}
