//! Why a certificate is not accepted: one variant a row of OPC 10000-4 §6.1.3, Table "Certificate validation steps", in
//! words for the operator and as a status for the client.

use chrono::{DateTime, Utc};
use opcua::types::StatusCode;

use super::Refused;

/// The first thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Problem {
    #[error("the certificate cannot be read: {0}")]
    Structure(String),
    #[error("the certificate says that it has signed itself, but the signature is not its own")]
    Signature,
    #[error("the certificate is too weak for the security policies: {0}")]
    Policy(String),
    #[error(
        "the certificate is not known here; `umati-bridge trust accept {thumbprint}` lets it in"
    )]
    Untrusted { thumbprint: String },
    #[error(
        "the certificate is not known here, nor is {issuer}, which has signed it; `umati-bridge trust accept \
         {thumbprint}` lets it in, and `trust accept --issuer FILE` all that this authority signs"
    )]
    ChainIncomplete { thumbprint: String, issuer: String },
    #[error("{subject} is valid from {from} to {to} only", from = day(from), to = day(to))]
    Time {
        whose: Whose,
        subject: String,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    },
    #[error("the certificate has no application URI in its subjectAltName")]
    Uri,
    #[error("{subject} may not be used for this: {why}")]
    Use {
        whose: Whose,
        subject: String,
        why: String,
    },
    #[error(
        "nobody knows whether {subject} is revoked: there is no current revocation list of {issuer} in `crl`{stale}; \
         `umati-bridge trust accept --issuer FILE` takes one"
    )]
    RevocationUnknown {
        whose: Whose,
        subject: String,
        issuer: String,
        /// What is known of a list that cannot be used; begins with a space if there is something.
        stale: String,
    },
    #[error("{subject} is revoked by {by}")]
    Revoked {
        whose: Whose,
        subject: String,
        by: String,
    },
    #[error("the trust list cannot be read: {0}")]
    Unreadable(String),
}

/// Where in the chain the fault lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    Leaf,
    Issuer,
}

impl Problem {
    fn status(&self) -> StatusCode {
        use Whose::{Issuer, Leaf};
        match self {
            Self::Structure(_) | Self::Signature => StatusCode::BadCertificateInvalid,
            Self::Policy(_) => StatusCode::BadCertificatePolicyCheckFailed,
            Self::Untrusted { .. } => StatusCode::BadCertificateUntrusted,
            Self::ChainIncomplete { .. } => StatusCode::BadCertificateChainIncomplete,
            Self::Time { whose: Leaf, .. } => StatusCode::BadCertificateTimeInvalid,
            Self::Time { whose: Issuer, .. } => StatusCode::BadCertificateIssuerTimeInvalid,
            Self::Uri => StatusCode::BadCertificateUriInvalid,
            Self::Use { whose: Leaf, .. } => StatusCode::BadCertificateUseNotAllowed,
            Self::Use { whose: Issuer, .. } => StatusCode::BadCertificateIssuerUseNotAllowed,
            Self::RevocationUnknown { whose: Leaf, .. } => {
                StatusCode::BadCertificateRevocationUnknown
            }
            Self::RevocationUnknown { whose: Issuer, .. } => {
                StatusCode::BadCertificateIssuerRevocationUnknown
            }
            Self::Revoked { whose: Leaf, .. } => StatusCode::BadCertificateRevoked,
            Self::Revoked { whose: Issuer, .. } => StatusCode::BadCertificateIssuerRevoked,
            Self::Unreadable(_) => StatusCode::BadSecurityChecksFailed,
        }
    }

    /// The certificate is a stranger's: nothing is wrong with it otherwise, as far as was looked.
    pub(super) fn is_unknown(&self) -> bool {
        matches!(self, Self::Untrusted { .. } | Self::ChainIncomplete { .. })
    }

    /// Whether it says nothing to a server that lets everybody read: that nobody vouches for the client, or not as
    /// rules demand. What is broken, out of date or revoked is refused there, too.
    pub(super) fn is_forgiven_where_all_may_read(&self) -> bool {
        match self {
            Self::Untrusted { .. }
            | Self::ChainIncomplete { .. }
            | Self::Uri
            | Self::Use { .. }
            | Self::RevocationUnknown { .. } => true,
            Self::Time { whose, .. } => *whose == Whose::Issuer,
            Self::Structure(_)
            | Self::Signature
            | Self::Policy(_)
            | Self::Revoked { .. }
            | Self::Unreadable(_) => false,
        }
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self {
            status: problem.status(),
            reason: problem.to_string(),
        }
    }
}

fn day(time: &DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}
