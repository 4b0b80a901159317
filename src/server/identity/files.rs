//! Writing the key pair: complete or not at all, and the key for its owner only.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

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

/// Writes a file, and its folder, that only the owner can read.
pub(super) fn write_private(path: &Path, content: &[u8]) -> Result<(), IdentityError> {
    write(path, content, Readers::Owner)
}

/// Writes a file that everyone may read.
pub(super) fn write_public(path: &Path, content: &[u8]) -> Result<(), IdentityError> {
    write(path, content, Readers::Everyone)
}

#[derive(Clone, Copy)]
enum Readers {
    Owner,
    Everyone,
}

fn write(path: &Path, content: &[u8], readers: Readers) -> Result<(), IdentityError> {
    let temporary = path.with_extension("new");
    write_then_rename(path, &temporary, content, readers).map_err(|source| IdentityError::Write {
        path: path.to_owned(),
        source,
    })
}

fn write_then_rename(
    path: &Path,
    temporary: &Path,
    content: &[u8],
    readers: Readers,
) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        create_folder(folder, readers)?;
    }
    match fs::remove_file(temporary) {
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
    let mut file = options.open(temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(temporary, path)
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
