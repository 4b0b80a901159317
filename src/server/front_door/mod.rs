//! What stands between the network and the server library.

mod peers;

pub(super) use peers::{Peer, Peers};
