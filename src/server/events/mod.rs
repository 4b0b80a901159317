//! The events that the server makes itself; those of machines come from `umati::events`.

mod model_change;

pub(super) use model_change::ModelChange;
