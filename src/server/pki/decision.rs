//! What an operator can decide about a certificate, and why that may not be possible.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::certificate::Certificate;
use super::crl::Crl;
use super::folders::{ISSUERS, REJECTED, REVOKED, TRUSTED, USERS};

/// So few digits are never an accident.
pub(super) const FEWEST_DIGITS: usize = 4;

/// What the operator has decided about a certificate, or not yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    Trusted,
    User,
    Issuer,
    Rejected,
    Revoked,
}

impl Standing {
    pub(super) const ALL: [Self; 5] = [
        Self::Trusted,
        Self::User,
        Self::Issuer,
        Self::Rejected,
        Self::Revoked,
    ];

    /// The name of its folder.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Trusted => TRUSTED,
            Self::User => USERS,
            Self::Issuer => ISSUERS,
            Self::Rejected => REJECTED,
            Self::Revoked => REVOKED,
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Trusted => "trusted",
            Self::User => "user",
            Self::Issuer => "issuer",
            Self::Rejected => "rejected",
            Self::Revoked => "revoked",
        })
    }
}

/// What a certificate is accepted as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Application,
    User,
    Issuer,
}

impl Purpose {
    pub(super) fn standing(self) -> Standing {
        match self {
            Self::Application => Standing::Trusted,
            Self::User => Standing::User,
            Self::Issuer => Standing::Issuer,
        }
    }
}

/// A certificate in one of the folders.
#[derive(Debug, Clone)]
pub struct Entry {
    pub standing: Standing,
    pub path: PathBuf,
    pub certificate: Arc<Certificate>,
}

/// All that is known of one certificate.
#[derive(Debug, Clone)]
pub struct Known {
    /// SHA-256 in hexadecimal digits.
    pub thumbprint: String,
    /// `None`: it is revoked by its thumbprint alone.
    pub certificate: Option<Arc<Certificate>>,
    /// Where it stands; more than one file is possible.
    pub places: Vec<(Standing, PathBuf)>,
}

impl Known {
    pub fn standings(&self) -> BTreeSet<Standing> {
        self.places.iter().map(|(standing, _)| *standing).collect()
    }
}

/// What has become of something.
#[derive(Debug, Clone)]
pub enum Moved {
    /// It stands in this folder now.
    Certificate(Arc<Certificate>, Standing),
    /// A revocation list is in force now.
    Crl(Arc<Crl>),
    /// It was revoked by its thumbprint alone, and is not any more; nobody here has the certificate itself.
    Unrevoked(String),
    /// It is revoked by its thumbprint alone.
    Forbidden(String),
}

/// Why the trust list stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    #[error("{path}: {reason}", path = path.display())]
    Folder { path: PathBuf, reason: io::Error },
    #[error("{path}: {reason}", path = path.display())]
    File { path: PathBuf, reason: String },
    #[error(
        "{written} is not a thumbprint: write at least {FEWEST_DIGITS} of its hexadecimal digits, as `umati-bridge trust \
         list` shows them"
    )]
    NotAThumbprint { written: String },
    #[error(
        "no certificate has a thumbprint that begins with {digits}; `umati-bridge trust list` shows all"
    )]
    Unknown { digits: String },
    #[error("{digits} is ambiguous, write more of it: {candidates}", candidates = candidates.join(", "))]
    Ambiguous {
        digits: String,
        candidates: Vec<String>,
    },
    #[error(
        "{subject} is not the certificate of an authority: its basicConstraints do not say so; accept it without \
         --issuer"
    )]
    NotAnAuthority { subject: String },
    #[error("there is a newer revocation list of {issuer} already, of {there}")]
    OlderCrl { issuer: String, there: String },
    #[error("{thumbprint} is {standings} only, so there is nothing to reject")]
    NothingToReject {
        thumbprint: String,
        standings: String,
    },
}
