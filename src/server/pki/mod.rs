//! Whose certificates are trusted: the folders below `pki`, certificate authorities and their revocation lists.
//!
//! ```text
//!  chain of a client ──► read ──► known (trusted)? or path to an authority (issuers)? ──► time, use, crl ──► accepted
//!                                   │ neither
//!                                   └──► rejected ── trust accept ──► trusted ── trust revoke ──► revoked
//! ```
//!
//! Always holds: a judgement is about the folders as they are at that moment; nothing that a stranger wrote becomes part
//! of a path; what is in `revoked` is refused whoever vouches for it; where a folder cannot be read, nothing is accepted.

mod certificate;
mod chain;
mod check;
mod crl;
mod decision;
mod der;
mod folders;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod fuzzing;
mod journal;
mod list;
mod problem;
mod rejected;
mod shelf;
mod signature;
mod text;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use opcua::types::StatusCode;

use self::chain::Paths;
use self::folders::{Folders, Lists};
use self::problem::{Problem, Whose};
use self::rejected::Rejected;

pub use self::certificate::{Certificate, KeyKind};
pub use self::crl::Crl;
pub use self::decision::{Entry, Known, Moved, Purpose, Standing, TrustError};
pub use self::list::TrustList;
pub(super) use self::rejected::KEPT;
pub(super) use self::text::hex;

/// A certificate that was looked at, whether it is trusted or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// SHA-256 of the DER form.
    pub thumbprint: [u8; 32],
    /// Subject in RFC 4514 form, control characters escaped, at most 256 characters.
    pub subject: String,
    /// The URI in its subjectAltName (OPC 10000-6 §6.2.2), if there is one.
    pub application_uri: Option<String>,
}

/// Why a certificate is not accepted: the status for the client, words for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refused {
    pub status: StatusCode,
    pub reason: String,
}

/// The trust list of a server. Reads the folders anew for each judgement, so that changes count at once. Cheap to
/// clone; clones are one list.
///
/// A judgement reads folders, and writes when it puts a certificate into `rejected`: it takes a fraction of a
/// millisecond, but it is blocking.
#[derive(Debug, Clone)]
pub struct Trust {
    is_open: bool,
    folders: Arc<Mutex<Folders>>,
    rejected: Arc<Mutex<Rejected>>,
}

impl Trust {
    /// `is_open`: an unknown application certificate is accepted, because the server lets everybody read anyway.
    pub fn new(pki_dir: &Path, is_open: bool) -> Self {
        Self {
            is_open,
            folders: Arc::new(Mutex::new(Folders::new(pki_dir))),
            rejected: Arc::new(Mutex::new(Rejected::new(pki_dir.join(folders::REJECTED)))),
        }
    }

    /// Judges the certificate (chain) of a client application, DER, the leaf first. One that is unknown is put into
    /// the folder `rejected`.
    ///
    /// # Errors
    /// Why it is not accepted.
    pub fn judge_application(&self, chain: &[u8]) -> Result<ClientCertificate, Refused> {
        let (leaf, sent) = split(chain).map_err(Problem::Structure)?;
        let lists = lock(&self.folders).read()?;
        match judge(&leaf, &sent, &lists, For::Application, Utc::now()) {
            Ok(()) => Ok(shown(&leaf)),
            Err(problem) if self.is_open && problem.is_forgiven_where_all_may_read() => {
                check::time(&leaf, Whose::Leaf, Utc::now())?;
                Ok(shown(&leaf))
            }
            Err(problem) => {
                if problem.is_unknown() {
                    lock(&self.rejected).keep(&leaf);
                }
                Err(problem.into())
            }
        }
    }

    /// The user certificate with this SHA-1 thumbprint, which is all that the library tells of an X509 user token
    /// whose signature it has verified.
    ///
    /// # Errors
    /// If no such certificate is known, or it is known and not (any more) to be accepted.
    pub fn judge_user(&self, sha1: &[u8]) -> Result<ClientCertificate, Refused> {
        let is_it = |it: &Certificate| it.sha1().is_some_and(|own| own == sha1);
        self.judge_user_who(is_it, || {
            format!(
                "no user certificate with the SHA-1 thumbprint {} is known here; `umati-bridge trust accept FILE \
                 --user` takes one",
                hex(sha1.get(..20).unwrap_or(sha1))
            )
        })
    }

