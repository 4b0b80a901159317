//! Who may see and do what.
//!
//! ```text
//!  identity token ──► Gate (proofs, throttle) ──► UserToken ──► Viewers ──► Viewer: role and sight
//!                                                    │
//!  activated session ──► Access (whose application?) ┴──► nodes: the user of each request
//! ```
//!
//! Always holds: who a user is was proven when the session was activated, and is looked up by the token anew for
//! each request; a token that nobody knows sees nothing; a password is never taken from a channel that is not
//! encrypted. Each login, refusal, write and method call leaves a line in the [`audit`].

mod activation;
pub(super) mod audit;
mod gate;
mod origin;
mod throttle;
mod users;
mod viewer;

pub(super) use self::activation::Access;
pub(super) use self::gate::Gate;
pub(super) use self::viewer::Viewers;

pub use self::users::{Login, User, Users};
pub use self::viewer::{Role, Sight, Viewer};
