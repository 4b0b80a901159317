//! The methods of JobManagement that a printer can serve (OPC 10031-4 §7.2.1, §7.2.7).

use crate::umati::blocks::jobs::{CONTROL, RESULTS};

/// A method of JobOrderControl or JobOrderResults. `Stop` is missing: a print has no orderly end before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobMethod {
    Store,
    StoreAndStart,
    Start,
    RevokeStart,
    Update,
    Pause,
    Resume,
    Abort,
    Cancel,
    Clear,
    RequestJobResponseByJobOrderID,
    RequestJobResponseByJobOrderState,
}

impl JobMethod {
    /// The methods of JobOrderControl, which need the control role.
    pub const CONTROL: [Self; 10] = [
        Self::Store,
        Self::StoreAndStart,
        Self::Start,
        Self::RevokeStart,
        Self::Update,
        Self::Pause,
        Self::Resume,
        Self::Abort,
        Self::Cancel,
        Self::Clear,
    ];

    /// The methods of JobOrderResults, which only tell.
    pub const RESULTS: [Self; 2] = [
        Self::RequestJobResponseByJobOrderID,
        Self::RequestJobResponseByJobOrderState,
    ];

    /// The method at a path of a machine. A client may also name the method of the type that it stands for:
    /// [`Blueprint::method`](crate::umati::blueprint::Blueprint::method) leads to the node.
    pub fn of(path: &str) -> Option<Self> {
        let (object, name) = path.rsplit_once('/')?;
        let known: &[Self] = match object {
            CONTROL => &Self::CONTROL,
            RESULTS => &Self::RESULTS,
            _ => return None,
        };
        known.iter().copied().find(|method| method.name() == name)
    }

    /// BrowseName, in the namespace of ISA-95 Job Control.
    pub fn name(self) -> &'static str {
        match self {
            Self::Store => "Store",
            Self::StoreAndStart => "StoreAndStart",
            Self::Start => "Start",
            Self::RevokeStart => "RevokeStart",
            Self::Update => "Update",
            Self::Pause => "Pause",
            Self::Resume => "Resume",
            Self::Abort => "Abort",
            Self::Cancel => "Cancel",
            Self::Clear => "Clear",
            Self::RequestJobResponseByJobOrderID => "RequestJobResponseByJobOrderID",
            Self::RequestJobResponseByJobOrderState => "RequestJobResponseByJobOrderState",
        }
    }

    /// The object that a client calls it on, by path.
    pub fn object(self) -> &'static str {
        if self.needs_control() {
            CONTROL
        } else {
            RESULTS
        }
    }

    /// Where it stands below a machine.
    pub fn path(self) -> String {
        format!("{}/{}", self.object(), self.name())
    }

    /// It acts on the machine; the others only tell.
    pub fn needs_control(self) -> bool {
        !Self::RESULTS.contains(&self)
    }
}
