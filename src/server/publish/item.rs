//! One live monitored item: what it was handed last, and when it may be handed the truth.
//!
//! ```text
//!            truth changes                     the sampling interval has passed,
//!   Settled ───────────────► not yet due ────► and a queue of one is empty ────► handed ──► Settled
//!                             (Due, Unpublished)                         │
//!                                                                        └► a null first (Detour) ─► Unpublished
//! ```
//!
//! A queue of one that was full when the truth changed, and has been published since, gets the truth shortly before
//! it is published again: it shall hold the newest value then (OPC 10000-4 §5.13.1.5), and what it holds cannot be
//! replaced.
//!
//! Always holds: the library never puts a value of ours aside (it would be stuck, or overtake the truth), because
//! no value is handed over before the item's sampling interval has passed and each carries a source timestamp that
//! the library's own sampling lets through; and a value handed to a queue of one never meets another there (the
//! library would mark it as overflow). What waits is not a value but the wish to look at the truth again, so the
//! newest truth is what is told.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use opcua::server::{MonitoredItem, Subscription};
use opcua::types::{DataValue, DateTime, MonitoringMode, NumericRange, Variant};

use super::form::{self, Choice, Form, Held};

/// The address of an item: subscription and item id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    pub subscription: u32,
    pub item: u32,
}

#[derive(Debug)]
pub(super) struct Item {
    pub machine: Box<str>,
    pub path: Box<str>,
    /// The part of the value that the client asked for.
    range: NumericRange,
    filter: Filter,
    held: Option<Held>,
    /// Source timestamp of what is held.
    held_source: Option<DateTime>,
    /// When the last truth was handed over.
    handed_at: Option<Instant>,
    /// Since when the client has it switched off.
    pub disabled: bool,
    pub pending: Pending,
    /// When its queue of one, which was in the way of a truth, was last seen to be published.
    published: Option<Instant>,
    /// When the item was first asked for; the library knows it a moment later.
    created: Instant,
    /// The library has it.
    seen: bool,
}

/// Whether the library compares the status too when it looks for a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::server) enum Filter {
    Absent,
    Present,
    /// The client has modified the item and may have given, changed or taken the filter.
    Unknown,
}

/// What an item waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pending {
    Nothing,
    Time(Instant),
    /// That its queue of one empties.
    Publication,
}

/// What came of an attempt to tell the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing was or is to be told.
    Idle,
    Handed,
    Due(Instant),
    /// Its queue of one still holds what was handed before.
    Unpublished,
    /// A null was handed; the truth follows when it has left.
    Detour,
    /// The library does not have the item (any more, or yet).
    Absent,
}

/// Long enough for the library to enter an item that it has announced.
const ENTRY_DEADLINE: Duration = Duration::from_secs(10);
/// How soon to look again for an item that the library has not entered yet.
const ENTRY_POLL: Duration = Duration::from_millis(10);

