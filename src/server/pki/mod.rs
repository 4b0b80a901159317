//! Whose certificates are trusted: the folders below `pki`, certificate authorities and their revocation lists.

use std::path::Path;

use opcua::types::StatusCode;

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

/// The trust list of a server. Reads the folders anew for each judgement, so that changes count at once.
#[derive(Debug, Clone)]
pub struct Trust;

impl Trust {
    /// `is_open`: an unknown application certificate is accepted, because the server lets everybody read anyway.
    pub fn new(_pki_dir: &Path, _is_open: bool) -> Self {
        Self
    }

    /// Judges the certificate (chain) of a client application, DER, the leaf first. One that is unknown is put into
    /// the folder `rejected`.
    ///
    /// # Errors
    /// Why it is not accepted.
    pub fn judge_application(&self, _chain: &[u8]) -> Result<ClientCertificate, Refused> {
        Err(Refused {
            status: StatusCode::BadCertificateUntrusted,
            reason: "there is no trust list yet".to_owned(),
        })
    }

    /// The user certificate with this SHA-1 thumbprint, which is all that the library tells of an X509 user token
    /// whose signature it has verified.
    ///
    /// # Errors
    /// If no such certificate is known, or it is known and not (any more) to be accepted.
    pub fn judge_user(&self, _sha1: &[u8]) -> Result<ClientCertificate, Refused> {
        Err(Refused {
            status: StatusCode::BadIdentityTokenRejected,
            reason: "there is no trust list yet".to_owned(),
        })
    }
}
