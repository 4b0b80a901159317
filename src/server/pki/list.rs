//! The trust list as the operator works on it: `umati-bridge trust`.
//!
//! A running server needs not be told: it reads the folders for each judgement. Always holds: a certificate that moves is
//! written to its new folder before it leaves the old one, so it is never lost; while it is in two, `revoked` counts.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::certificate::Certificate;
use super::crl::Crl;
use super::decision::{Entry, FEWEST_DIGITS, Known, Moved, Purpose, Standing, TrustError};
use super::folders::{self, CRL, REVOKED, digits, file_name, remove, thumbprint, write_whole};
use super::shelf::{Shelf, read_file};
use super::text::{hex, printable};
use super::{Refused, Trust};

/// The folders below `<state_dir>/pki`.
#[derive(Debug, Clone)]
pub struct TrustList {
    pki_dir: PathBuf,
}

impl TrustList {
    pub fn new(pki_dir: &Path) -> Self {
        Self {
            pki_dir: pki_dir.to_owned(),
        }
    }

    /// Every certificate in every folder, in the order of [`Standing`].
    ///
    /// # Errors
    /// If a folder is there and cannot be read.
    pub fn entries(&self) -> Result<Vec<Entry>, TrustError> {
        let mut entries = Vec::new();
        for standing in Standing::ALL {
            let folder = self.pki_dir.join(standing.folder());
            let found = Shelf::new(folder.clone()).read().map_err(at(&folder))?;
            entries.extend(found.into_iter().map(|(path, certificate)| Entry {
                standing,
                path,
                certificate,
            }));
        }
        Ok(entries)
    }

    /// Every revocation list.
    ///
    /// # Errors
    /// If the folder is there and cannot be read.
    pub fn crls(&self) -> Result<Vec<(PathBuf, Arc<Crl>)>, TrustError> {
        let folder = self.pki_dir.join(CRL);
        Shelf::new(folder.clone()).read().map_err(at(&folder))
    }

    /// Everything that is known, by thumbprint; among it what is revoked by its thumbprint alone.
    ///
    /// # Errors
    /// If a folder is there and cannot be read.
    pub fn all(&self) -> Result<BTreeMap<String, Known>, TrustError> {
        let mut all = BTreeMap::new();
        for entry in self.entries()? {
            let thumbprint = entry.certificate.thumbprint_hex();
            let known = all.entry(thumbprint.clone()).or_insert_with(|| Known {
                thumbprint,
                certificate: Some(Arc::clone(&entry.certificate)),
                places: Vec::new(),
            });
            known.places.push((entry.standing, entry.path));
        }
        let revoked = folders::revoked_by_name(&self.pki_dir);
        for (thumbprint, path) in revoked.map_err(at(&self.pki_dir.join(REVOKED)))? {
            let known = all.entry(thumbprint.clone()).or_insert_with(|| Known {
                thumbprint,
                certificate: None,
                places: Vec::new(),
            });
            if !known.places.iter().any(|(_, known)| *known == path) {
                known.places.push((Standing::Revoked, path));
            }
        }
        Ok(all)
    }

    /// The one certificate whose thumbprint begins so.
    ///
    /// # Errors
    /// If there is none, or more than one, or the text is no thumbprint.
    pub fn find(&self, written: &str) -> Result<Known, TrustError> {
        let wanted = digits(written).filter(|it| it.len() >= FEWEST_DIGITS);
        let digits = wanted.ok_or_else(|| TrustError::NotAThumbprint {
            written: printable(written),
        })?;
        let all = self.all()?.into_values();
        let mut found: Vec<_> = all
            .filter(|it| it.thumbprint.starts_with(&digits))
            .collect();
        match (found.pop(), found.is_empty()) {
            (None, _) => Err(TrustError::Unknown { digits }),
            (Some(known), true) => Ok(known),
            (Some(last), false) => Err(TrustError::Ambiguous {
                digits,
                candidates: found
                    .into_iter()
                    .chain([last])
                    .map(|it| it.thumbprint)
                    .collect(),
            }),
        }
    }

