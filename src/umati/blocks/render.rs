//! Writes values into an instance and notes which changed.
//!
//! Always holds: a value is never Good and empty; a value without data is `Empty` under its status. A timestamp
//! tells when value and status came to be, so a write that says nothing new leaves the old one in place. It never runs
//! backwards, whoever's clock is set.

use std::time::Duration;

use opcua::types::{DataValue, DateTime, Variant};

use super::quality::{Quality, believed};
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

    /// Whether what is made from this revision has to be made again.
    pub fn turns_to(&mut self, revision: u64) -> bool {
        self.instance.turn_to(revision) || self.pass == Pass::First
    }

    /// A value whose source tells no time of its own.
    pub fn put(&mut self, path: &str, value: Quality<impl Into<Variant>>) {
        self.put_since(path, value, self.at);
    }

    /// A value that holds since `since`, by the clock of the source.
    ///
    /// Where that would turn the node back, the clocks disagree or somebody set them, and the receive time is the
    /// better one; so it is for what is not Good, as the source did not tell that.
    pub fn put_since(&mut self, path: &str, value: Quality<impl Into<Variant>>, since: Timestamp) {
        let old = self.stored(path);
        let last = last(old);
        let since = match value {
            Quality::Good(_) if last.is_none_or(|last| last <= since) => since,
            _ => not_before(last, self.at),
        };
        let new = self.reading(value, since);
        if !says(old, &new) {
            self.store(path, new);
        }
    }

    /// A measurement that was taken at `sampled`, by the clock of the source, and received at `received`.
    ///
    /// Its timestamp is `sampled`, or `received` if the clock of the source cannot be believed. A node that already
    /// has a later timestamp keeps it until a newer sample comes.
    pub fn measured(
        &mut self,
        path: &str,
        value: Quality<f64>,
        sampled: Timestamp,
        received: Timestamp,
    ) {
        let old = self.stored(path);
        let last = last(old);
        let taken = match value {
            Quality::Bad(_) => not_before(last, self.at),
            _ => not_before(last, believed(sampled, received)),
        };
        let new = self.reading(value, taken);
        // A good value that did not change is a new measurement all the same; a doubtful one is the old one.
        if matches!(value, Quality::Good(_)) || !says(old, &new) {
            self.store(path, new);
        }
    }

    /// The value that the node has now; `None` if it has none.
    pub fn current(&self, path: &str) -> Option<&Variant> {
        let value = self.stored(path)?.value.as_ref()?;
        (*value != Variant::Empty).then_some(value)
    }

    /// How long the node has had its value; `None` if it has none.
    pub fn age(&self, path: &str) -> Option<Duration> {
        let written = self.stored(path)?.source_timestamp?.as_chrono();
        Some((self.at - written).to_std().unwrap_or_default())
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

    fn store(&mut self, path: &str, new: Reading) {
        match self.instance.set(path, new) {
            Ok(stored) => self.delta.note(stored),
            // Plan and values of a block disagree: a mistake in this program.
            Err(error) => debug_assert!(false, "{error}"),
        }
    }
}

/// Whether a node has this value already. One that was never written has no timestamp, even if it says the same.
fn says(old: Option<&DataValue>, new: &Reading) -> bool {
    let new = new.data_value();
    old.is_some_and(|old| {
        old.value == new.value && old.status == new.status && old.source_timestamp.is_some()
    })
}

/// The timestamp of what a node has.
fn last(old: Option<&DataValue>) -> Option<Timestamp> {
    Some(old?.source_timestamp?.as_chrono())
}

fn not_before(last: Option<Timestamp>, at: Timestamp) -> Timestamp {
    last.map_or(at, |last| last.max(at))
}

/// Time as OPC UA transports it.
pub(super) fn utc(at: Timestamp) -> DateTime {
    DateTime::from(at)
}
