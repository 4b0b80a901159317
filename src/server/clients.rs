//! The certificates that clients have shown.
//!
//! The library writes each unknown one into a folder, `trusted` on an open server and `rejected` on a closed one,
//! without a limit: whoever reaches the port could fill the disk. Nothing but the file names matters to it between
//! two connections, so the oldest can go.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::journal;

/// Far more than a plant has clients.
const KEPT: usize = 200;
const PERIOD: Duration = Duration::from_secs(60);

/// Keeps the folders of unknown clients small, for as long as it is polled.
///
/// On an open server a client whose certificate is removed is taken up again at its next connection. On a closed
/// one `trusted` is the operator's, and left alone.
pub(super) async fn keep_folders_small(pki_dir: &Path, server_is_open: bool) {
    let mut tick = tokio::time::interval(PERIOD);
    loop {
        tick.tick().await;
        let folders: &[&str] = if server_is_open {
            &["rejected", "trusted"]
        } else {
            &["rejected"]
        };
        for folder in folders.iter().map(|name| pki_dir.join(name)) {
            match remove_oldest(&folder, KEPT) {
                Ok(0) => {}
                Ok(n) => journal::certificates_removed(&folder, n),
                Err(e) => journal::certificates_not_removed(&folder, &e),
            }
        }
    }
}

fn remove_oldest(folder: &Path, kept: usize) -> io::Result<usize> {
    let mut files: Vec<_> = match fs::read_dir(folder) {
        Ok(entries) => entries
            .filter_map(Result::ok)
            .map(|entry| {
                let modified = entry.metadata().and_then(|m| m.modified());
                (modified.unwrap_or(SystemTime::UNIX_EPOCH), entry.path())
            })
            .collect(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(e) => return Err(e),
    };
    let surplus = files.len().saturating_sub(kept);
    files.sort();
    for (_, path) in &files[..surplus] {
        fs::remove_file(path)?;
    }
    Ok(surplus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_first() {
        let folder = tempfile::tempdir().unwrap();
        for (n, name) in ["c", "a", "b"].into_iter().enumerate() {
            let file = fs::File::create(folder.path().join(name)).unwrap();
            let age = Duration::from_secs(100 - n as u64);
            file.set_modified(SystemTime::now() - age).unwrap();
        }
        assert_eq!(remove_oldest(folder.path(), 2).unwrap(), 1);
        assert!(!folder.path().join("c").exists());
        assert_eq!(remove_oldest(folder.path(), 2).unwrap(), 0);
    }

    #[test]
    fn a_folder_that_is_not_there_is_small() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(remove_oldest(&folder.path().join("no"), 1).unwrap(), 0);
    }
}
