//! What bytes of strangers reach first: one function for each way in. `fuzz/` feeds them with what a fuzzer makes up,
//! `replay` with what it found, in every run of the tests.
//!
//! Not an interface: only there with the feature `fuzzing`, and in the tests.

#[cfg(test)]
mod replay;
mod witness;

pub use crate::config::fuzzing::config;
pub use crate::octoprint::fuzzing::{push, rest};
pub use crate::server::fuzzing::{front_door, trust};

pub(crate) use witness::Witness;

/// Each returns, whatever the bytes are; it panics where a promise of its room is broken.
pub type Target = fn(&[u8]);

/// By the name of its program in `fuzz/fuzz_targets` and of its folder in `fuzz/corpus`.
pub const TARGETS: [(&str, Target); 5] = [
    ("config", config),
    ("front_door", front_door),
    ("push", push),
    ("rest", rest),
    ("trust", trust),
];
