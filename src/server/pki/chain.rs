//! From a certificate up to an authority in `issuers`, and whether every step on the way holds (RFC 5280 §6 as far as
//! OPC 10000-4 §6.1.3 asks for it).
//!
//! ```text
//!  leaf ── signed by ──► authority ── signed by ──► authority in `issuers` ──► … as far up as `issuers` goes
//!         the client may send these, or they          from here on, only what
//!         stand in `issuers`                          stands in `issuers`
//! ```
//!
//! Always holds: the search ends, whatever signs whatever, because a path has at most [`LONGEST`] certificates, none of
//! them twice, and at most [`MOST_SIGNATURES`] signatures are looked at.

use chrono::{DateTime, Utc};

use super::certificate::Certificate;
use super::check;
use super::folders::Lists;
use super::problem::{Problem, Whose};

/// Certificates in a path, and in what a client may send.
pub(super) const LONGEST: usize = 5;
/// Far more than an honest chain needs; each takes some 50 µs.
const MOST_SIGNATURES: usize = 64;

/// The ways up from a certificate, the leaf first, each ending with an authority in `issuers`.
pub(super) struct Paths<'a> {
    pub found: Vec<Vec<&'a Certificate>>,
    /// Nobody is missing: what the client sent ends with an authority that has signed itself.
    pub is_complete: bool,
    has_too_many: bool,
}

impl<'a> Paths<'a> {
    /// # Errors
    /// If there are more ways than can be looked at: one that was left out might be the one that revokes.
    pub(super) fn of(
        leaf: &'a Certificate,
        sent: &'a [Certificate],
        lists: &'a Lists,
    ) -> Result<Self, Problem> {
        let mut search = Search {
            anchors: lists.issuers.iter().map(AsRef::as_ref).collect(),
            sent,
            signatures: MOST_SIGNATURES,
            paths: Self {
                found: Vec::new(),
                is_complete: leaf.is_self_issued(),
                has_too_many: false,
            },
        };
        search.climb(&mut vec![leaf], Height::BelowAnchor);
        if search.paths.has_too_many {
            let why = format!("more than {MOST_SIGNATURES} signatures lead up from it");
            return Err(Problem::Structure(why));
        }
        Ok(search.paths)
    }

    /// Whether one of the ways holds; if none does, what is wrong with the first.
    pub(super) fn hold(&self, lists: &Lists, now: DateTime<Utc>) -> Result<(), Problem> {
        let mut first = None;
        for path in &self.found {
            match holds(path, lists, now) {
                Ok(()) => return Ok(()),
                Err(problem) => first = first.or(Some(problem)),
            }
        }
        first.map_or(Ok(()), Err)
    }
}

/// Where the end of a path stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Height {
    BelowAnchor,
    Anchored,
}

struct Search<'a> {
    anchors: Vec<&'a Certificate>,
    sent: &'a [Certificate],
    signatures: usize,
    paths: Paths<'a>,
}

impl<'a> Search<'a> {
    fn climb(&mut self, path: &mut Vec<&'a Certificate>, height: Height) {
        let Some(&top) = path.last() else { return };
        let is_root = height == Height::Anchored && top.is_self_issued();
        let mut is_end = true;
        if !is_root && path.len() < LONGEST {
            let anchors = self
                .anchors
                .clone()
                .into_iter()
                .map(|it| (it, Height::Anchored));
            let sent = self.sent.iter().map(|it| (it, Height::BelowAnchor));
            let sent = sent.filter(|_| height == Height::BelowAnchor);
            for (candidate, reached) in anchors.chain(sent) {
                let is_in_path = path.iter().any(|it| it.thumbprint == candidate.thumbprint);
                if !is_in_path && self.has_signed(candidate, top) {
                    is_end = false;
                    if reached == Height::BelowAnchor && candidate.is_self_issued() {
                        self.paths.is_complete = true;
                    }
                    path.push(candidate);
                    self.climb(path, reached);
                    path.pop();
                }
            }
        }
        if is_end && height == Height::Anchored {
            self.paths.found.push(path.clone());
        }
    }

    fn has_signed(&mut self, authority: &Certificate, certificate: &Certificate) -> bool {
        if authority.subject_der != certificate.issuer_der {
            return false;
        }
        if let (Some(wanted), Some(is)) = (&certificate.authority_key_id, &authority.subject_key_id)
            && wanted != is
        {
            return false;
        }
        if self.signatures == 0 {
            self.paths.has_too_many = true;
            return false;
        }
        self.signatures -= 1;
        certificate.signed.is_by(authority)
    }
}

/// In the order of the table in OPC 10000-4 §6.1.3: time, use, revocation; each from the leaf upwards.
fn holds(path: &[&Certificate], lists: &Lists, now: DateTime<Utc>) -> Result<(), Problem> {
    let authorities = path.get(1..).unwrap_or_default();
    for authority in authorities {
        check::time(authority, Whose::Issuer, now)?;
    }
    for (index, authority) in authorities.iter().enumerate() {
        let below = authorities.iter().take(index);
        check::authority_use(authority, below.filter(|it| !it.is_self_issued()).count())?;
    }
    for authority in authorities {
        lists.not_revoked_here(authority, Whose::Issuer)?;
    }
    for (index, (certificate, authority)) in path.iter().zip(authorities).enumerate() {
        let whose = if index == 0 {
            Whose::Leaf
        } else {
            Whose::Issuer
        };
        not_revoked(certificate, whose, authority, lists, now)?;
    }
    Ok(())
}

/// By the newest revocation list of the authority that has signed the certificate.
fn not_revoked(
    certificate: &Certificate,
    whose: Whose,
    authority: &Certificate,
    lists: &Lists,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let newest = lists
        .crls
        .iter()
        .filter(|list| list.this_update <= now && list.is_of(authority))
        .max_by_key(|list| list.this_update);
    let subject = certificate.subject.clone();
    let unknown = |stale| Problem::RevocationUnknown {
        whose,
        subject: certificate.subject.clone(),
        issuer: authority.subject.clone(),
        stale,
    };
    match newest {
        Some(list) if list.revoked.contains(&certificate.serial) => Err(Problem::Revoked {
            whose,
            subject,
            by: authority.subject.clone(),
        }),
        Some(list) if !list.is_current(now) => {
            let due = list.next_update.unwrap_or(list.this_update);
            Err(unknown(format!(
                " (the next one was due on {})",
                due.format("%Y-%m-%d %H:%M UTC")
            )))
        }
        Some(_) => Ok(()),
        None => Err(unknown(String::new())),
    }
}
