//! Who may see and do what, over the wire: machines as the bridge serves them, callers of every role.
//!
//! That lists name only the caller's own machines, and who is let in at all, is tried in `tests/server/tenancy.rs`.

mod audit;
mod bench;
mod client;
mod events;
mod handover;
mod hash_password;
mod matrix;
mod passwords;
mod shop;
