//! What clients are told as events (OPC 10000-5 §6.4, OPC 10031-4 §7.3, 40501-1 §8.6): an order that enters a state,
//! a machine that changes its state, an alert that begins or ends.
//!
//! | event | type | from | severity |
//! |---|---|---|---|
//! | an order entered a state | `OctoPrintJobOrderStatusEventType` | JobOrderResults | 100, 700 if the print failed |
//! | MachineryItemState changed | TransitionEventType | the machine | 50 |
//! | an alert began, changed its text, or ended | AlertType | Notification/Messages | 500 to 900 |
//!
//! SourceNode and SourceName are always the machine's: a client that listens at `Server` knows whose event it is.

mod alert;
mod chronicle;
mod order;
mod record;
mod stand_in;
mod transition;

pub use chronicle::{Chronicle, Told};
pub use record::EventRecord;
pub use stand_in::{STAND_IN, in_range, stand_in};
