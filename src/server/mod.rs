//! The endpoint: what MES and UaExpert connect to.
//!
//! One [`Server`] serves the instances of one [`Plant`] on one port; several run side by side over the same
//! instances. All use of `opcua::server` stays in this room.
//!
//! ```text
//!  tasks that update ──► Plant (instances) ──► nodes ──► Read, Browse, Translate
//!        │                                        │
//!        └────► Publisher ──► publish ──► the library's subscriptions ──► clients
//! ```

mod access;
mod capabilities;
mod clients;
mod command;
mod error;
mod events;
mod front_door;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod identity;
mod journal;
mod limits;
mod nodes;
mod pki;
mod plant;
mod publish;
mod publisher;
mod run;
mod settings;
mod setup;
mod types;

pub use self::access::{Login, Role, Sight, User, Users, Viewer};
pub use self::command::Command;
pub use self::error::ServerError;
pub(crate) use self::identity::lock;
pub use self::identity::{Expiry, Identity, IdentityError};
pub use self::limits::{MAX_REQUEST_SIZE, WORKER_STACK_SIZE};
pub use self::pki::{
    Certificate, ClientCertificate, Crl, Entry, KeyKind, Known, Moved, Purpose, Refused, Standing,
    Trust, TrustError, TrustList,
};
pub use self::plant::{Audience, Plant, Served, SharedInstance, update};
pub use self::publish::Burden;
pub use self::publisher::Publisher;
pub use self::run::{Drained, Ended};
pub use self::settings::Settings;
pub use self::setup::Server;
pub use self::types::TypeImport;
