//! Bytes as they may stand in a file of the trust list, or as a client may send them for its certificates.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::certificate::Certificate;
use super::crl::Crl;
use super::folders::{Lists, file_name};
use super::shelf::Kept;
use super::{For, der, judge, split};

/// More do not fit into one message.
const MOST: usize = 16;

/// Reads them as a file, as a chain, and as values one after the other; what can be read is judged, with and without
/// being in the trust list itself.
pub fn trust(bytes: &[u8]) {
    let mut certificates = <Certificate as Kept>::parse(bytes).unwrap_or_default();
    let mut crls = <Crl as Kept>::parse(bytes).unwrap_or_default();
    let mut rest = bytes;
    while let Some((value, after)) = der::first(rest)
        && certificates.len() + crls.len() < MOST
    {
        certificates.extend(Certificate::from_der(value.whole));
        crls.extend(Crl::from_der(value.whole));
        rest = after;
    }
    // In 2026, whatever the clock of this computer says: the same bytes do the same again.
    let now = DateTime::from_timestamp_nanos(1_795_000_000_000_000_000);
    for certificate in &certificates {
        is_fit_to_be_shown(certificate);
        strangers_are_refused(certificate, now);
    }
    for crl in &crls {
        assert!(crl.name().bytes().all(|it| it.is_ascii_hexdigit()));
    }
    among_themselves(certificates, crls, now);
    if let Ok((leaf, sent)) = split(bytes) {
        assert!(judge(&leaf, &sent, &lists(), For::Application, now).is_err());
    }
}

fn is_fit_to_be_shown(certificate: &Certificate) {
    for text in [&certificate.subject, &certificate.issuer] {
        assert!(text.chars().count() <= 256 && !text.chars().any(char::is_control));
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    assert!(file_name(certificate).chars().all(is_plain));
    assert!(certificate.sha1().is_some());
}

fn strangers_are_refused(certificate: &Certificate, now: DateTime<Utc>) {
    for purpose in [For::Application, For::User] {
        assert!(judge(certificate, &[], &lists(), purpose, now).is_err());
    }
}

/// The first is judged by a trust list that holds all others.
fn among_themselves(certificates: Vec<Certificate>, crls: Vec<Crl>, now: DateTime<Utc>) {
    let mut certificates = certificates.into_iter().map(Arc::new);
    let Some(leaf) = certificates.next() else {
        return;
    };
    let mut lists = Lists {
        issuers: certificates.collect(),
        crls: crls.into_iter().map(Arc::new).collect(),
        ..lists()
    };
    let _ = judge(&leaf, &[], &lists, For::Application, now);
    lists.trusted.push(Arc::clone(&leaf));
    let _ = judge(&leaf, &[], &lists, For::User, now);
    lists.revoked.insert(leaf.thumbprint_hex());
    assert!(judge(&leaf, &[], &lists, For::User, now).is_err());
}

fn lists() -> Lists {
    Lists {
        trusted: Vec::new(),
        users: Vec::new(),
        issuers: Vec::new(),
        crls: Vec::new(),
        withdrawn: Vec::new(),
        revoked: HashSet::new(),
    }
}
