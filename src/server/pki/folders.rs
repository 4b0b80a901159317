//! The folders of the trust list, and what stands in all of them at one moment.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::certificate::Certificate;
use super::crl::Crl;
use super::problem::{Problem, Whose};
use super::shelf::{Found, Shelf};
use super::text::hex;

/// Accepted, one by one.
pub(super) const TRUSTED: &str = "trusted";
/// Certificates of users, accepted one by one.
pub(super) const USERS: &str = "users";
/// Authorities: what they sign is accepted.
pub(super) const ISSUERS: &str = "issuers";
/// What the authorities have revoked.
pub(super) const CRL: &str = "crl";
/// Seen, and not accepted.
pub(super) const REJECTED: &str = "rejected";
/// Never to be accepted, whoever vouches for them.
pub(super) const REVOKED: &str = "revoked";

/// Reads the folders that a judgement needs.
#[derive(Debug)]
pub(super) struct Folders {
    pki_dir: PathBuf,
    trusted: Shelf<Certificate>,
    users: Shelf<Certificate>,
    issuers: Shelf<Certificate>,
    revoked: Shelf<Certificate>,
    crls: Shelf<Crl>,
}

/// What they hold.
#[derive(Debug)]
pub(super) struct Lists {
    pub trusted: Vec<Arc<Certificate>>,
    pub users: Vec<Arc<Certificate>>,
    pub issuers: Vec<Arc<Certificate>>,
    pub crls: Vec<Arc<Crl>>,
    /// What the operator has revoked, as far as the certificates themselves are here.
    pub withdrawn: Vec<Arc<Certificate>>,
    /// Thumbprints of all that the operator has revoked.
    pub revoked: HashSet<String>,
}

impl Folders {
    pub(super) fn new(pki_dir: &Path) -> Self {
        Self {
            pki_dir: pki_dir.to_owned(),
            trusted: Shelf::new(pki_dir.join(TRUSTED)),
            users: Shelf::new(pki_dir.join(USERS)),
            issuers: Shelf::new(pki_dir.join(ISSUERS)),
            revoked: Shelf::new(pki_dir.join(REVOKED)),
            crls: Shelf::new(pki_dir.join(CRL)),
        }
    }

    /// All or nothing: what cannot be read may be the very file that forbids something.
    pub(super) fn read(&mut self) -> Result<Lists, Problem> {
        let mut lists = || -> io::Result<Lists> {
            let by_name = revoked_by_name(&self.pki_dir)?.into_iter();
            let mut revoked: HashSet<String> = by_name.map(|(name, _)| name).collect();
            let withdrawn = items(self.revoked.read()?);
            revoked.extend(withdrawn.iter().map(|it| it.thumbprint_hex()));
            Ok(Lists {
                trusted: items(self.trusted.read()?),
                users: items(self.users.read()?),
                issuers: items(self.issuers.read()?),
                crls: items(self.crls.read()?),
                withdrawn,
                revoked,
            })
        };
        lists().map_err(|error| Problem::Unreadable(error.to_string()))
    }
}

impl Lists {
    /// The operator has not revoked it.
    pub(super) fn not_revoked_here(
        &self,
        certificate: &Certificate,
        whose: Whose,
    ) -> Result<(), Problem> {
        if self.revoked.contains(&certificate.thumbprint_hex()) {
            return Err(Problem::Revoked {
                whose,
                subject: certificate.subject.clone(),
                by: "the operator".to_owned(),
            });
        }
        Ok(())
    }
}

fn items<T>(found: Vec<Found<T>>) -> Vec<Arc<T>> {
    found.into_iter().map(|(_, item)| item).collect()
}

/// The thumbprints that are names of files in `revoked`, and these files: a certificate can be revoked that nobody here has ever had.
pub(super) fn revoked_by_name(pki_dir: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let entries = match fs::read_dir(pki_dir.join(REVOKED)) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|it| it.to_str());
        if let Some(thumbprint) = stem.and_then(thumbprint) {
            names.push((thumbprint, path));
        }
    }
    Ok(names)
}

/// A whole SHA-256 thumbprint in lower-case digits; colons and spaces between them do not matter.
pub(super) fn thumbprint(text: &str) -> Option<String> {
    digits(text).filter(|digits| digits.len() == 64)
}

/// Hexadecimal digits in lower case; colons and spaces between them do not matter.
pub(super) fn digits(text: &str) -> Option<String> {
    let digits = text.chars().filter(|c| !matches!(c, ':' | ' '));
    let digits: String = digits.map(|c| c.to_ascii_lowercase()).collect();
    digits
        .chars()
        .all(|c| c.is_ascii_hexdigit())
        .then_some(digits)
}

/// The name that a certificate has as a file: nothing that stands in it can become a path.
pub(super) fn file_name(certificate: &Certificate) -> String {
    format!("{}.der", hex(&certificate.thumbprint))
}

/// Writes a file whole or not at all; makes the folder if need be.
pub(super) fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let draft = path.with_extension(format!("{}-{count}.new", std::process::id()));
    let written = || {
        let mut file = fs::File::create(&draft)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&draft, path)
    };
    written().inspect_err(|_| {
        // What is left of it is never read, so that it cannot be removed matters less than why it is there.
        let _ = fs::remove_file(&draft);
    })
}

/// Removes a file that may be gone already.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}
