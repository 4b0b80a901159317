//! The model of one machine: what is known, since when, and how well.
//!
//! Pure: no I/O, no locks, no clock. Time is passed in; the same observations at the same times give the same
//! machine. Sources emit [`Observation`]s, `umati` reads the result.

mod job;
mod observation;

pub use job::*;
pub use observation::*;

use std::collections::BTreeMap;
use std::time::Duration;

/// Wall-clock time, always passed in from outside.
pub type Timestamp = chrono::DateTime<chrono::Utc>;

/// What the operator told about a machine; OctoPrint cannot tell it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Nameplate {
    /// Stable identity, part of every NodeId and job identity. Letters, digits, `-`, `_`, `.`.
    pub id: String,
    /// The name shown to people.
    pub name: String,
    pub manufacturer: Option<String>,
    pub model: Option<String>,
    pub serial_number: Option<String>,
    pub product_code: Option<String>,
    pub year_of_construction: Option<u16>,
    pub location: Option<String>,
    pub asset_id: Option<String>,
}

/// How to judge the age of what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// An unreachable machine's last values are usable for this long, then they are lost.
    pub stale_after: Duration,
    /// A temperature feed whose sample time does not advance for this long is frozen.
    pub frozen_after: Duration,
}

/// The first two of the four facts: is the server reachable, is the key accepted.
#[derive(Debug, Clone, PartialEq)]
pub enum Link {
    /// Nothing was read yet.
    Waiting,
    /// Answers, and accepts the key.
    Up { since: Timestamp },
    /// Does not answer.
    Unreachable { since: Timestamp, why: Unreachable },
    /// Answers, but rejects the key.
    KeyRejected { since: Timestamp, why: KeyRejection },
}

/// How much the values that depend on the source can be trusted at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// No report was ever received.
    Waiting,
    /// The link is up.
    Live,
    /// The link is down since less than `stale_after`: last values are still usable.
    Stale,
    /// The link is down for longer: there are no values.
    Lost,
}

/// A sensor that reported at least once. It never disappears again; it can only lose its data.
#[derive(Debug, Clone, PartialEq)]
pub struct Sensor {
    pub reading: SensorReading,
    /// The last temperature ever told, kept to serve "last usable value".
    pub last: Temperature,
    /// When `last` was sampled (by OctoPrint's clock if it told, else receive time).
    pub sampled: Timestamp,
}

/// Whether a sensor has data now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SensorReading {
    /// In the newest temperature report.
    Present,
    /// Present, but the feed's sample time stands still: the printer does not answer OctoPrint.
    Frozen,
    /// Missing from the newest temperature report.
    Missing,
}

/// Everything known about one machine.
#[derive(Debug, Clone)]
pub struct Machine {
    pub nameplate: Nameplate,
    pub patience: Patience,
    pub link: Link,
    /// The newest report; kept while the link is down.
    pub report: Option<Report>,
    /// When `report` was received.
    pub reported_at: Option<Timestamp>,
    /// When the printer state of `report` was first seen.
    pub state_since: Option<Timestamp>,
    pub sensors: BTreeMap<SensorId, Sensor>,
    pub software: Option<Software>,
    pub profile: Option<PrinterProfile>,
    /// The active job, or the last one that ended. `None` until a job was seen.
    pub job: Option<Job>,
}
