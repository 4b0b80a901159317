//! Who this server is to its clients: the application instance certificate and its private key.
//!
//! Always holds: both are made at the first start and reused after; the key file is readable by its owner only
//! from the moment it exists; a certificate that clients have come to trust is never replaced by itself, not even
//! when a name is missing from it or its time is over (these are warnings), but only by `umati-bridge certificate new`.

mod expiry;
mod files;
mod renew;

pub use self::expiry::Expiry;
pub(crate) use self::files::lock;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use opcua::crypto::{CertificateStore, KeySize, PrivateKey, X509, X509Data};

use super::journal;
use super::pki::Certificate;
use super::settings::{Settings, hostname};

/// Long enough to outlive the computer; clients pin the certificate, so each renewal is work at every client.
const VALID_DAYS: u32 = 20 * 365;
/// RSA-2048 with SHA-256 is what all three served policies accept (OPC 10000-7).
const KEY_BITS: u32 = 2048;

/// Where certificate and key stand. The files have been read once, so they are there and belong together.
#[derive(Debug, Clone)]
pub struct Identity {
    pki_dir: PathBuf,
}

/// Why there is no certificate or no key.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    #[error("cannot make a key and a certificate: {0}")]
    Create(String),
    #[error("cannot write {path}: {source}", path = path.display())]
    Write {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(
        "{present} is there but {missing} is not: put it back, or remove both so that a new pair is made",
        present = present.display(), missing = missing.display()
    )]
    Half { present: PathBuf, missing: PathBuf },
    #[error("cannot read {path}: {reason}", path = path.display())]
    Read { path: PathBuf, reason: String },
    #[error(
        "{certificate} and {key} do not belong together: put the right ones back, or remove both so that a new pair \
         is made",
        certificate = certificate.display(), key = key.display()
    )]
    Mismatch { certificate: PathBuf, key: PathBuf },
}

impl Identity {
    /// Reads the identity from `state_dir`, or makes one if there is none yet.
    ///
    /// # Errors
    /// If only one of the two files is there, or they cannot be read, written or used together.
    pub fn load_or_create(settings: &Settings) -> Result<Self, IdentityError> {
        let identity = Self::at(&settings.state_dir);
        if !identity.is_complete()? || files::is_staged(&identity.certificate_path())? {
            let _alone = files::lock(&identity.pki_dir)
                .map_err(|(path, source)| IdentityError::Write { path, source })?;
            identity.complete(settings)?;
        }
        identity.check(settings)?;
        Ok(identity)
    }

    /// Where the identity in `state_dir` stands, whether there is one or not.
    pub fn at(state_dir: &Path) -> Self {
        Self {
            pki_dir: state_dir.join("pki"),
        }
    }

    /// Copies the pair to another folder. The library reads its files anew for each channel: of a copy, it goes on with
    /// the pair that it began with when a new one takes its place.
    ///
    /// # Errors
    /// If a file cannot be read or written.
    pub(in crate::server) fn copy_to(&self, pki_dir: &Path) -> Result<Self, IdentityError> {
        let copy = Self {
            pki_dir: pki_dir.to_owned(),
        };
        let _alone = files::lock(&copy.pki_dir)
            .map_err(|(path, source)| IdentityError::Write { path, source })?;
        let read = |path: PathBuf| {
            fs::read(&path).map_err(|e| IdentityError::Read {
                path,
                reason: e.to_string(),
            })
        };
        let (certificate, key) = (read(self.certificate_path())?, read(self.key_path())?);
        files::stage_private(&copy.key_path(), &key)?;
        files::stage_public(&copy.certificate_path(), &certificate)?;
        files::commit(&copy.key_path())?;
        files::commit(&copy.certificate_path())?;
        Ok(copy)
    }

