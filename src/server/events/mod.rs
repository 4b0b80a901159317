//! The events that the server makes itself, and the filters of those who listen. The events of machines come from
//! `umati::events`.

mod filter;
mod model_change;

pub(super) use filter::listen_by_any_value;
pub(super) use model_change::ModelChange;
