//! What can keep a server from starting or running, in words for the operator.

use std::net::IpAddr;

use super::identity::IdentityError;

/// Why a server does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(
        "nobody could log in: {listen} is not a loopback address, and there are no users or certificates to tell \
         friend from foe; set `listen` to 127.0.0.1, or `allow_anonymous` to true to let everyone read"
    )]
    NobodyCouldLogIn { listen: IpAddr },
    /// The namespace table of the program and the one that the type NodeSets gave differ: a build mistake.
    #[error("namespace {uri} must have index {expected}, but has {found:?}")]
    Namespace {
        uri: String,
        expected: u16,
        found: Option<u16>,
    },
    #[error("the OPC UA server could not be set up: {0}")]
    SetUp(String),
    #[error("the OPC UA server stopped by itself: {0}")]
    Stopped(String),
}
