//! Writing the key pair: complete or not at all, by one process at a time, and the key for its owner only.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use opcua::types::ByteString;

use super::IdentityError;

/// PKCS #8 in PEM (RFC 7468): lines of 64 characters.
pub(super) fn pem(pkcs8: &[u8]) -> String {
    let base64 = ByteString::from(pkcs8.to_vec()).as_base64();
    let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, next) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = next;
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    pem
}

/// Holds off other processes that would make something in `folder`, too, until what it gives is dropped; makes the
/// folder if need be. The path in the error is that of the lock.
pub(crate) fn lock(folder: &Path) -> Result<File, (PathBuf, io::Error)> {
    let path = folder.join("lock");
    let locked = || {
        fs::create_dir_all(folder)?;
        let file = File::create(&path)?;
        match file.lock() {
            // Some network file systems have no locks.
            Err(e) if e.kind() != io::ErrorKind::Unsupported => Err(e),
            _ => Ok(file),
        }
    };
    locked().map_err(|source| (path.clone(), source))
}

/// A folder that may not be looked into is an error: what is in it must not be taken for missing.
pub(super) fn exists(path: &Path) -> Result<bool, IdentityError> {
    path.try_exists().map_err(|e| IdentityError::Read {
        path: path.to_owned(),
        reason: e.to_string(),
    })
}

/// Writes what is to become a file, in a folder that only the owner can read.
pub(super) fn stage_private(path: &Path, content: &[u8]) -> Result<(), IdentityError> {
    stage(path, content, Readers::Owner)
}

/// Writes what is to become a file that everyone may read.
pub(super) fn stage_public(path: &Path, content: &[u8]) -> Result<(), IdentityError> {
    stage(path, content, Readers::Everyone)
}

pub(super) fn is_staged(path: &Path) -> Result<bool, IdentityError> {
    exists(&staged(path))
}

/// Puts a staged file in its place.
pub(super) fn commit(path: &Path) -> Result<(), IdentityError> {
    fs::rename(staged(path), path).map_err(|source| IdentityError::Write {
        path: path.to_owned(),
        source,
    })
}

#[derive(Clone, Copy)]
enum Readers {
    Owner,
    Everyone,
}

/// Where a file stands before it is put in its place.
pub(super) fn staged(path: &Path) -> PathBuf {
    path.with_extension("new")
}

fn stage(path: &Path, content: &[u8], readers: Readers) -> Result<(), IdentityError> {
    write_new(&staged(path), content, readers).map_err(|source| IdentityError::Write {
        path: path.to_owned(),
        source,
    })
}

fn write_new(path: &Path, content: &[u8], readers: Readers) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        create_folder(folder, readers)?;
    }
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut options = OpenOptions::new();
    // A new file, so that its mode is ours from the first byte on.
    options.write(true).create_new(true);
    #[cfg(unix)]
    if matches!(readers, Readers::Owner) {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn create_folder(folder: &Path, readers: Readers) -> io::Result<()> {
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent)?;
    }
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    if matches!(readers, Readers::Owner) {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    #[cfg(not(unix))]
    let _ = readers;
    builder.create(folder)
}

/// Says so when someone has opened the key file to others.
pub(super) fn warn_if_others_can_read(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if let Ok(metadata) = fs::metadata(path)
            && metadata.permissions().mode() & 0o077 != 0
        {
            crate::server::journal::key_is_readable(path);
        }
    }
    #[cfg(not(unix))]
    let _ = path;
}
