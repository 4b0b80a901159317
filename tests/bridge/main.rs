//! The whole bridge, from OctoPrint to the MES: simulated OctoPrints that misbehave on demand on one side, an OPC UA
//! client with a default subscription on the other. Nothing in between is looked at.
//!
//! Most tests run the bridge in this process, so that they hold the printers in their hand; what concerns the process
//! is tested with the program itself.

#[path = "../common/mod.rs"]
mod common;

mod all_at_once;
mod audit;
mod caller;
mod check;
mod cuts;
mod demo;
mod faults;
mod jobs;
mod kept;
mod kills;
mod leaks;
mod machine;
mod mes;
mod orders;
mod outage;
mod paths;
mod plant;
mod prints;
mod process;
mod program;
mod push;
mod real_cuts;
mod real_kills;
mod real_proxies;
mod sensors;
mod soak;
mod status;
mod storm;
mod told;
