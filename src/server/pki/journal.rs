//! Every log line of the trust list: fixed texts, data as fields. What stands in a certificate is made printable before.

use std::fmt::Display;
use std::path::Path;

use log::{error, info, warn};

/// Told once for each file, and again when it has changed.
pub(super) fn file_ignored(file: &Path, reason: &str) {
    warn!(
        "ignored a file of the trust list: file={}, {reason}",
        file.display()
    );
}

/// Nothing is trusted on its account as long as that lasts.
pub(super) fn folder_unreadable(folder: &Path, reason: &dyn Display) {
    error!(
        "cannot read a folder of the trust list: folder={}, {reason}",
        folder.display()
    );
}

/// The operator's cue to accept it.
pub(super) fn certificate_rejected(thumbprint: &str, subject: &str, application_uri: &str) {
    info!(
        "put the certificate of an unknown client into `rejected`; to let it in: umati-bridge trust accept {thumbprint} \
         (subject={subject}, application_uri={application_uri:?})"
    );
}

/// Somebody shows ever new certificates.
pub(super) fn too_many_rejected(most: usize) {
    warn!(
        "more than {most} certificates of unknown clients within a minute; the others are not kept"
    );
}

pub(super) fn certificate_not_kept(folder: &Path, reason: &dyn Display) {
    warn!(
        "cannot keep the certificate of an unknown client: folder={}, {reason}",
        folder.display()
    );
}
