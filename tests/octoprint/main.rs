//! The source against servers that are healthy, old, wrong, slow, hostile or gone. All over loopback sockets.

mod control;
mod diagnosis;
mod faults;
mod feed;
mod files;
mod golden;
mod keys;
mod logins;
mod looks;
mod payloads;
mod push;
mod redirects;
mod rounds;
mod stage;
mod stub;
mod tls;
mod transport;
