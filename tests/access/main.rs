//! Who may see and do what, over the wire: machines as the bridge serves them, callers of every role.

#[path = "../pki/authority.rs"]
mod authority;
#[path = "../common/mod.rs"]
mod common;

mod applications;
mod audit;
mod bench;
mod certificates;
mod client;
mod events;
mod handover;
mod hash_password;
mod inner_port;
mod matrix;
mod methods;
mod passwords;
mod shop;
mod site;
mod timing;
