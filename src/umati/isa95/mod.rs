//! The structures of job management: OPC 10031-4 V2 (ISA-95 Job Control) and RunInfoDataType of OPC 40540.
//!
//! [`types`] declares them field by field, [`codec`] reads and writes their bodies, [`Encoded`] keeps them as bytes,
//! [`states`] says the state of an order in their words. Field order and optional fields are those of the
//! DataTypeDefinitions in `nodesets/`; a test compares them.

pub mod codec;
mod encoded;
mod list;
pub mod states;
pub mod types;

pub use codec::Loader;
pub use encoded::{Encoded, Mark};
pub use list::List;
