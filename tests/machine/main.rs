//! What a machine makes of the situations that real printers get into, one test each.

mod age;
mod bench;
mod interruption;
mod job_life;
mod news;
mod orders;
mod replacement;
mod restart;
mod sensors;
