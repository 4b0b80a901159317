//! What stands between the network and the server library: our own listener, and a relay that reads the headers.
//!
//! ```text
//!  client ──► public port ──► crowd ──► relay ──► loopback port ──► library
//!                               │         │  what is no OPC UA, too large, too much, under a policy that is not
//!                               │         │  served, or of an application that is not trusted, is refused here
//!                               │         └► peers: who is at the other end, which the library does not tell
//!                               └► one connection too many: a stranger has to go
//! ```
//!
//! Always holds: the library sees a byte of a message only after its header was found to be in order; a connection
//! costs a fixed amount of memory, whatever its client sends; who has not logged in is bounded in number, in requests,
//! in their size, and in time.

mod answers;
mod bucket;
mod channel;
mod crowd;
mod frame;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod fuzzing;
mod journal;
mod judges;
mod opening;
mod outstanding;
mod peers;
mod plain;
mod relay;
mod requests;
mod turns;
mod unfinished;
mod wire;

pub(super) use peers::{Peer, Peers};

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opcua::crypto::SecurityPolicy;
use opcua::types::StatusCode;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::limits;
use super::pki::Trust;
use channel::Channel;
use judges::Judges;
use outstanding::Outstanding;
use peers::Place;
use plain::Unactivated;
use relay::Relay;
use turns::Queues;

/// After an error of the listener: there are too few descriptors, for example, and asking again helps nobody.
const BACK_OFF: Duration = Duration::from_millis(100);
/// A client that is gone without a word is found out within two minutes.
const ALIVE_AFTER: Duration = Duration::from_secs(60);
const ALIVE_EVERY: Duration = Duration::from_secs(10);
const ALIVE_TRIES: u32 = 6;

/// The door of one server.
pub(super) struct FrontDoor {
    peers: Peers,
    judges: Judges,
    greetings: Arc<Queues>,
    meetings: Arc<Queues>,
    policies: Arc<[SecurityPolicy]>,
    admits_plain_text: bool,
    /// Connections at a time.
    most: usize,
}

impl FrontDoor {
    /// `policies`: those that encrypt; None stays open for discovery, and for more if the server `admits_plain_text`.
    /// `machines` have connections of their own, and all of them together as many as the process may open files.
    pub(super) fn new(
        peers: Peers,
        trust: Trust,
        policies: &[SecurityPolicy],
        admits_plain_text: bool,
        machines: usize,
    ) -> Self {
        if cfg!(feature = "bare") {
            journal::bare();
        }
        let files = limits::open_files();
        let most = limits::connections(files, machines);
        if let Some(files) = files
            && most < limits::MAX_CONNECTIONS
        {
            journal::few_descriptors(files, most);
        }
        Self {
            peers,
            judges: Judges::new(trust),
            greetings: Arc::new(Queues::greetings()),
            meetings: Arc::new(Queues::meetings()),
            policies: policies.into(),
            admits_plain_text,
            most,
        }
    }

    /// Lets clients in from `public` to the library at `inner`, for as long as it is polled.
    pub(super) async fn run(&self, public: &TcpListener, inner: SocketAddr) {
        let mut relays = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = public.accept() => accepted,
                Some(_) = relays.join_next() => continue,
            };
            match accepted {
                Ok((client, address)) => match self.peers.admit(address, self.most) {
                    Some(place) => {
                        let relay = self.relay(place, inner);
                        // A client that is gone already is found out at the first byte.
                        let _ = prepare(&client);
                        relays.spawn(relay.run(client));
                    }
                    None => {
                        journal::full(address);
                        // A fresh socket has room for it; who is gone already is not told.
                        let busy = frame::error(StatusCode::BadTcpServerTooBusy);
                        let _ = client.try_write(&busy);
                    }
                },
                Err(reason) => {
                    journal::not_accepted(&reason);
                    tokio::time::sleep(BACK_OFF).await;
                }
            }
        }
    }

    fn relay(&self, place: Place, inner: SocketAddr) -> Relay {
        Relay {
            place,
            inner,
            judges: self.judges.clone(),
            greetings: Arc::clone(&self.greetings),
            meetings: Arc::clone(&self.meetings),
            policies: Arc::clone(&self.policies),
            admits_plain_text: self.admits_plain_text,
            largest: AtomicUsize::new(wire::BUFFER),
            outstanding: Outstanding::default(),
            is_ended: AtomicBool::new(false),
            chain: Mutex::default(),
            channel: Mutex::new(Channel::default()),
            unactivated: Mutex::new(Unactivated::default()),
        }
    }
}

/// Small messages are not held back for larger ones to come, and a dead client is noticed.
fn prepare(client: &TcpStream) -> io::Result<()> {
    client.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(ALIVE_AFTER)
        .with_interval(ALIVE_EVERY)
        .with_retries(ALIVE_TRIES);
    SockRef::from(client).set_tcp_keepalive(&keepalive)
}
