//! How a client's wish reaches the task that owns the machine.

use std::time::Duration;

use tokio::sync::mpsc::Sender;
use tokio::sync::oneshot;

use crate::machine::{Refusal, Request};

/// A request to a machine and where its answer goes. The answer comes when it is done and stored, or refused.
#[derive(Debug)]
pub struct Command {
    /// Boxed, because every machine has a queue with room for many.
    pub request: Box<Request>,
    /// Nobody may wait for it any more: sending to it may fail.
    pub reply: oneshot::Sender<Result<(), Refusal>>,
}

/// The machine answers sooner; this only bounds how long a caller waits for one that cannot.
const DEADLINE: Duration = Duration::from_secs(60);

/// Asks a machine and waits for its answer.
///
/// # Errors
/// Why it is refused. [`Refusal::Busy`] if more is asked of the machine than it can take in.
pub(super) async fn ask(commands: &Sender<Command>, request: Request) -> Result<(), Refusal> {
    let (reply, answer) = oneshot::channel();
    let request = Box::new(request);
    commands
        .try_send(Command { request, reply })
        .map_err(|_| Refusal::Busy)?;
    match tokio::time::timeout(DEADLINE, answer).await {
        Ok(Ok(outcome)) => outcome,
        // The bridge ends.
        Ok(Err(_)) => Err(Refusal::Unreachable),
        Err(_) => Err(Refusal::TimedOut),
    }
}
