//! One server observed: asked and listened to, side by side, into one queue.

use std::future;

use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

use super::line::Line;
use super::poll::Poller;
use super::push::Push;
use super::{HttpClients, Looks, Source, Way};
use crate::machine::{Observation, Timestamp};

/// An observation and when its last byte was received, by the bridge's wall clock.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// Boxed, because every machine has a queue with room for many.
    pub observation: Box<Observation>,
    pub at: Timestamp,
}

/// Observes `source` until `shutdown`, or until nobody listens to `out` any more.
///
/// Both end it at once, also in the middle of a request. A full queue makes it wait. `looks` are the wishes to look
/// sooner; `Looks::default()` where nobody has any.
pub async fn observe(
    source: Source,
    clients: HttpClients,
    looks: Looks,
    out: Sender<Observed>,
    shutdown: CancellationToken,
) {
    let listener = out.clone();
    let line = Line::new(out);
    let mut poller = Poller::new(source.clone(), clients.clone(), looks, line.clone());
    let listening = async {
        match source.way {
            Way::Poll => future::pending().await,
            Way::Auto | Way::Push => Push::new(source, clients, line).run().await,
        }
    };
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = listener.closed() => {}
        () = poller.run() => {}
        () = listening => {}
    }
}
