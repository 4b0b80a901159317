//! Whom to trust when an OctoPrint is reached by https.

use std::path::PathBuf;

use url::Url;

use super::field::{At, Field};
use super::files::{self, Folders, Found, ReadError};
use super::keys;
use super::label;
use super::mistake::Report;
use super::valid::Tls;
use super::written;

/// 4 MiB: several times the root certificates of an operating system.
const LARGEST_FILE: u64 = 4 << 20;

/// `None` is reported. Without a usable `url` its scheme cannot be held against `tls`.
pub(super) fn resolve(
    tls: Field<written::Tls>,
    url: Option<&Url>,
    folders: &Folders,
    report: &mut Report,
) -> Option<Tls> {
    let At { value, place } = match tls {
        Field::Absent => return Some(Tls::SystemRoots),
        Field::Wrong => return None,
        Field::Given(at) => at,
    };
    if url.is_some_and(|url| url.scheme() != "https") {
        let what = "`tls` is given, but `url` begins with http://: nothing would be encrypted";
        report.mistake(&place, what, "write https:// in `url`, or remove `tls`");
    }
    match (value.ca_file, value.fingerprint) {
        (Field::Absent, Field::Absent) => {
            let what = "`tls` holds neither `ca_file` nor `fingerprint`";
            let remedy = format!("{}, or remove `tls`", keys::TLS.write_it());
            report.mistake(&place, what, remedy);
            None
        }
        (Field::Given(path), Field::Absent) => ca_file(&path, folders, report).map(Tls::CaFile),
        (Field::Absent, Field::Given(text)) => {
            label::sha256(keys::FINGERPRINT, &text, report).map(Tls::Fingerprint)
        }
        (Field::Wrong, Field::Absent) | (Field::Absent, Field::Wrong) => None,
        (Field::Given(_) | Field::Wrong, Field::Given(_) | Field::Wrong) => {
            let what = "both `ca_file` and `fingerprint` are given";
            report.mistake(&place, what, "remove one of them");
            None
        }
    }
}

fn ca_file(path: &At<String>, folders: &Folders, report: &mut Report) -> Option<PathBuf> {
    let export = "name a PEM file with the certificate of the authority that signed OctoPrint's";
    let (what, remedy) = match folders.find(&path.value) {
        Found::File(file) => match files::read_text(&file, LARGEST_FILE) {
            Ok(text) if text.contains("-----BEGIN CERTIFICATE-----") => return Some(file),
            Ok(_) | Err(ReadError::NotText) => (
                format!("{} holds no PEM certificate", files::shown(&file)),
                export,
            ),
            Err(why) => (format!("{} {why}", files::shown(&file)), export),
        },
        Found::Folder(folder) => (
            format!("{} is a folder, not a file", files::shown(&folder)),
            export,
        ),
        Found::Unreadable(file, why) => (
            format!("{} cannot be read: {why}", files::shown(&file)),
            "let the user who runs umati-bridge read it",
        ),
        Found::Nowhere(tried) => (
            format!("no such file (tried {})", files::tried(&tried)),
            export,
        ),
    };
    report.mistake(&path.place, what, remedy);
    None
}
