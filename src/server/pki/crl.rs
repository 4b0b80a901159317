//! A certificate revocation list, read (RFC 5280 §5). Lists that tell only a part (changes, some reasons, other issuers'
//! certificates) are not read: what they leave out would pass as not revoked.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use x509_cert::crl::CertificateList;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::AuthorityKeyIdentifier;

use super::certificate::{Certificate, utc};
use super::der;
use super::signature::Signed;
use super::text::{hex, printed};

const AUTHORITY_KEY_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.35");
const DELTA: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.27");
const ISSUING_POINT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.28");

/// What a revocation list says of itself.
#[derive(Debug)]
pub struct Crl {
    /// Who has signed it, in RFC 4514 form, fit for a terminal.
    pub issuer: String,
    pub this_update: DateTime<Utc>,
    /// When the next one is due; without it, this one counts until another takes its place.
    pub next_update: Option<DateTime<Utc>>,
    pub(super) der: Vec<u8>,
    pub(super) issuer_der: Vec<u8>,
    pub(super) authority_key_id: Option<Vec<u8>>,
    pub(super) revoked: HashSet<Vec<u8>>,
    signed: Signed,
}

impl Crl {
    /// Reads exactly one list.
    ///
    /// # Errors
    /// What is wrong with the bytes, or why the list is of no use.
    pub(super) fn from_der(der: &[u8]) -> Result<Self, String> {
        let broken =
            |reason: x509_cert::der::Error| format!("not a revocation list: {}", printed(&reason));
        let read = CertificateList::from_der(der).map_err(broken)?;
        let list = &read.tbs_cert_list;
        let extensions = list.crl_extensions.as_deref().unwrap_or(&[]);
        if let Some(partial) = extensions
            .iter()
            .find(|it| it.critical || it.extn_id == DELTA || it.extn_id == ISSUING_POINT)
        {
            return Err(format!(
                "not a complete revocation list: it has the extension {}",
                partial.extn_id
            ));
        }
        let entries = list.revoked_certificates.as_deref().unwrap_or(&[]);
        let of_entries = entries
            .iter()
            .filter_map(|it| it.crl_entry_extensions.as_deref());
        if of_entries.flatten().any(|it| it.critical) {
            return Err("entries of the revocation list have a critical extension".to_owned());
        }
        let key_id = extensions
            .iter()
            .find(|it| it.extn_id == AUTHORITY_KEY_ID)
            .map(|it| AuthorityKeyIdentifier::from_der(it.extn_value.as_bytes()))
            .transpose()
            .map_err(broken)?
            .and_then(|it| it.key_identifier);
        let parts = der::signed(der).zip(read.signature.as_bytes());
        let ((message, algorithm), signature) =
            parts.ok_or("not a revocation list: its signature cannot be read")?;
        Ok(Self {
            issuer: printed(&list.issuer),
            this_update: utc(list.this_update),
            next_update: list.next_update.map(utc),
            der: der.to_vec(),
            issuer_der: list.issuer.to_der().map_err(broken)?,
            authority_key_id: key_id.map(|it| it.into_bytes()),
            revoked: entries
                .iter()
                .map(|it| it.serial_number.as_bytes().to_vec())
                .collect(),
            signed: Signed {
                message: message.to_vec(),
                algorithm: algorithm.to_vec(),
                signature: signature.to_vec(),
            },
        })
    }

    /// How many certificates it revokes.
    pub fn count(&self) -> usize {
        self.revoked.len()
    }

    /// Whether it is a list of this authority, signed with the authority's key.
    pub(super) fn is_of(&self, authority: &Certificate) -> bool {
        self.issuer_der == authority.subject_der
            && may_sign_lists(authority)
            && self.signed.is_by(authority)
    }

    /// Whether it is the latest at this time, as far as anybody can know.
    pub(super) fn is_current(&self, now: DateTime<Utc>) -> bool {
        self.this_update <= now && self.next_update.is_none_or(|next| now <= next)
    }

    /// Its place among other lists: a newer list of the same authority has the same name.
    pub(super) fn name(&self) -> String {
        use sha2::{Digest, Sha256};
        let mut hash = Sha256::new();
        hash.update(&self.issuer_der);
        hash.update(self.authority_key_id.as_deref().unwrap_or_default());
        hex(&hash.finalize())
    }
}

fn may_sign_lists(authority: &Certificate) -> bool {
    authority.usage.is_none_or(|usage| usage.crl_sign())
}
