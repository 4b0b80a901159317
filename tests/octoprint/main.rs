//! The source against servers that are healthy, old, wrong, slow, hostile or gone. All over loopback sockets.

mod diagnosis;
mod faults;
mod feed;
mod golden;
mod keys;
mod payloads;
mod redirects;
mod rounds;
mod stub;
mod tls;
mod transport;
