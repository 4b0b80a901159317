//! Machine → information model: what OPC 40540 and its base specifications call a printer.
//!
//! NodeSets are read into a type catalogue, a plan instantiates the types into a blueprint, and the blocks fill
//! the values. Knows OPC UA types and nodes, not the server.

pub mod blueprint;
pub mod catalogue;
pub mod instance;
pub mod namespaces;
pub mod nodesets;
pub mod reading;
