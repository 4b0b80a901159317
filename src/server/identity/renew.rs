//! A new key and certificate in place of the ones that are there, which are kept beside them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{Identity, IdentityError, files};
use crate::server::pki::hex;
use crate::server::settings::Settings;

impl Identity {
    /// Makes a new pair, whatever is there. A server that runs goes on with the old one until it is started anew; every
    /// client has to come to trust the new one. Tells where the old certificate is kept, if there was one.
    ///
    /// # Errors
    /// If a file cannot be read or written; the old pair is in place then.
    pub fn renew(settings: &Settings) -> Result<(Self, Option<PathBuf>), IdentityError> {
        let identity = Self::at(&settings.state_dir);
        let _alone = files::lock(&identity.pki_dir)
            .map_err(|(path, source)| IdentityError::Write { path, source })?;
        identity.repair()?;
        let old = identity.keep_old()?;
        identity.create(settings)?;
        identity.check(settings)?;
        Ok((identity, old))
    }

    /// Copies, so that there is a pair in place at any moment.
    fn keep_old(&self) -> Result<Option<PathBuf>, IdentityError> {
        let (certificate, key) = (read(&self.certificate_path())?, read(&self.key_path())?);
        let kept = self.pki_dir.join("own").join("old");
        // Half a pair is kept, too: nobody knows what it was good for.
        let whole = certificate.as_deref().or(key.as_deref());
        let Some(whole) = whole else { return Ok(None) };
        let name = hex(&Sha256::digest(whole));
        if let Some(key) = key {
            let path = kept.join(format!("{name}.pem"));
            files::stage_private(&path, &key)?;
            files::commit(&path)?;
        }
        let Some(certificate) = certificate else {
            return Ok(None);
        };
        let path = kept.join(format!("{name}.der"));
        files::stage_public(&path, &certificate)?;
        files::commit(&path)?;
        Ok(Some(path))
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, IdentityError> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(IdentityError::Read {
            path: path.to_owned(),
            reason: e.to_string(),
        }),
    }
}
