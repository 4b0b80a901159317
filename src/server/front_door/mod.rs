//! What stands between the network and the server library: our own listener, and a relay that reads the headers.
//!
//! ```text
//!  client ──► public port ──► relay ──► loopback port ──► library
//!                              │  what is no OPC UA, too large, under a policy that is not served, or of an
//!                              │  application that is not trusted, is refused here
//!                              └► Peers: who is at the other end, which the library does not tell
//! ```
//!
//! Always holds: the library sees a byte of a message only after its header was found to be in order; a connection
//! costs a fixed amount of memory, whatever its client sends.

mod frame;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod fuzzing;
mod journal;
mod opening;
mod peers;
mod relay;

pub(super) use peers::{Peer, Peers};

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opcua::crypto::SecurityPolicy;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::pki::Trust;
use relay::Relay;

/// After an error of the listener: there are too few descriptors, for example, and asking again helps nobody.
const BACK_OFF: Duration = Duration::from_millis(100);
/// Certificates that are judged at a time: each costs a processor for milliseconds.
const JUDGED_AT_ONCE: usize = 2;

/// The door of one server.
pub(super) struct FrontDoor {
    pub peers: Peers,
    pub trust: Trust,
    /// Besides None, which stays open for discovery.
    pub policies: Vec<SecurityPolicy>,
}

impl FrontDoor {
    /// Lets clients in from `public` to the library at `inner`, for as long as it is polled.
    pub(super) async fn run(&self, public: &TcpListener, inner: SocketAddr) {
        let judges = Arc::new(Semaphore::new(JUDGED_AT_ONCE));
        let mut relays = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = public.accept() => accepted,
                Some(_) = relays.join_next() => continue,
            };
            match accepted {
                Ok((client, address)) => {
                    let Some(place) = self.peers.admit(address) else {
                        journal::full(address);
                        continue;
                    };
                    let relay = Relay {
                        place,
                        trust: self.trust.clone(),
                        policies: self.policies.clone(),
                        judges: Arc::clone(&judges),
                        chain: Mutex::default(),
                    };
                    relays.spawn(async move {
                        match connect(&client, inner).await {
                            Ok(library) => relay.run(client, library).await,
                            Err(reason) => journal::not_connected(&reason),
                        }
                    });
                }
                Err(reason) => {
                    journal::not_accepted(&reason);
                    tokio::time::sleep(BACK_OFF).await;
                }
            }
        }
    }
}

/// Small messages are not held back for larger ones to come.
async fn connect(client: &TcpStream, inner: SocketAddr) -> io::Result<TcpStream> {
    let library = TcpStream::connect(inner).await?;
    library.set_nodelay(true)?;
    client.set_nodelay(true)?;
    Ok(library)
}
