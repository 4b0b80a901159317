//! The model of one machine: what is known, since when, and how well.
//!
//! Pure: no I/O, no locks, no clock. Time is passed in; the same observations at the same times give the same
//! machine. Sources emit [`Observation`]s, `umati` reads the result.

mod active;
mod alerts;
mod apply;
mod counters;
mod ending;
mod hearing;
mod hold;
mod identity;
mod job;
mod link;
mod mark;
mod news;
mod observation;
mod orders;
mod resume;
mod saved;
mod sensors;
mod tracker;

pub use alerts::{Alert, AlertKind};
pub use hold::{FilamentChange, LastTrouble};
pub use job::*;
pub use link::*;
pub use news::*;
pub use observation::*;
pub use orders::*;
pub use saved::*;
pub use sensors::{MAX_SENSORS, Sensor, SensorReading};

use std::collections::BTreeMap;
use std::time::Duration;

use hold::Held;
use sensors::Feed;
use tracker::Tracker;

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
    /// A MES may start, pause and abort prints here; without this, it can only watch.
    pub control: bool,
}

impl Nameplate {
    /// What the configuration says for a property that a client may write over.
    pub fn tag(&self, tag: Tag) -> Option<&str> {
        match tag {
            Tag::AssetId => self.asset_id.as_deref(),
            Tag::ComponentName => Some(&self.name),
            Tag::Location => self.location.as_deref(),
        }
    }
}

/// How to judge the age of what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// An unreachable machine's last values are usable for this long, then they are lost.
    pub stale_after: Duration,
    /// A temperature feed whose sample time does not advance for this long is frozen.
    pub frozen_after: Duration,
}

/// Everything known about one machine.
#[derive(Debug, Clone)]
pub struct Machine {
    pub nameplate: Nameplate,
    pub patience: Patience,
    pub link: Link,
    /// The newest report; kept while the link is down.
    pub report: Option<Report>,
    /// When `report` was received, or confirmed.
    pub reported_at: Option<Timestamp>,
    /// When the printer state of `report` was first seen.
    pub state_since: Option<Timestamp>,
    pub sensors: BTreeMap<SensorId, Sensor>,
    pub software: Option<Software>,
    pub profile: Option<PrinterProfile>,
    /// The active job, or the last one that ended. `None` until a job was seen.
    pub job: Option<Job>,
    /// All job orders: those of the MES and those of prints that nobody ordered.
    pub book: Book,
    pub counters: Counters,
    /// The files that OctoPrint could print; `None` while it does not tell, as a weak key may not ask.
    pub files: Option<Vec<PrintableFile>>,
    /// What clients wrote over the nameplate.
    pub tags: BTreeMap<Tag, WrittenTag>,
    /// How many orders that are over stay in the book.
    pub keep: Keep,
    /// Which way the facts come in.
    pub source: DataSource,
    /// The last error that was told by itself; stays after it is over.
    pub trouble: Option<LastTrouble>,
    /// What the firmware said of itself, last.
    pub firmware: Option<Firmware>,
    /// Somebody has to change the filament.
    pub filament_change: Option<FilamentChange>,
    held: Option<Held>,
    /// Since when the link is down, whatever the reasons in turn; `None` while it is up or was never tried.
    down_since: Option<Timestamp>,
    feed: Feed,
    tracker: Tracker,
    /// The newest time passed in: the model's time never runs backwards.
    now: Timestamp,
}

impl Machine {
    /// A machine of which nothing was read yet.
    pub fn new(nameplate: Nameplate, patience: Patience) -> Self {
        Self {
            nameplate,
            patience,
            link: Link::Waiting,
            report: None,
            reported_at: None,
            state_since: None,
            sensors: BTreeMap::new(),
            software: None,
            profile: None,
            job: None,
            book: Book::default(),
            counters: Counters::default(),
            files: None,
            tags: BTreeMap::new(),
            keep: Keep::default(),
            source: DataSource::default(),
            trouble: None,
            firmware: None,
            filament_change: None,
            held: None,
            down_since: None,
            feed: Feed::default(),
            tracker: Tracker::default(),
            now: Timestamp::MIN_UTC,
        }
    }

    /// What the printer was doing by the newest report; [`Self::freshness`] tells whether it may do so still.
    pub fn printer_state(&self) -> Option<PrinterState> {
        self.report.as_ref().map(|report| report.state)
    }

    /// The third of the four facts: the newest report said that the printer is connected.
    pub fn is_printer_connected(&self) -> bool {
        self.printer_state().is_some_and(PrinterState::is_connected)
    }

    /// What the firmware calls itself, if it has told a name.
    pub fn firmware_name(&self) -> Option<&str> {
        let name = self.firmware.as_ref()?.name.trim();
        (!name.is_empty()).then_some(name)
    }

    /// The job that runs or is paused.
    pub fn active_job(&self) -> Option<&Job> {
        self.job.as_ref().filter(|job| job.end().is_none())
    }

    /// The job that ended last; `None` while another one is active.
    pub fn last_job(&self) -> Option<&Job> {
        self.job.as_ref().filter(|job| job.end().is_some())
    }
}

/// `at` plus a duration, as late as time goes.
fn later(at: Timestamp, by: Duration) -> Timestamp {
    chrono::TimeDelta::from_std(by)
        .ok()
        .and_then(|by| at.checked_add_signed(by))
        .unwrap_or(Timestamp::MAX_UTC)
}
