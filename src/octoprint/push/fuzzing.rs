//! Bytes as they may come over the push socket.

use serde_json::Value;

use super::message::{self, Message};
use super::tale::Tale;
use crate::fuzzing::Witness;
use crate::machine::{DataSource, Observation};

/// Messages, one a line, as one connection may tell them. Each `history` begins another.
pub fn push(bytes: &[u8]) {
    let mut witness = Witness::new();
    let mut tale = Tale::default();
    for line in bytes.split(|&byte| byte == b'\n') {
        let Ok(message) = serde_json::from_slice::<Value>(line) else {
            continue;
        };
        let message = message::read(&message);
        if let Message::History(_) = message {
            tale = Tale::default();
            witness.take(Observation::Source(DataSource::Push));
        }
        if let Some(observation) = tale.observe(&message) {
            witness.take(observation);
        }
    }
    witness.look();
}
