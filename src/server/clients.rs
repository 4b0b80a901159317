//! Folders into which strangers can write: the certificates that clients have shown.
//!
//! Whoever reaches the port can show ever new certificates, and could fill the disk with them. Nothing else depends on
//! their files, so the oldest can go.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::journal;

const PERIOD: Duration = Duration::from_secs(60);

/// A folder that is kept small.
#[derive(Debug, Clone)]
pub(super) struct Bounded {
    pub folder: PathBuf,
    /// This many files stay, the newest.
    pub kept: usize,
}

/// Keeps the folders small, for as long as it is polled. None of them may be one that the operator fills.
pub(super) async fn keep_folders_small(folders: &[Bounded]) {
    let mut tick = tokio::time::interval(PERIOD);
    loop {
        tick.tick().await;
        for Bounded { folder, kept } in folders {
            match remove_oldest(folder, *kept) {
                Ok(0) => {}
                Ok(n) => journal::certificates_removed(folder, n),
                Err(e) => journal::certificates_not_removed(folder, &e),
            }
        }
    }
}

/// Removes files until `kept` are left; tells how many went.
pub(super) fn remove_oldest(folder: &Path, kept: usize) -> io::Result<usize> {
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
        // Another server of this process may have been quicker.
        match fs::remove_file(path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
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
