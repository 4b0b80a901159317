//! How it is written: JSON, so that a later version may add fields and an older one skips them.
//!
//! Times are nanoseconds since 1970, durations milliseconds. These are the words of the file and of nobody else: the
//! model may change its own without a change here.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::DateTime;
use serde::{Deserialize, Serialize};

use crate::machine::{
    Checkpoint, Counters, Filament, FileRef, Firmware, Interruption, Job, JobFile, JobId, JobPhase,
    JobStart, Order, OrderId, OrderOrigin, OrderState, Outcome, Progress, Running, Saved, Tag,
    Timestamp, WrittenTag,
};

type Nanos = i64;
type Millis = u64;

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct MachineRecord {
    seen: Nanos,
    power_on: Millis,
    operation: Millis,
    cycles: u64,
    parts: u64,
    running: Option<RunningRecord>,
    firmware: Option<FirmwareRecord>,
    tags: BTreeMap<TagRecord, WrittenRecord>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct FirmwareRecord {
    name: String,
    machine_type: Option<String>,
    uuid: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum TagRecord {
    AssetId,
    ComponentName,
    Location,
}

#[derive(Debug, Serialize, Deserialize)]
struct WrittenRecord {
    text: String,
    #[serde(default)]
    instead_of: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct RunningRecord {
    order: String,
    completion: Option<f64>,
    print_time: Option<Millis>,
    #[serde(default)]
    cancelling: bool,
    seen: Nanos,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct OrderRecord {
    id: String,
    #[serde(default)]
    from_mes: bool,
    file: Option<FileRecord>,
    /// Base64.
    document: Option<String>,
    #[serde(default)]
    priority: i16,
    state: StateRecord,
    created: Nanos,
    since: Nanos,
    #[serde(default)]
    asked: Option<Nanos>,
    reason: Option<String>,
    job: Option<JobRecord>,
    #[serde(default)]
    filament: BTreeMap<String, FilamentRecord>,
}

#[derive(Debug, Serialize, Deserialize)]
struct FileRecord {
    origin: String,
    path: String,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum StateRecord {
    NotAllowedToStart,
    AllowedToStart,
    Running,
    Held,
    Suspended,
    Ended,
    Aborted,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct FilamentRecord {
    length: Option<f64>,
    volume: Option<f64>,
    weight: Option<f64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct JobRecord {
    id: String,
    file: Option<JobFileRecord>,
    start: Nanos,
    #[serde(default)]
    start_seen: bool,
    phase: PhaseRecord,
    completion: Option<f64>,
    file_position: Option<u64>,
    print_time: Option<Millis>,
    print_time_left: Option<Millis>,
}

#[derive(Debug, Serialize, Deserialize)]
struct JobFileRecord {
    origin: String,
    path: String,
    name: String,
    display: String,
    size: Option<u64>,
    date: Option<Nanos>,
}

#[derive(Debug, Serialize, Deserialize)]
enum PhaseRecord {
    Running,
    Paused(Nanos),
    Completed(Nanos),
    Cancelled(Nanos),
    Failed(Nanos, String),
    Unknown(Nanos, String),
}

impl MachineRecord {
    /// The machine is configured at `now`.
    pub(super) fn seen(self, now: Timestamp) -> Self {
        Self {
            seen: nanos(now),
            ..self
        }
    }

    pub(super) fn is_unseen_since(&self, before: Timestamp) -> bool {
        self.seen < nanos(before)
    }

    pub(super) fn with(
        mut self,
        checkpoint: Option<&Checkpoint>,
        tags: Option<&BTreeMap<Tag, WrittenTag>>,
    ) -> Self {
        if let Some(Checkpoint {
            counters,
            running,
            firmware,
        }) = checkpoint
        {
            self.firmware = firmware.as_ref().map(|told| FirmwareRecord {
                name: told.name.clone(),
                machine_type: told.machine_type.clone(),
                uuid: told.uuid.clone(),
            });
            self.power_on = millis(counters.power_on);
            self.operation = millis(counters.operation);
            self.cycles = counters.cycles;
            self.parts = counters.parts;
            self.running = running.as_ref().map(|running| RunningRecord {
                order: running.order.0.clone(),
                completion: finite(running.completion),
                print_time: running.print_time.map(millis),
                cancelling: running.cancelling,
                seen: nanos(running.seen_at),
            });
        }
        if let Some(tags) = tags {
            let record = |(tag, written): (&Tag, &WrittenTag)| {
                let record = WrittenRecord {
                    text: written.text.clone(),
                    instead_of: written.instead_of.clone(),
                };
                (TagRecord::from(*tag), record)
            };
            self.tags = tags.iter().map(record).collect();
        }
        self
    }

    pub(super) fn into_saved(self, orders: Vec<Order>) -> Saved {
        let tag = |(tag, record): (TagRecord, WrittenRecord)| {
            let written = WrittenTag {
                text: record.text,
                instead_of: record.instead_of,
            };
            (tag.into(), written)
        };
        Saved {
            orders,
            checkpoint: Checkpoint {
                counters: Counters {
                    power_on: Duration::from_millis(self.power_on),
                    operation: Duration::from_millis(self.operation),
                    cycles: self.cycles,
                    parts: self.parts,
                },
                running: self.running.map(|record| Running {
                    order: OrderId(record.order),
                    completion: record.completion,
                    print_time: record.print_time.map(Duration::from_millis),
                    cancelling: record.cancelling,
                    seen_at: time(record.seen),
                }),
                firmware: self.firmware.map(|record| Firmware {
                    name: record.name,
                    machine_type: record.machine_type,
                    uuid: record.uuid,
                }),
            },
            tags: self.tags.into_iter().map(tag).collect(),
        }
    }
}

impl From<&Order> for OrderRecord {
    fn from(order: &Order) -> Self {
        let filament = |(tool, needs): (&str, &Filament)| {
            let record = FilamentRecord {
                length: finite(needs.length),
                volume: finite(needs.volume),
                weight: finite(needs.weight),
            };
            (tool.to_owned(), record)
        };
        Self {
            id: order.id.0.clone(),
            from_mes: order.origin == OrderOrigin::Mes,
            file: order.file.as_ref().map(|file| FileRecord {
                origin: file.origin.clone(),
                path: file.path.clone(),
            }),
            document: order.document.as_ref().map(|it| BASE64_STANDARD.encode(it)),
            priority: order.priority,
            state: order.state.into(),
            created: nanos(order.created_at),
            since: nanos(order.state_since),
            asked: order.asked_at.map(nanos),
            reason: order.reason.clone(),
            job: order.job.as_ref().map(JobRecord::from),
            filament: order.filament.iter().map(filament).collect(),
        }
    }
}

impl OrderRecord {
    pub(super) fn into_order(self) -> Order {
        let filament = |(tool, record): (String, FilamentRecord)| {
            let needs = Filament {
                length: record.length,
                volume: record.volume,
                weight: record.weight,
            };
            (tool, needs)
        };
        Order {
            id: OrderId(self.id),
            origin: if self.from_mes {
                OrderOrigin::Mes
            } else {
                OrderOrigin::Internal
            },
            file: self.file.map(|file| FileRef {
                origin: file.origin,
                path: file.path,
            }),
            document: self
                .document
                .and_then(|text| BASE64_STANDARD.decode(text).ok())
                .map(Arc::from),
            priority: self.priority,
            state: self.state.into(),
            created_at: time(self.created),
            state_since: time(self.since),
            asked_at: self.asked.map(time),
            reason: self.reason,
            job: self.job.map(JobRecord::into_job),
            filament: self.filament.into_iter().map(filament).collect(),
        }
    }
}

impl From<&Job> for JobRecord {
    fn from(job: &Job) -> Self {
        let progress = &job.progress;
        Self {
            id: job.id.0.clone(),
            file: job.file.as_ref().map(|file| JobFileRecord {
                origin: file.origin.clone(),
                path: file.path.clone(),
                name: file.name.clone(),
                display: file.display.clone(),
                size: file.size,
                date: file.date.map(nanos),
            }),
            start: nanos(job.start.at()),
            start_seen: matches!(job.start, JobStart::Seen(_)),
            phase: match &job.phase {
                JobPhase::Running => PhaseRecord::Running,
                JobPhase::Paused(at) => PhaseRecord::Paused(nanos(*at)),
                JobPhase::Ended { at, outcome } => match outcome {
                    Outcome::Completed => PhaseRecord::Completed(nanos(*at)),
                    Outcome::Cancelled => PhaseRecord::Cancelled(nanos(*at)),
                    Outcome::Failed { reason } => PhaseRecord::Failed(nanos(*at), reason.clone()),
                    Outcome::Unknown { why } => PhaseRecord::Unknown(nanos(*at), why.to_string()),
                },
            },
            completion: finite(progress.completion),
            file_position: progress.file_position,
            print_time: progress.print_time.map(millis),
            print_time_left: progress.print_time_left.map(millis),
        }
    }
}

impl JobRecord {
    fn into_job(self) -> Job {
        let start = time(self.start);
        let ended = |at, outcome| JobPhase::Ended {
            at: time(at),
            outcome,
        };
        Job {
            id: JobId(self.id),
            file: self.file.map(|file| JobFile {
                origin: file.origin,
                path: file.path,
                name: file.name,
                display: file.display,
                size: file.size,
                date: file.date.map(time),
            }),
            start: if self.start_seen {
                JobStart::Seen(start)
            } else {
                JobStart::Reckoned(start)
            },
            phase: match self.phase {
                PhaseRecord::Running => JobPhase::Running,
                PhaseRecord::Paused(at) => JobPhase::Paused(time(at)),
                PhaseRecord::Completed(at) => ended(at, Outcome::Completed),
                PhaseRecord::Cancelled(at) => ended(at, Outcome::Cancelled),
                PhaseRecord::Failed(at, reason) => ended(at, Outcome::Failed { reason }),
                PhaseRecord::Unknown(at, why) => ended(
                    at,
                    Outcome::Unknown {
                        why: Cow::Owned(why),
                    },
                ),
            },
            progress: Progress {
                completion: self.completion,
                file_position: self.file_position,
                print_time: self.print_time.map(Duration::from_millis),
                print_time_left: self.print_time_left.map(Duration::from_millis),
                print_time_left_origin: None,
            },
        }
    }
}

impl From<OrderState> for StateRecord {
    fn from(state: OrderState) -> Self {
        match state {
            OrderState::NotAllowedToStart => Self::NotAllowedToStart,
            OrderState::AllowedToStart => Self::AllowedToStart,
            OrderState::Running => Self::Running,
            OrderState::Interrupted(Interruption::Held) => Self::Held,
            OrderState::Interrupted(Interruption::Suspended) => Self::Suspended,
            OrderState::Ended => Self::Ended,
            OrderState::Aborted => Self::Aborted,
        }
    }
}

impl From<StateRecord> for OrderState {
    fn from(record: StateRecord) -> Self {
        match record {
            StateRecord::NotAllowedToStart => Self::NotAllowedToStart,
            StateRecord::AllowedToStart => Self::AllowedToStart,
            StateRecord::Running => Self::Running,
            StateRecord::Held => Self::Interrupted(Interruption::Held),
            StateRecord::Suspended => Self::Interrupted(Interruption::Suspended),
            StateRecord::Ended => Self::Ended,
            StateRecord::Aborted => Self::Aborted,
        }
    }
}

impl From<Tag> for TagRecord {
    fn from(tag: Tag) -> Self {
        match tag {
            Tag::AssetId => Self::AssetId,
            Tag::ComponentName => Self::ComponentName,
            Tag::Location => Self::Location,
        }
    }
}

impl From<TagRecord> for Tag {
    fn from(record: TagRecord) -> Self {
        match record {
            TagRecord::AssetId => Self::AssetId,
            TagRecord::ComponentName => Self::ComponentName,
            TagRecord::Location => Self::Location,
        }
    }
}

/// Times beyond the years 1677 to 2262 become the last of them.
fn nanos(at: Timestamp) -> Nanos {
    at.timestamp_nanos_opt()
        .unwrap_or(if at > Timestamp::UNIX_EPOCH {
            Nanos::MAX
        } else {
            Nanos::MIN
        })
}

fn time(nanos: Nanos) -> Timestamp {
    DateTime::from_timestamp_nanos(nanos)
}

fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}

/// JSON knows no NaN.
fn finite(number: Option<f64>) -> Option<f64> {
    number.filter(|number| number.is_finite())
}
