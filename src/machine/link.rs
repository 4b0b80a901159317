//! Whether the source can be read, and what that means for the values that came from it.

use super::{KeyRejection, Timestamp, Unreachable};

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
