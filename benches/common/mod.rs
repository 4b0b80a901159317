//! What the benches share: the program as a process, its clients, printers to hold in the hand, and how times are told.
#![allow(
    dead_code,
    reason = "each bench that includes this module uses a part of it"
)]

pub mod board;
pub mod client;
pub mod printers;
pub mod process;
pub mod times;

use std::time::Duration;

/// Lets time pass: here it is what is measured.
#[allow(clippy::disallowed_methods)]
pub fn pass(time: Duration) {
    std::thread::sleep(time);
}

/// The numbers of the command line by their places, else these.
pub fn numbers<const N: usize>(defaults: [usize; N]) -> [usize; N] {
    let mut numbers = defaults;
    let told = std::env::args().skip(1).filter_map(|a| a.parse().ok());
    for (number, told) in numbers.iter_mut().zip(told) {
        *number = told;
    }
    numbers
}
