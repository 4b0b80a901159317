//! The server from outside: an OPC UA client against a server in this process.

mod address_space;
mod bench;
mod browse;
mod browse_paths;
mod burden;
mod endpoints;
mod front_door;
mod identity;
mod lifecycle;
mod limits;
mod model_change;
mod quality;
mod republish;
mod sampling;
mod subscriptions;
