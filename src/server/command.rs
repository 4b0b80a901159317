//! How a client's wish reaches the task that owns the machine.

use tokio::sync::oneshot;

use crate::machine::{Refusal, Request};

/// A request to a machine and where its answer goes. The answer comes when it is done and stored, or refused.
#[derive(Debug)]
pub struct Command {
    pub request: Request,
    /// Nobody may wait for it any more: sending to it may fail.
    pub reply: oneshot::Sender<Result<(), Refusal>>,
}
