//! The embedded OctoPrint over real HTTP: answers as recorded from a real 1.11.8, commands, keys, faults.

mod answers;
mod commands;
mod faults;
mod fleet;
mod push;
mod push_faults;
mod push_pace;
mod recording;
mod sensors;
mod socket;
mod stage;
