//! Reading the files that a configuration names: bounded, and with reasons an operator understands.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Where a relative path of the file may lead, in this order.
#[derive(Debug, Clone)]
pub(super) struct Folders {
    /// The folder of the config file.
    pub config: PathBuf,
    /// `None` when the operating system does not tell.
    pub working: Option<PathBuf>,
}

impl Folders {
    pub(super) fn of(config_file: &Path) -> Self {
        let absolute = std::path::absolute(config_file).unwrap_or_else(|_| config_file.to_owned());
        Self {
            config: absolute.parent().map(Path::to_owned).unwrap_or_default(),
            working: std::env::current_dir().ok(),
        }
    }

    /// What `written` may mean: itself if absolute, else in the config folder, else in the working directory.
    fn candidates(&self, written: &str) -> Vec<PathBuf> {
        let mut candidates = vec![self.config.join(written)];
        if let Some(working) = &self.working {
            candidates.push(working.join(written));
        }
        candidates.dedup();
        candidates
    }

    /// The first candidate that is there.
    pub(super) fn find(&self, written: &str) -> Found {
        let mut folder = None;
        let candidates = self.candidates(written);
        for path in &candidates {
            match path.metadata() {
                Ok(metadata) if metadata.is_dir() => folder = folder.or(Some(path)),
                Ok(_) => return Found::File(path.clone()),
                // Behind a closed door there may be the file that is meant: do not look elsewhere.
                Err(why) if why.kind() == io::ErrorKind::PermissionDenied => {
                    return Found::Unreadable(path.clone(), why);
                }
                // Not there, or no name a file could have (an inline key can be too long for one).
                Err(_) => {}
            }
        }
        match folder {
            Some(path) => Found::Folder(path.clone()),
            None => Found::Nowhere(candidates),
        }
    }
}

/// What stands at a path that the config file names.
#[derive(Debug)]
pub(super) enum Found {
    File(PathBuf),
    Folder(PathBuf),
    Unreadable(PathBuf, io::Error),
    /// The paths that were tried.
    Nowhere(Vec<PathBuf>),
}

/// A path as it may be shown: whole, in one line, without control characters.
pub(super) fn shown(path: &Path) -> String {
    let mut shown = String::new();
    for character in path.display().to_string().chars() {
        match character {
            '\\' | '"' | '\'' => shown.push(character),
            _ => shown.extend(character.escape_debug()),
        }
    }
    shown
}

/// `/a/x and /b/x`
pub(super) fn tried(paths: &[PathBuf]) -> String {
    let shown: Vec<String> = paths.iter().map(|path| shown(path)).collect();
    shown.join(" and ")
}

/// Why a file gave no text.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("is larger than {0} bytes")]
    TooLarge(u64),
    #[error("is not UTF-8 text")]
    NotText,
}

/// The whole text of a file, without a byte order mark.
pub(super) fn read_text(path: &Path, limit: u64) -> Result<String, ReadError> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(ReadError::TooLarge(limit));
    }
    let text = String::from_utf8(bytes).map_err(|_| ReadError::NotText)?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

/// Whether every user of this computer may read the file. Not known on systems without Unix modes.
#[cfg(unix)]
pub(super) fn is_world_readable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|m| m.permissions().mode() & 0o004 != 0)
}

#[cfg(not(unix))]
pub(super) fn is_world_readable(_path: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_the_config_file_comes_first() {
        let config = tempfile::tempdir().expect("a folder");
        let working = tempfile::tempdir().expect("a folder");
        let folders = Folders {
            config: config.path().to_owned(),
            working: Some(working.path().to_owned()),
        };
        let in_config = config.path().join("s");
        let in_working = working.path().join("s");
        assert!(
            matches!(folders.find("s"), Found::Nowhere(tried) if tried == [&*in_config, &*in_working])
        );

        std::fs::write(&in_working, "").expect("written");
        assert!(matches!(folders.find("s"), Found::File(path) if path == in_working));

        std::fs::write(&in_config, "").expect("written");
        assert!(matches!(folders.find("s"), Found::File(path) if path == in_config));
    }

    #[test]
    fn one_folder_is_tried_once() {
        let folders = Folders {
            config: "/a".into(),
            working: Some("/a".into()),
        };
        assert_eq!(folders.candidates("s"), [Path::new("/a/s")]);
    }
}
