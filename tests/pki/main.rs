//! The trust list from outside: certificates made by openssl, judged by [`umati_bridge::server::Trust`] and managed by
//! the program itself.

mod arbitrary;
mod authority;
mod certificate_command;
mod chains;
mod files;
mod revocation;
mod trust_command;
mod users;
