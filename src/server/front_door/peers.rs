//! Who is at the other end of a connection: the library tells neither the address nor the channel's certificate.
//!
//! A connection is known by three things, learned one after the other:
//!
//! | known by | learned from |
//! |---|---|
//! | its place | the accept loop |
//! | its secure channels | the answers to OPN, in which the number of the channel stands in clear |
//! | the library's task that serves it | its introduction |
//!
//! **Introduction.** The library calls our hooks for CreateSession, ActivateSession and GetEndpoints in the task that
//! serves the connection, and that task is all that a hook can know of. So the first requests of a connection are
//! passed on one connection at a time: a task that is not known yet and calls a hook meanwhile serves the connection
//! that is being introduced. From then on the task is known, and nobody waits any more. A task that calls a hook and
//! is not known, while nobody or somebody else is introduced, has come past the front door: it is nobody.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opcua::types::StatusCode;
use tokio::sync::{Notify, watch};
use tokio::task;

use super::super::limits;
use super::super::pki::ClientCertificate;

/// How long a connection may keep others from being introduced: the library answers within milliseconds.
const INTRODUCTION: Duration = Duration::from_secs(2);

/// One connection from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::server) struct Peer {
    /// The true address of the client.
    pub address: SocketAddr,
    /// The certificate of the secure channel, judged when the channel was opened; `None` without security.
    pub certificate: Option<ClientCertificate>,
}

/// The connections of one server. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(in crate::server) struct Peers(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    known: Mutex<Known>,
    /// Held by the connection that is being introduced.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    next: u64,
    connections: HashMap<u64, Connection>,
    tasks: HashMap<task::Id, u64>,
    channels: HashMap<u32, u64>,
    introduced: Option<u64>,
}

#[derive(Debug)]
struct Connection {
    peer: Peer,
    has_task: bool,
    /// Why it is to be cut.
    cut: watch::Sender<Option<StatusCode>>,
    /// Something has happened that an introduction waits for.
    moved: Arc<Notify>,
}

impl Peers {
    /// The connection that the running task serves; for the hooks that the library calls while it serves a request
    /// of the connection itself (CreateSession, ActivateSession, GetEndpoints). `None`: it came past the front door.
    pub(in crate::server) fn of_this_task(&self) -> Option<Peer> {
        let task = task::try_id()?;
        let mut known = self.known();
        if let Some(connection) = known.tasks.get(&task) {
            return Some(known.connections.get(connection)?.peer.clone());
        }
        let introduced = known.introduced.take()?;
        let connection = known.connections.get_mut(&introduced)?;
        connection.has_task = true;
        connection.moved.notify_one();
        let peer = connection.peer.clone();
        known.tasks.insert(task, introduced);
        Some(peer)
    }

    /// The connection of a secure channel.
    pub(in crate::server) fn of_channel(&self, secure_channel: u32) -> Option<Peer> {
        let known = self.known();
        let connection = known.channels.get(&secure_channel)?;
        Some(known.connections.get(connection)?.peer.clone())
    }

    /// Ends a connection with an ERR message.
    pub(in crate::server) fn cut(&self, secure_channel: u32, why: StatusCode) {
        let known = self.known();
        let connection = known
            .channels
            .get(&secure_channel)
            .and_then(|id| known.connections.get(id));
        if let Some(connection) = connection {
            connection.cut.send_replace(Some(why));
        }
    }

    /// A place for a new connection; `None` if there are too many, in all or of its address.
    pub(super) fn admit(&self, address: SocketAddr) -> Option<Place> {
        let mut known = self.known();
        let siblings = known
            .connections
            .values()
            .filter(|it| it.peer.address.ip() == address.ip())
            .count();
        let is_crowded =
            siblings >= limits::MAX_CONNECTIONS_OF_ONE_ADDRESS && !is_this_computer(address.ip());
        if is_crowded || known.connections.len() >= limits::MAX_CONNECTIONS {
            return None;
        }
        let id = known.next;
        known.next += 1;
        let (cut, wish) = watch::channel(None);
        let moved = Arc::new(Notify::new());
        let connection = Connection {
            peer: Peer {
                address,
                certificate: None,
            },
            has_task: false,
            cut,
            moved: Arc::clone(&moved),
        };
        known.connections.insert(id, connection);
        drop(known);
        Some(Place {
            peers: self.clone(),
            id,
            address,
            wish,
            moved,
        })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_this_computer(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// The place of one connection. It is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    peers: Peers,
    id: u64,
    pub address: SocketAddr,
    wish: watch::Receiver<Option<StatusCode>>,
    moved: Arc<Notify>,
}

impl Place {
    /// The client has shown this certificate and it was accepted.
    pub(super) fn certified(&self, certificate: Option<ClientCertificate>) {
        if let Some(connection) = self.peers.known().connections.get_mut(&self.id) {
            connection.peer.certificate = certificate;
        }
    }

    pub(super) fn certificate(&self) -> Option<ClientCertificate> {
        let known = self.peers.known();
        known.connections.get(&self.id)?.peer.certificate.clone()
    }

    /// The library has opened this channel for it.
    pub(super) fn channel(&self, secure_channel: u32) {
        self.peers.known().channels.insert(secure_channel, self.id);
    }

    /// The library has answered something.
    pub(super) fn answered(&self) {
        self.moved.notify_one();
    }

    /// Passes on a request while no other connection is being introduced. `pass_on` must not wait for the client:
    /// others wait for it.
    pub(super) async fn introduce<T>(&self, pass_on: impl Future<Output = T>) -> T {
        let _turn = self.peers.0.turn.lock().await;
        // What happened before has nothing to do with this request.
        let _ = tokio::time::timeout(Duration::ZERO, self.moved.notified()).await;
        self.peers.known().introduced = Some(self.id);
        let passed = pass_on.await;
        // An answer without a call of a hook ends it, too.
        let _ = tokio::time::timeout(INTRODUCTION, self.moved.notified()).await;
        self.peers.known().introduced = None;
        passed
    }

    /// Whether the task that serves it is known, so that it needs no introduction.
    pub(super) fn has_task(&self) -> bool {
        let known = self.peers.known();
        known
            .connections
            .get(&self.id)
            .is_some_and(|it| it.has_task)
    }

    /// Waits until the connection is to be cut, and tells why.
    pub(super) async fn is_cut(&self) -> StatusCode {
        let mut wish = self.wish.clone();
        loop {
            if let Some(why) = *wish.borrow_and_update() {
                return why;
            }
            if wish.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut known = self.peers.known();
        known.connections.remove(&self.id);
        known.tasks.retain(|_, id| *id != self.id);
        known.channels.retain(|_, id| *id != self.id);
        if known.introduced == Some(self.id) {
            known.introduced = None;
        }
    }
}
