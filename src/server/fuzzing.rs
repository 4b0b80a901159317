//! The ways into this room.

pub use super::front_door::fuzzing::front_door;
pub use super::pki::fuzzing::trust;
