//! Which filter a client has asked for.
//!
//! The library shows the filter of a new item, but not the type of it, so its variants cannot be matched. Their names
//! can be read from the `Debug` form, of which only the beginning is written. A test creates an item with each filter
//! and would tell if a new version wrote another form.

use std::fmt::{self, Debug, Write};

/// Filters, OPC 10000-4 §7.22.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestedFilter {
    None,
    /// A DataChangeFilter without a deadband.
    DataChange,
    /// A DataChangeFilter with a deadband.
    Deadband,
    Event,
}

pub(super) fn requested_filter(filter: &impl Debug) -> RequestedFilter {
    let mut head = Head(String::new());
    // The error is how the head ends the writing.
    let _ = write!(head, "{filter:?}");
    let head = head.0;
    if head.starts_with("EventFilter") {
        RequestedFilter::Event
    } else if !head.starts_with("DataChangeFilter") {
        RequestedFilter::None
    } else if head.contains("deadband: None") {
        RequestedFilter::DataChange
    } else {
        RequestedFilter::Deadband
    }
}

/// The beginning of a text; refuses more.
struct Head(String);

/// Enough for a DataChangeFilter, which is the longest that matters.
const HEAD_LENGTH: usize = 160;

impl Write for Head {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() >= HEAD_LENGTH {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}