/// How long before the next publication a queue of one is filled: a few ticks, so that it is not missed.
const LEAD: Duration = Duration::from_millis(50);
/// The client may shorten the publishing interval without a word, so it is asked again this often.
const INTERVAL_POLL: Duration = Duration::from_secs(1);
/// A client may ask for longer intervals than a clock can tell.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Item {
    /// A new item and its first value.
    pub(super) fn new(
        machine: &str,
        path: &str,
        range: NumericRange,
        filter: Filter,
        mode: MonitoringMode,
        truth: &DataValue,
        now: Instant,
    ) -> (Self, DataValue) {
        let form = match filter {
            Filter::Present | Filter::Unknown => form::exact(truth, &range),
            Filter::Absent => match form::choose(None, truth, &range) {
                Choice::Hand(form) | Choice::Detour(form) => form,
                Choice::Told => form::exact(truth, &range),
            },
        };
        let mut item = Self {
            machine: machine.into(),
            path: path.into(),
            range,
            filter,
            held: None,
            held_source: None,
            handed_at: None,
            disabled: mode == MonitoringMode::Disabled,
            pending: Pending::Nothing,
            published: None,
            created: now,
            seen: false,
        };
        // A disabled item is handed nothing: the library drops it.
        if !item.disabled {
            item.held = Some(form.held);
            item.held_source = truth.source_timestamp;
            item.handed_at = Some(now);
        }
        let first = value(form.hand, truth, truth.source_timestamp);
        (item, first)
    }

    /// The client has modified the item, perhaps its filter, which the library does not tell.
    pub(super) fn modified(&mut self) {
        self.filter = Filter::Unknown;
        self.pending = Pending::Nothing;
        self.published = None;
    }

    /// Whether the item is no longer in its subscription.
    pub(super) fn is_gone(&mut self, subscription: &Subscription, key: Key, now: Instant) -> bool {
        if subscription.contains_key(&key.item) {
            self.seen = true;
            return false;
        }
        self.seen || now.duration_since(self.created) > ENTRY_DEADLINE
    }

    /// Hands the truth to the library's item if it is news and may be told now.
    pub(super) fn advance(
        &mut self,
        subscription: &mut Subscription,
        key: Key,
        truth: &DataValue,
        now: Instant,
    ) -> Step {
        let Some(live) = subscription.get(&key.item) else {
            return if self.seen {
                Step::Absent
            } else {
                Step::Due(now + ENTRY_POLL)
            };
        };
        self.seen = true;
        if live.monitoring_mode() == MonitoringMode::Disabled {
            return Step::Idle;
        }
        let sampling = Sampling::of(live);
        let one_by_one = live.queue_size() == 1 && live.is_reporting();
        let unpublished = live.has_notifications();

        if self.filter == Filter::Absent
            && form::choose(self.held.as_ref(), truth, &self.range) == Choice::Told
        {
            return Step::Idle;
        }
        if let Some(due) = self.handed_at.map(|at| sampling.after(at))
            && now < due
        {
            return Step::Due(due);
        }
        // With an empty queue it shows whether the library took what it was handed.
        if unpublished && (one_by_one || self.filter == Filter::Unknown) {
            return Step::Unpublished;
        }
        if self.pending == Pending::Publication {
            self.published = Some(now);
        }
        if one_by_one
            && let Some(turn) = self.turn(subscription.publishing_interval())
            && now < turn
        {
            return Step::Due(turn.min(now + INTERVAL_POLL));
        }
        match self.filter {
            Filter::Absent => {
                self.hand_differing(subscription, key, truth, sampling, now, one_by_one)
            }
            Filter::Present => {
                let form = form::exact(truth, &self.range);
                self.hand(subscription, key, form, truth, sampling, now);
                Step::Handed
            }
            Filter::Unknown => {
                let form = form::exact(truth, &self.range);
                let before = (self.held.clone(), self.held_source);
                let status_changed = before.0.as_ref().map(|h| h.status) != Some(form.held.status);
                self.hand(subscription, key, form, truth, sampling, now);
                let taken = subscription
                    .get(&key.item)
                    .is_some_and(MonitoredItem::has_notifications);
                if taken || !status_changed {
                    return Step::Handed;
                }
                // Each filter lets a new status through, so there is none.
                self.filter = Filter::Absent;
                (self.held, self.held_source) = before;
                self.hand_differing(subscription, key, truth, sampling, now, one_by_one)
            }
        }
    }

    /// When a queue of one that was published while a truth waited is to be filled again.
    fn turn(&self, publishing_interval: Duration) -> Option<Instant> {
        let wait = publishing_interval.saturating_sub(LEAD).min(YEAR);
        self.published.map(|published| published + wait)
    }

    /// Hands the truth in a form that the library takes for a change.
    fn hand_differing(
        &mut self,
        subscription: &mut Subscription,
        key: Key,
        truth: &DataValue,
        sampling: Sampling,
        now: Instant,
        one_by_one: bool,
    ) -> Step {
        match form::choose(self.held.as_ref(), truth, &self.range) {
            Choice::Told => Step::Idle,
            Choice::Hand(form) => {
                self.hand(subscription, key, form, truth, sampling, now);
                Step::Handed
            }
            Choice::Detour(null) => {
                self.hand_null(subscription, key, null, truth);
                if one_by_one {
                    return Step::Detour;
                }
                if let Choice::Hand(form) = form::choose(self.held.as_ref(), truth, &self.range) {
                    self.hand(subscription, key, form, truth, sampling, now);
                }
                Step::Handed
            }
        }
    }

    fn hand(
        &mut self,
        subscription: &mut Subscription,
        key: Key,
        form: Form,
        truth: &DataValue,
        sampling: Sampling,
        now: Instant,
    ) {
        let wall = DateTime::now();
        let source = sampling.source_timestamp(truth.source_timestamp, self.held_source, wall);
        subscription.notify_data_value(&key.item, value(form.hand, truth, source), &wall);
        self.held = Some(form.held);
        self.held_source = source;
        self.handed_at = Some(now);
    }

    /// Without a source timestamp: the library then lets it and its successor through at once.
    fn hand_null(
        &mut self,
        subscription: &mut Subscription,
        key: Key,
        null: Form,
        truth: &DataValue,
    ) {
        let status = null.held.status;
        let mut null_value = value(null.hand, truth, None);
        null_value.status = Some(status);
        subscription.notify_data_value(&key.item, null_value, &DateTime::now());
        self.held = Some(null.held);
        self.held_source = None;
    }
}

fn value(hand: Option<Variant>, truth: &DataValue, source: Option<DateTime>) -> DataValue {
    DataValue {
        value: hand,
        status: Some(truth.status()),
        source_timestamp: source,
        source_picoseconds: None,
        server_timestamp: truth.server_timestamp.or_else(|| Some(DateTime::now())),
        server_picoseconds: None,
    }
}

/// The sampling of an item as the library has revised it.
#[derive(Debug, Clone, Copy)]
struct Sampling {
    interval: Duration,
    /// The client asked for −1, "the publishing interval": the library then never moves the source timestamp.
    by_publishing: bool,
}

impl Sampling {
    fn of(live: &MonitoredItem) -> Self {
        let milliseconds = live.sampling_interval();
        Self {
            interval: Duration::try_from_secs_f64(milliseconds.max(0.0) / 1000.0)
                .unwrap_or(Duration::MAX),
            by_publishing: milliseconds < 0.0,
        }
    }

    /// The end of the interval that begins at `at`.
    fn after(self, at: Instant) -> Instant {
        at + self.interval.min(YEAR)
    }

    /// A source timestamp that the library's own sampling lets through.
    ///
    /// It compares source timestamps where we compare the times of handing over, and two truths may have come
    /// from one sample (a new status keeps the time of the value). Then the timestamp is moved on to the end of
    /// the interval, if that has passed; else it is left out. With sampling by publishing interval it is always
    /// left out: the library would give each value the timestamp of the first one.
    fn source_timestamp(
        self,
        truth: Option<DateTime>,
        held: Option<DateTime>,
        wall: DateTime,
    ) -> Option<DateTime> {
        if self.by_publishing {
            return None;
        }
        let (truth, Some(held)) = (truth?, held) else {
            return truth;
        };
        let earliest = TimeDelta::from_std(self.interval)
            .ok()
            .and_then(|interval| held.as_chrono().checked_add_signed(interval))
            .map(DateTime::from)?;
        if truth >= earliest {
            Some(truth)
        } else if earliest <= wall {
            Some(earliest)
        } else {
            None
        }
    }
}
