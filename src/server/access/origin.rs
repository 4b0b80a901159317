//! Where a client is.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use opcua::types::StatusCode;

use super::super::front_door::{Peer, Peers};

/// The address of a client, if it is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::server) struct Origin(Option<SocketAddr>);

impl Origin {
    /// Of the client whose request of CreateSession or ActivateSession the running task serves.
    ///
    /// # Errors
    /// It came past the front door.
    pub(super) fn of_this_task(peers: &Peers) -> Result<Self, StatusCode> {
        admitted(peers.of_this_task()).map(|peer| Self(Some(peer.address)))
    }

    /// Of the client at the other end of a secure channel.
    pub(in crate::server) fn of_channel(peers: &Peers, secure_channel: u32) -> Self {
        let peer = peers.of_channel(secure_channel);
        Self(peer.map(|peer| peer.address))
    }

    pub(super) fn ip(self) -> Option<IpAddr> {
        self.0.map(|address| address.ip())
    }
}

/// The connection, which has come by the front door. The one place where others are turned away.
///
/// # Errors
/// Nothing is known of it, so it came past the front door.
pub(super) fn admitted(peer: Option<Peer>) -> Result<Peer, StatusCode> {
    #[cfg(feature = "bare")]
    let peer = peer.or_else(|| {
        Some(Peer {
            address: (std::net::Ipv4Addr::LOCALHOST, 0).into(),
            certificate: None,
        })
    });
    peer.ok_or(StatusCode::BadSecurityChecksFailed)
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(address) => write!(f, "{address}"),
            None => f.write_str("unknown"),
        }
    }
}