    /// What the certificate says.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn certificate(&self) -> Result<Certificate, IdentityError> {
        let path = self.certificate_path();
        let read = fs::read(&path).map_err(|e| e.to_string());
        read.and_then(|der| Certificate::from_der(&der))
            .map_err(|reason| IdentityError::Read { path, reason })
    }

    /// When the certificate ends.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn expiry(&self) -> Result<Expiry, IdentityError> {
        Ok(Expiry {
            certificate: self.certificate_path(),
            not_after: self.certificate()?.not_after,
        })
    }

    fn is_complete(&self) -> Result<bool, IdentityError> {
        Ok(files::exists(&self.certificate_path())? && files::exists(&self.key_path())?)
    }

    /// Makes what is missing. Another process may have done it before we were alone.
    fn complete(&self, settings: &Settings) -> Result<(), IdentityError> {
        let (certificate, key) = (self.certificate_path(), self.key_path());
        self.repair()?;
        match (files::exists(&certificate)?, files::exists(&key)?) {
            (true, true) => Ok(()),
            (false, false) => self.create(settings),
            (true, false) => Err(IdentityError::Half {
                present: certificate,
                missing: key,
            }),
            (false, true) => Err(IdentityError::Half {
                present: key,
                missing: certificate,
            }),
        }
    }

    /// Takes up what a process left that ended after it had put the new key in place, and before the certificate.
    fn repair(&self) -> Result<(), IdentityError> {
        let (certificate, key) = (self.certificate_path(), self.key_path());
        if !files::is_staged(&certificate)? {
            return Ok(());
        }
        let key = CertificateStore::read_pkey(&key);
        let staged = fs::read(files::staged(&certificate)).ok();
        let staged = staged.and_then(|der| X509::from_der(&der).ok());
        match (key, staged) {
            (Ok(key), Some(staged)) if belong_together(&staged, &key).unwrap_or(false) => {
                files::commit(&certificate)
            }
            _ => Ok(()),
        }
    }

    /// The folder that holds `own`, `private`, `trusted` and `rejected`.
    pub fn pki_dir(&self) -> &Path {
        &self.pki_dir
    }

    /// The application instance certificate, DER.
    pub fn certificate_path(&self) -> PathBuf {
        self.pki_dir.join("own").join("cert.der")
    }

    /// Its private key, PKCS #8 in PEM.
    pub fn key_path(&self) -> PathBuf {
        self.pki_dir.join("private").join("private.pem")
    }

    fn create(&self, settings: &Settings) -> Result<(), IdentityError> {
        let (certificate, key) = X509::cert_and_pkey(&X509Data {
            key_size: KEY_BITS,
            common_name: format!("umati-bridge@{}", hostname()),
            organization: "umati-bridge".to_owned(),
            organizational_unit: String::new(),
            country: String::new(),
            state: String::new(),
            alt_host_names: X509Data::alt_host_names(
                &settings.application_uri,
                Some(names_shown(settings)),
                false,
                false,
                false,
            ),
            certificate_duration_days: VALID_DAYS,
        })
        .map_err(IdentityError::Create)?;

        let key_der = key
            .to_der()
            .map_err(|e| IdentityError::Create(e.to_string()))?;
        let certificate_der = certificate
            .to_der()
            .map_err(|e| IdentityError::Create(e.to_string()))?;
        // Both are complete before one of them is in place, and the certificate comes last: a start that ends at any
        // point in between can be taken up again.
        let (certificate, key) = (self.certificate_path(), self.key_path());
        files::stage_private(&key, files::pem(key_der.as_bytes()).as_bytes())?;
        files::stage_public(&certificate, &certificate_der)?;
        files::commit(&key)?;
        files::commit(&certificate)?;
        journal::certificate_made(&settings.application_uri, &names_shown(settings));
        Ok(())
    }

    /// Refuses a pair that cannot work and warns of one that clients may refuse.
    fn check(&self, settings: &Settings) -> Result<(), IdentityError> {
        let path = self.certificate_path();
        let certificate = CertificateStore::read_cert(&path)
            .map_err(|reason| IdentityError::Read { path, reason })?;
        let path = self.key_path();
        let key = CertificateStore::read_pkey(&path)
            .map_err(|reason| IdentityError::Read { path, reason })?;
        if !belong_together(&certificate, &key).unwrap_or(false) {
            return Err(IdentityError::Mismatch {
                certificate: self.certificate_path(),
                key: self.key_path(),
            });
        }
        files::warn_if_others_can_read(&self.key_path());

        let shown = self.certificate_path();
        let uri = &settings.application_uri;
        if certificate.is_application_uri_valid(uri).is_err() {
            journal::certificate_lacks_uri(&shown, uri);
        }
        for name in names_shown(settings) {
            if certificate.is_hostname_valid(&name).is_err() {
                journal::certificate_lacks_name(&shown, &name);
            }
        }
        Ok(())
    }
}

/// Whether the public key in the certificate verifies what the private key signs.
fn belong_together(certificate: &X509, key: &PrivateKey) -> Result<bool, opcua::types::Error> {
    let mut signature = vec![0; key.size()];
    key.sign_sha256(b"umati-bridge", &mut signature)?;
    certificate
        .public_key()?
        .verify_sha256(b"umati-bridge", &signature)
}

/// Every host name and address that a client may connect by, without repetition.
fn names_shown(settings: &Settings) -> Vec<String> {
    let mut names: Vec<String> = settings.public_hostname.iter().cloned().collect();
    names.push(hostname());
    if settings.listen.is_unspecified() {
        match if_addrs::get_if_addrs() {
            Ok(interfaces) => names.extend(interfaces.iter().map(|i| i.ip().to_string())),
            Err(e) => journal::interfaces_unknown(&e),
        }
    } else {
        names.push(settings.listen.to_string());
    }
    names.extend(["localhost".to_owned(), "127.0.0.1".to_owned()]);
    let mut seen = HashSet::new();
    names.retain(|name| !name.is_empty() && seen.insert(name.to_ascii_lowercase()));
    names
}
