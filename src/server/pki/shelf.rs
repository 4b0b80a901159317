//! A folder whose files can be changed by hand at any time, read anew each time and parsed only when a file has changed.

use std::collections::{HashMap, HashSet};
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::certificate::{self, Certificate};
use super::crl::Crl;
use super::der::{from_pem, pem_text};
use super::journal;

/// What is kept in files.
pub(super) trait Kept: Sized {
    /// Lower-case.
    const EXTENSIONS: &'static [&'static str];
    /// A larger file is not read.
    const MOST_BYTES: u64;

    /// Everything that the file holds, or why it holds nothing.
    fn parse(bytes: &[u8]) -> Result<Vec<Self>, String>;
}

impl Kept for Certificate {
    const EXTENSIONS: &'static [&'static str] = &["der", "crt", "pem", "cer"];
    /// A whole chain in PEM.
    const MOST_BYTES: u64 = 8 * certificate::MOST_BYTES as u64;

    fn parse(bytes: &[u8]) -> Result<Vec<Self>, String> {
        parse_all(bytes, "CERTIFICATE", Self::from_der)
    }
}

impl Kept for Crl {
    const EXTENSIONS: &'static [&'static str] = &["crl", "der", "pem"];
    /// Some 400,000 revoked certificates.
    const MOST_BYTES: u64 = 16 * 1024 * 1024;

    fn parse(bytes: &[u8]) -> Result<Vec<Self>, String> {
        parse_all(bytes, "X509 CRL", Self::from_der)
    }
}

fn parse_all<T>(
    bytes: &[u8],
    label: &str,
    parse: impl Fn(&[u8]) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let Some(text) = pem_text(bytes) else {
        return parse(bytes).map(|one| vec![one]);
    };
    match from_pem(text, label) {
        Some(blocks) if !blocks.is_empty() => blocks.iter().map(|block| parse(block)).collect(),
        _ => Err(format!("there is no whole -----BEGIN {label}----- in it")),
    }
}

/// Reads one file.
///
/// # Errors
/// In words that name what is wrong, but not the file.
pub(super) fn read_file<T: Kept>(path: &Path) -> Result<Vec<T>, String> {
    let metadata = fs::metadata(path).map_err(|e| e.to_string())?;
    if !metadata.is_file() {
        return Err("it is not a file".to_owned());
    }
    if metadata.len() > T::MOST_BYTES {
        return Err(format!(
            "it has {} bytes, more than the {} that are read",
            metadata.len(),
            T::MOST_BYTES
        ));
    }
    T::parse(&fs::read(path).map_err(|e| e.to_string())?)
}

/// One folder, and what it held when it was last read.
#[derive(Debug)]
pub(super) struct Shelf<T> {
    folder: PathBuf,
    known: HashMap<PathBuf, Known<T>>,
    is_readable: bool,
}

#[derive(Debug)]
struct Known<T> {
    stamp: Stamp,
    items: Vec<Arc<T>>,
}

/// Tells a file from what it was before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
    /// A change of owner or mode may make a file readable.
    #[cfg(unix)]
    changed: (i64, i64, u64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt;
        Self {
            modified: metadata.modified().ok(),
            bytes: metadata.len(),
            #[cfg(unix)]
            changed: (metadata.ctime(), metadata.ctime_nsec(), metadata.ino()),
        }
    }
}

/// Something that was read, and from where.
pub(super) type Found<T> = (PathBuf, Arc<T>);

impl<T: Kept> Shelf<T> {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            known: HashMap::new(),
            is_readable: true,
        }
    }

    /// What the folder holds now, in the order of the file names. A folder that is not there is empty; a file that
    /// cannot be read is left out, with one log line.
    ///
    /// # Errors
    /// If the folder cannot be listed; told in the log once.
    pub(super) fn read(&mut self) -> io::Result<Vec<Found<T>>> {
        let files = match self.files() {
            Ok(files) => files,
            Err(error) => {
                if self.is_readable {
                    journal::folder_unreadable(&self.folder, &error);
                }
                self.is_readable = false;
                return Err(error);
            }
        };
        self.is_readable = true;
        let there: HashSet<&Path> = files.iter().map(|(path, _)| path.as_path()).collect();
        self.known.retain(|path, _| there.contains(path.as_path()));
        for (path, stamp) in &files {
            if self
                .known
                .get(path)
                .is_none_or(|known| known.stamp != *stamp)
            {
                let items = read_file(path).unwrap_or_else(|reason| {
                    journal::file_ignored(path, &reason);
                    Vec::new()
                });
                let items = items.into_iter().map(Arc::new).collect();
                let known = Known {
                    stamp: *stamp,
                    items,
                };
                self.known.insert(path.clone(), known);
            }
        }
        let found = files.into_iter().flat_map(|(path, _)| {
            let items = self.known.get(&path).map_or(&[][..], |known| &known.items);
            items
                .iter()
                .map(move |item| (path.clone(), Arc::clone(item)))
                .collect::<Vec<_>>()
        });
        Ok(found.collect())
    }

    fn files(&self) -> io::Result<Vec<(PathBuf, Stamp)>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(e),
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry?.path();
            // A file may go between the two calls; a link may lead nowhere.
            if let Ok(metadata) = fs::metadata(&path)
                && metadata.is_file()
                && has_extension(&path, T::EXTENSIONS)
            {
                files.push((path, Stamp::of(&metadata)));
            }
        }
        files.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(files)
    }
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let extension = path.extension().and_then(|it| it.to_str());
    extension.is_some_and(|it| {
        extensions
            .iter()
            .any(|known| it.eq_ignore_ascii_case(known))
    })
}
