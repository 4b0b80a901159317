//! Writes values into an instance and notes which changed.
//!
//! Always holds: a value is never Good and empty; a value without data is `Empty` under its status. A timestamp
//! tells when value and status came to be, so a write that says nothing new leaves the old one in place.

use opcua::types::{DataValue, DateTime, Variant};

use super::quality::Quality;
use crate::machine::Timestamp;
use crate::umati::instance::{Delta, Instance};
use crate::umati::reading::{self, Reading};

/// Whether the instance has values already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// Nodes are new: constants are written too.
    First,
    /// Only what can change is written.
    Update,
}

/// One pass over an instance.
#[derive(Debug)]
pub struct Render<'a> {
    instance: &'a mut Instance,
    pass: Pass,
    at: Timestamp,
    delta: Delta,
}

impl<'a> Render<'a> {
    pub fn new(instance: &'a mut Instance, pass: Pass, at: Timestamp) -> Self {
        Self {
            instance,
            pass,
            at,
            delta: Delta::default(),
        }
    }

    pub fn finish(self) -> Delta {
        self.delta
    }

    /// A value that is the same as long as the node lives.
    pub fn constant(&mut self, path: &str, value: impl FnOnce() -> Variant) {
        if self.pass == Pass::First {
            self.put(path, Quality::Good(value()));
        }
    }

    /// A value whose source tells no time of its own.
    pub fn put(&mut self, path: &str, value: Quality<impl Into<Variant>>) {
        let new = self.reading(value, self.at);
        if !self.says(path, &new) {
            self.store(path, new);
        }
    }

    /// A measurement that was taken at `sampled`, by the clock of the source, and received at `received`.
    ///
    /// Its timestamp is `sampled` if that lies between the node's last timestamp and the receive time, else the
    /// receive time: so it never runs backwards and never stands in the future, whatever clock the source has.
    pub fn measured(
        &mut self,
        path: &str,
        value: Quality<f64>,
        sampled: Timestamp,
        received: Timestamp,
    ) {
        let last = self.stored(path).and_then(|old| old.source_timestamp);
        let taken = match value {
            Quality::Bad(_) => self.at,
            _ if sampled > received || last > Some(sampled.into()) => received,
            _ => sampled,
        };
        let new = self.reading(value, taken);
        // A good value that did not change is a new measurement all the same; a doubtful one is the old one.
        if matches!(value, Quality::Good(_)) || !self.says(path, &new) {
            self.store(path, new);
        }
    }

    /// The value that the node has now; `None` if it has none.
    pub fn current(&self, path: &str) -> Option<&Variant> {
        let value = self.stored(path)?.value.as_ref()?;
        (*value != Variant::Empty).then_some(value)
    }

    fn reading(&self, value: Quality<impl Into<Variant>>, taken: Timestamp) -> Reading {
        match value {
            Quality::Good(value) => reading::good(value, taken),
            Quality::Uncertain(value, status) => reading::uncertain(status, value, taken),
            Quality::Bad(status) => reading::bad(status, taken),
        }
        .received(self.at)
    }

    fn stored(&self, path: &str) -> Option<&DataValue> {
        let index = self.instance.resolve(path)?;
        Some(self.instance.value(index))
    }

    fn says(&self, path: &str, new: &Reading) -> bool {
        let new = new.data_value();
        // A variable that was never written has no timestamp, even if it says the same.
        self.stored(path).is_some_and(|old| {
            old.value == new.value && old.status == new.status && old.source_timestamp.is_some()
        })
    }

    fn store(&mut self, path: &str, new: Reading) {
        match self.instance.set(path, new) {
            Ok(stored) => self.delta.note(stored),
            // Plan and values of a block disagree: a mistake in this program.
            Err(error) => debug_assert!(false, "{error}"),
        }
    }
}

/// Time as OPC UA transports it.
pub(super) fn utc(at: Timestamp) -> DateTime {
    DateTime::from(at)
}