    /// Accepts a certificate that is in one of the folders. It is not rejected or revoked any more.
    ///
    /// # Errors
    /// If it cannot be that, or a file cannot be written.
    pub fn accept(&self, known: &Known, purpose: Purpose) -> Result<Moved, TrustError> {
        match &known.certificate {
            Some(certificate) => {
                self.take_in(certificate, purpose)?;
                Ok(Moved::Certificate(
                    Arc::clone(certificate),
                    purpose.standing(),
                ))
            }
            None => {
                self.clear(&known.thumbprint, &[Standing::Revoked])?;
                Ok(Moved::Unrevoked(known.thumbprint.clone()))
            }
        }
    }

    /// Accepts what a file holds: certificates, or with [`Purpose::Issuer`] also revocation lists.
    ///
    /// # Errors
    /// If the file holds nothing of the kind, or a file cannot be written.
    pub fn accept_file(&self, path: &Path, purpose: Purpose) -> Result<Vec<Moved>, TrustError> {
        let unusable = |reason| TrustError::File {
            path: path.to_owned(),
            reason,
        };
        let certificates = match (read_file::<Certificate>(path), purpose) {
            (Ok(certificates), _) => certificates,
            (Err(reason), Purpose::Issuer) => {
                let crls = read_file::<Crl>(path);
                let crls = crls.map_err(|other| unusable(format!("{reason}; {other}")))?;
                return crls.into_iter().map(|crl| self.take_in_crl(crl)).collect();
            }
            (Err(reason), _) => return Err(unusable(reason)),
        };
        if let Some(other) = certificates.iter().find(|it| !may_be(it, purpose)) {
            return Err(not_an_authority(other));
        }
        if certificates.len() > 1 && purpose != Purpose::Issuer {
            return Err(unusable(format!(
                "it holds {} certificates; write the one to accept into a file of its own",
                certificates.len()
            )));
        }
        let certificates = certificates.into_iter().map(Arc::new);
        certificates
            .map(|certificate| {
                self.take_in(&certificate, purpose)?;
                Ok(Moved::Certificate(certificate, purpose.standing()))
            })
            .collect()
    }

    /// Takes its acceptance back: an unknown client again, until an authority vouches for it.
    ///
    /// # Errors
    /// If it was not accepted, or a file cannot be written.
    pub fn reject(&self, known: &Known) -> Result<Moved, TrustError> {
        const ACCEPTED: [Standing; 3] = [Standing::Trusted, Standing::User, Standing::Issuer];
        let standings = known.standings();
        let is_accepted = ACCEPTED.iter().any(|it| standings.contains(it));
        let Some(certificate) = known.certificate.as_ref().filter(|_| is_accepted) else {
            let standings: Vec<_> = standings.iter().map(ToString::to_string).collect();
            return Err(TrustError::NothingToReject {
                thumbprint: known.thumbprint.clone(),
                standings: standings.join(" and "),
            });
        };
        self.write(certificate, Standing::Rejected)?;
        self.clear(&known.thumbprint, &ACCEPTED)?;
        Ok(Moved::Certificate(
            Arc::clone(certificate),
            Standing::Rejected,
        ))
    }

    /// Refuses a certificate from now on, whoever vouches for it. With a whole thumbprint also one that is in no folder,
    /// such as that of a client that an authority vouches for.
    ///
    /// # Errors
    /// If no certificate is meant, or a file cannot be written.
    pub fn revoke(&self, written: &str) -> Result<Moved, TrustError> {
        let known = match (self.find(written), thumbprint(written)) {
            (Ok(known), _) => known,
            (Err(TrustError::Unknown { .. }), Some(thumbprint)) => {
                let marker = self.marker(&thumbprint);
                write_whole(&marker, b"").map_err(at(&marker))?;
                return Ok(Moved::Forbidden(thumbprint));
            }
            (Err(error), _) => return Err(error),
        };
        let Some(certificate) = known.certificate else {
            return Ok(Moved::Forbidden(known.thumbprint));
        };
        self.write(&certificate, Standing::Revoked)?;
        let others = Standing::ALL
            .into_iter()
            .filter(|it| *it != Standing::Revoked);
        self.clear(&known.thumbprint, &others.collect::<Vec<_>>())?;
        Ok(Moved::Certificate(certificate, Standing::Revoked))
    }

