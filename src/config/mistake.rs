//! What is wrong with a config file, told so that it can be mended without the manual: what, where, and what to
//! write instead. A mistake refuses the file, a warning does not.
//!
//! No text here ever holds a key, a password hash or a whole line of the file (which may hold a key). The value of
//! `authentication_file_path` is told only if it neither names a file nor looks like a key.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::{Config, Loaded};

/// Where in which file, by position and by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// As the operator wrote it on the command line.
    pub file: Arc<Path>,
    /// `None` when the file as a whole is meant.
    pub position: Option<Position>,
    /// For example `machines[3].url`; empty at the root of the file.
    pub path: String,
}

impl Place {
    /// `machines[3] (line 12)`
    pub(super) fn path_and_line(&self) -> String {
        let line = self.position.map_or(0, |position| position.line);
        format!("{} (line {line})", self.path)
    }
}

/// Both count from 1; a column is one Unicode character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(Position { line, column }) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        if self.path.is_empty() {
            Ok(())
        } else {
            write!(f, " {}", self.path)
        }
    }
}

/// The file is refused because of this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    pub place: Place,
    pub what: String,
    /// The remedy, in the imperative.
    pub instead: String,
}

/// The file is accepted, but probably does not mean what its author thinks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    pub place: Place,
    pub what: String,
    /// The remedy, in the imperative.
    pub instead: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        paragraph(f, "error", &self.what, &self.place, &self.instead)
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        paragraph(f, "warning", &self.what, &self.place, &self.instead)
    }
}

fn paragraph(
    f: &mut fmt::Formatter<'_>,
    severity: &str,
    what: &str,
    place: &Place,
    instead: &str,
) -> fmt::Result {
    write!(f, "{severity}: {what}\n  --> {place}\n  help: {instead}")
}

/// Everything that is wrong with a file, in the order in which it stands there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Refused {
    /// Never empty.
    pub mistakes: Vec<Mistake>,
    pub warnings: Vec<Warning>,
}

impl fmt::Display for Refused {
    /// One paragraph each, mistakes last: they are what the reader has to act on.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let warnings = self.warnings.iter().map(|w| w as &dyn fmt::Display);
        let mistakes = self.mistakes.iter().map(|m| m as &dyn fmt::Display);
        for (n, remark) in warnings.chain(mistakes).enumerate() {
            if n > 0 {
                f.write_str("\n\n")?;
            }
            write!(f, "{remark}")?;
        }
        Ok(())
    }
}

/// Collects while the file is read, so that one mistake does not hide the next.
#[derive(Debug, Default)]
pub(super) struct Report {
    mistakes: Vec<Mistake>,
    warnings: Vec<Warning>,
}

impl Report {
    pub(super) fn mistake(
        &mut self,
        place: &Place,
        what: impl Into<String>,
        instead: impl Into<String>,
    ) {
        self.mistakes.push(Mistake {
            place: place.clone(),
            what: what.into(),
            instead: instead.into(),
        });
    }

    pub(super) fn warning(
        &mut self,
        place: &Place,
        what: impl Into<String>,
        instead: impl Into<String>,
    ) {
        self.warnings.push(Warning {
            place: place.clone(),
            what: what.into(),
            instead: instead.into(),
        });
    }

    /// The outcome: a configuration counts only if no mistake was reported, and there is one in that case.
    pub(super) fn conclude(mut self, config: Option<Config>) -> Result<Loaded, Refused> {
        self.warnings.sort_by_key(|w| w.place.position);
        self.mistakes.sort_by_key(|m| m.place.position);
        match config {
            Some(config) if self.mistakes.is_empty() => Ok(Loaded {
                config,
                warnings: self.warnings,
            }),
            _ => Err(Refused {
                mistakes: self.mistakes,
                warnings: self.warnings,
            }),
        }
    }
}

/// A value of the file as it may be shown: without control characters, not endless.
pub(super) fn shown(value: &str) -> String {
    const LONGEST: usize = 80;
    let mut shown: String = value
        .chars()
        .take(LONGEST)
        .flat_map(char::escape_debug)
        .collect();
    if value.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}

/// The same in quotes.
pub(super) fn quoted(value: &str) -> String {
    format!("\"{}\"", shown(value))
}
