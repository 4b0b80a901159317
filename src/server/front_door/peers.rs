//! Who is at the other end of a connection: the library tells neither the address nor the channel's certificate.

use std::net::SocketAddr;

use opcua::types::StatusCode;

/// One connection from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::server) struct Peer {
    /// The true address of the client.
    pub address: SocketAddr,
    /// The certificate of the secure channel, judged when the channel was opened; `None` without security.
    pub certificate: Option<super::super::pki::ClientCertificate>,
}

/// The connections of one server. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(in crate::server) struct Peers;

impl Peers {
    /// The connection that the running task serves; for the hooks that the library calls while it serves a request
    /// of the connection itself (CreateSession, ActivateSession). `None`: it came past the front door.
    pub(in crate::server) fn of_this_task(&self) -> Option<Peer> {
        None
    }

    /// The connection of a secure channel.
    pub(in crate::server) fn of_channel(&self, _secure_channel: u32) -> Option<Peer> {
        None
    }

    /// Ends a connection with an ERR message.
    pub(in crate::server) fn cut(&self, _secure_channel: u32, _why: StatusCode) {}
}
