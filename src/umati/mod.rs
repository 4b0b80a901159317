//! Machine → information model: what OPC 40540 and its base specifications call a printer.
//!
//! NodeSets are read into a type catalogue, a plan instantiates the types into a blueprint, and the blocks fill
//! the values. Knows OPC UA types and nodes, not the server.

pub mod blocks;
pub mod blueprint;
pub mod calls;
pub mod catalogue;
pub mod events;
mod ids;
pub mod instance;
pub mod isa95;
pub mod mapping;
pub mod namespaces;
pub mod nodesets;
pub mod reading;

pub use blocks::bridge::BridgeStatus;
pub use mapping::{Mapping, MappingError};
