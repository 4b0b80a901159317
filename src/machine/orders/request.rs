//! What a MES may ask of a machine (the methods of OPC 10031-4 §6.2), and why it is refused.

use super::order::{FileRef, NewOrder, OrderId};

/// A method call on JobOrderControl, or a write of an identification tag.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    Order {
        request: OrderRequest,
        /// The comment that came with the call, in the first language given.
        comment: Option<String>,
    },
    /// A value for a property that OPC 40001-1 declares writable.
    Tag { tag: Tag, text: String },
}

/// The methods of ISA95JobOrderReceiverObjectType that a printer can serve.
#[derive(Debug, Clone, PartialEq)]
pub enum OrderRequest {
    Store(NewOrder),
    StoreAndStart(NewOrder),
    Update(NewOrder),
    Start(OrderId),
    RevokeStart(OrderId),
    Pause(OrderId),
    Resume(OrderId),
    Abort(OrderId),
    Cancel(OrderId),
    Clear(OrderId),
}

/// The identification properties that a client may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tag {
    AssetId,
    ComponentName,
    Location,
}

/// What to do about an admitted request.
#[derive(Debug, Clone, PartialEq)]
pub enum Admitted {
    /// It is done, or was done before (a repeated call); answer once the change is stored.
    Done,
    /// OctoPrint has to act. The call is answered by [`Machine::goal`](crate::machine::Machine::goal), a failed
    /// action by [`Machine::act_failed`](crate::machine::Machine::act_failed).
    Act {
        order: OrderId,
        action: PrinterAction,
    },
}

/// What OctoPrint is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrinterAction {
    /// Select the file and print it.
    Print(FileRef),
    Pause,
    Resume,
    Cancel,
}

/// How far an action has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// The order is in the state that the action leads to.
    Reached,
    /// Not yet; the printer may still get there.
    Pending,
    /// It cannot be reached any more.
    Missed(Refusal),
}

/// Why a request is not fulfilled; `umati` gives each its bit of ReturnStatus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    #[error("there is no such job order")]
    UnknownOrder,
    #[error("the job order is not in a state for this")]
    InvalidState,
    #[error("no more job orders can be taken")]
    UnableToAccept,
    #[error("the request is not valid")]
    InvalidRequest,
    #[error("the printer is not connected")]
    PrinterNotConnected,
    #[error("the printer is busy")]
    Busy,
    #[error("there is no such file")]
    FileNotFound,
    #[error("OctoPrint cannot be reached")]
    Unreachable,
    #[error("the API key does not permit this")]
    KeyNotPermitted,
    #[error("OctoPrint took the request, but the state was not reached in time")]
    TimedOut,
    #[error("the change could not be stored")]
    NotStored,
}
