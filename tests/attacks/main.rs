//! The attack list: what strangers, and clients that were let in, can send to the port. Each attack is written at the
//! wire, against the program, and is followed by the same checks (see [`siege`]).
//!
//! `ATTACKS=1000000 cargo test --test attacks noise` makes so much noise; by default it is 100,000 connections.
#![cfg(target_os = "linux")] // Memory and descriptors are read from /proc.

#[path = "../pki/authority.rs"]
mod authority;
#[path = "../common/mod.rs"]
mod common;

mod between;
mod certificates;
mod encodings;
mod honest;
mod idlers;
mod insiders;
mod lockout;
mod log_lines;
mod nesting;
mod noise;
mod raw;
mod replay;
mod sessions;
mod shutdown;
mod siege;
mod sizes;
mod slow;