    /// What a server that is closed would say to this certificate now.
    ///
    /// # Errors
    /// Why it would be refused.
    pub fn judge(&self, certificate: &Certificate, standing: Standing) -> Result<(), Refused> {
        let trust = Trust::new(&self.pki_dir, false);
        match (standing, certificate.sha1()) {
            (Standing::User, Some(sha1)) => trust.judge_user(&sha1).map(drop),
            _ => trust.look_at(certificate),
        }
    }

    /// Whether one of the revocation lists is a current one of this authority.
    ///
    /// # Errors
    /// If the folder is there and cannot be read.
    pub fn has_crl_of(&self, authority: &Certificate) -> Result<bool, TrustError> {
        let now = chrono::Utc::now();
        let mut crls = self.crls()?.into_iter();
        Ok(crls.any(|(_, crl)| crl.is_of(authority) && crl.is_current(now)))
    }

    /// Whether an authority that is accepted has signed the list: otherwise it says nothing.
    ///
    /// # Errors
    /// If a folder is there and cannot be read.
    pub fn knows_issuer_of(&self, crl: &Crl) -> Result<bool, TrustError> {
        let entries = self.entries()?;
        let mut issuers = entries.iter().filter(|it| it.standing == Standing::Issuer);
        Ok(issuers.any(|it| crl.is_of(&it.certificate)))
    }

    fn take_in(&self, certificate: &Certificate, purpose: Purpose) -> Result<(), TrustError> {
        if !may_be(certificate, purpose) {
            return Err(not_an_authority(certificate));
        }
        self.write(certificate, purpose.standing())?;
        let thumbprint = certificate.thumbprint_hex();
        self.clear(&thumbprint, &[Standing::Rejected, Standing::Revoked])
    }

    fn take_in_crl(&self, crl: Crl) -> Result<Moved, TrustError> {
        let name = crl.name();
        for (_, there) in self.crls()? {
            if there.name() == name && there.this_update > crl.this_update {
                return Err(TrustError::OlderCrl {
                    issuer: crl.issuer,
                    there: there.this_update.format("%Y-%m-%d %H:%M UTC").to_string(),
                });
            }
        }
        let path = self.pki_dir.join(CRL).join(format!("{name}.crl"));
        write_whole(&path, &crl.der).map_err(at(&path))?;
        Ok(Moved::Crl(Arc::new(crl)))
    }

    fn write(&self, certificate: &Certificate, standing: Standing) -> Result<(), TrustError> {
        let folder = self.pki_dir.join(standing.folder());
        let path = folder.join(file_name(certificate));
        write_whole(&path, &certificate.der).map_err(at(&path))
    }

    /// Removes every file of the certificate from these folders.
    fn clear(&self, thumbprint: &str, standings: &[Standing]) -> Result<(), TrustError> {
        let Some(known) = self.all()?.remove(thumbprint) else {
            return Ok(());
        };
        for (standing, path) in known.places {
            if standings.contains(&standing) {
                remove_one(&path, thumbprint)?;
            }
        }
        Ok(())
    }

    /// The file that revokes a certificate that nobody here has.
    fn marker(&self, thumbprint: &str) -> PathBuf {
        self.pki_dir
            .join(REVOKED)
            .join(format!("{thumbprint}.revoked"))
    }
}

/// A file that somebody put there by hand may hold others, too: these are not to go with it.
fn remove_one(path: &Path, thumbprint: &str) -> Result<(), TrustError> {
    let all = read_file::<Certificate>(path).unwrap_or_default();
    if all.iter().any(|it| hex(&it.thumbprint) != thumbprint) {
        return Err(TrustError::File {
            path: path.to_owned(),
            reason: "it holds other certificates, too; take this one out of it by hand".to_owned(),
        });
    }
    remove(path).map_err(at(path))
}

fn may_be(certificate: &Certificate, purpose: Purpose) -> bool {
    purpose != Purpose::Issuer || certificate.is_ca
}

fn not_an_authority(certificate: &Certificate) -> TrustError {
    TrustError::NotAnAuthority {
        subject: certificate.subject.clone(),
    }
}

fn at(path: &Path) -> impl Fn(io::Error) -> TrustError {
    let path = path.to_owned();
    move |reason| TrustError::Folder {
        path: path.clone(),
        reason,
    }
}