    /// The user certificate of somebody who is logged in, by its SHA-256 thumbprint.
    ///
    /// # Errors
    /// If it is not known or not to be accepted any more.
    pub(super) fn judge_user_again(&self, thumbprint: &[u8; 32]) -> Result<(), Refused> {
        let is_it = |it: &Certificate| it.thumbprint == *thumbprint;
        let judged = self.judge_user_who(is_it, || "it is not known here any more".to_owned());
        judged.map(|_| ())
    }

    fn judge_user_who(
        &self,
        is_it: impl Fn(&Certificate) -> bool,
        unknown: impl FnOnce() -> String,
    ) -> Result<ClientCertificate, Refused> {
        let refused = |reason| Refused {
            status: StatusCode::BadIdentityTokenRejected,
            reason,
        };
        let lists = lock(&self.folders).read();
        let lists = lists.map_err(|problem| refused(problem.to_string()))?;
        // One that was revoked is told as such.
        let known = lists.users.iter().chain(&lists.trusted);
        let user = known
            .chain(&lists.withdrawn)
            .find(|it| is_it(it))
            .ok_or_else(|| refused(unknown()))?;
        judge(user, &[], &lists, For::User, Utc::now())
            .map(|()| shown(user))
            .map_err(|problem| refused(problem.to_string()))
    }
}

impl Trust {
    /// Like [`Trust::judge_application`], without consequences.
    fn look_at(&self, leaf: &Certificate) -> Result<(), Refused> {
        let lists = lock(&self.folders).read()?;
        Ok(judge(leaf, &[], &lists, For::Application, Utc::now())?)
    }
}

/// What a certificate is shown for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum For {
    Application,
    User,
}

/// The steps of OPC 10000-4 §6.1.3, in the order of its table, except that what the operator has revoked is revoked
/// before anything else is asked.
fn judge(
    leaf: &Certificate,
    sent: &[Certificate],
    lists: &Lists,
    purpose: For,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    lists.not_revoked_here(leaf, Whose::Leaf)?;
    check::policy(leaf)?;
    check::own_signature(leaf)?;
    let paths = Paths::of(leaf, sent, lists)?;
    let users = lists.users.iter().filter(|_| purpose == For::User);
    let mut accepted = lists.trusted.iter().chain(users);
    let is_accepted = accepted.any(|it| it.thumbprint == leaf.thumbprint);
    if !is_accepted && paths.found.is_empty() {
        let thumbprint = leaf.thumbprint_hex();
        return Err(if paths.is_complete {
            Problem::Untrusted { thumbprint }
        } else {
            Problem::ChainIncomplete {
                thumbprint,
                issuer: leaf.issuer.clone(),
            }
        });
    }
    check::time(leaf, Whose::Leaf, now)?;
    if purpose == For::Application && leaf.application_uri.is_none() {
        return Err(Problem::Uri);
    }
    check::leaf_use(leaf)?;
    if !is_accepted {
        check::leaf_use_by_authority(leaf)?;
    }
    // Also for one that was accepted by itself: who takes in an authority wants to hear of what it revokes.
    paths.hold(lists, now)
}

/// The leaf, and what was sent with it.
fn split(chain: &[u8]) -> Result<(Certificate, Vec<Certificate>), String> {
    let mut certificates = Vec::new();
    let mut rest = chain;
    while !rest.is_empty() {
        if certificates.len() == chain::LONGEST {
            return Err(format!(
                "a chain has at most {} certificates",
                chain::LONGEST
            ));
        }
        let (value, after) = der::first(rest)
            .filter(|(value, _)| value.tag == der::SEQUENCE)
            .ok_or("it is not the DER form of a certificate")?;
        certificates.push(Certificate::from_der(value.whole)?);
        rest = after;
    }
    if certificates.is_empty() {
        return Err("there is none".to_owned());
    }
    let leaf = certificates.remove(0);
    Ok((leaf, certificates))
}

fn shown(certificate: &Certificate) -> ClientCertificate {
    ClientCertificate {
        thumbprint: certificate.thumbprint,
        subject: certificate.subject.clone(),
        application_uri: certificate.application_uri.clone(),
    }
}

/// What is behind these locks is rebuilt from the folders, so a panic in between leaves nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
