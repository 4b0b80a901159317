//! A job order and what became of it (OPC 10031-4 V2): the MES's word for a job, before, while and after it prints.

use std::sync::Arc;

use crate::machine::{Job, JobFile, Timestamp, ToolFilament};

/// JobOrderID: chosen by the MES, or the [`JobId`](crate::machine::JobId) of a print that nobody ordered.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrderId(pub String);

/// A printable file as an order names it: `WorkMasterID[0].ID` is `<origin>/<path>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileRef {
    /// `local` or `sdcard`.
    pub origin: String,
    pub path: String,
}

impl FileRef {
    /// `<origin>/<path>`; `None` if either is missing.
    pub fn parse(id: &str) -> Option<Self> {
        let (origin, path) = id.split_once('/')?;
        (!origin.is_empty() && !path.is_empty()).then(|| Self {
            origin: origin.to_owned(),
            path: path.to_owned(),
        })
    }

    /// The WorkMaster ID.
    pub fn id(&self) -> String {
        format!("{}/{}", self.origin, self.path)
    }

    /// Whether a job prints this file.
    pub fn is(&self, file: &JobFile) -> bool {
        self.origin == file.origin && self.path == file.path
    }
}

/// Who made an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderOrigin {
    /// A MES stored it.
    Mes,
    /// Somebody started a print at the printer or in OctoPrint; the order was made for it.
    Internal,
}

/// Top-level states of ISA95JobOrderReceiverObjectType, with the sub-states that are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderState {
    NotAllowedToStart,
    AllowedToStart,
    Running,
    Interrupted(Interruption),
    /// The print was completed.
    Ended,
    /// Cancelled, failed, or nobody saw how it ended.
    Aborted,
}

impl OrderState {
    /// Ended or Aborted: nothing changes any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Ended | Self::Aborted)
    }

    /// The order waits; there is no response to it yet.
    pub fn is_waiting(self) -> bool {
        matches!(self, Self::NotAllowedToStart | Self::AllowedToStart)
    }
}

/// Why a running order stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interruption {
    /// Paused at the printer, in OctoPrint or by the firmware.
    Held,
    /// Paused by the method Pause.
    Suspended,
}

/// A job order with its state and, from Running on, its job.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    pub id: OrderId,
    pub origin: OrderOrigin,
    /// `None` while the file of a print that nobody ordered is not told.
    pub file: Option<FileRef>,
    /// The ISA95JobOrderDataType as the MES sent it, in OPC UA binary; opaque here. `None` for internal orders.
    pub document: Option<Arc<[u8]>>,
    /// Higher is sooner.
    pub priority: i16,
    pub state: OrderState,
    /// When it was stored, or its print was first seen.
    pub created_at: Timestamp,
    /// When `state` was entered.
    pub state_since: Timestamp,
    /// When OctoPrint was last asked to print it.
    pub asked_at: Option<Timestamp>,
    /// Why it is in this state: the comment of the MES, or what OctoPrint told.
    pub reason: Option<String>,
    /// The print. `None` while the order waits, and for one that was aborted before it ran.
    pub job: Option<Job>,
    /// By tool name: what the file needs of filament, as told while it was printed.
    pub filament: ToolFilament,
}

/// What a MES sends with Store, StoreAndStart and Update.
#[derive(Debug, Clone, PartialEq)]
pub struct NewOrder {
    pub id: OrderId,
    pub file: FileRef,
    pub document: Arc<[u8]>,
    pub priority: i16,
}
