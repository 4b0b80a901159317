//! The API key of an OctoPrint: given as such, in a file, or in the place of the file's name.

use super::field::{At, Field};
use super::files::{self, Folders, Found, ReadError};
use super::keys;
use super::mistake::{Place, Report};
use super::secret::Secret;

/// A key has 32 characters; a file that is longer than this is not a key file.
const LARGEST_FILE: u64 = 4096;

/// What the two keys say together. `None` is reported.
pub(super) fn resolve(
    api_key: Field<Secret>,
    path: Field<Secret>,
    machine: &Place,
    folders: &Folders,
    report: &mut Report,
) -> Option<Secret> {
    match (api_key, path) {
        (Field::Absent, Field::Absent) => {
            report.mistake(
                machine,
                "there is no API key: neither `authentication_file_path` nor `api_key` is given",
                keys::AUTHENTICATION_FILE_PATH.write_it(),
            );
            None
        }
        (Field::Given(key), Field::Absent) => inline(&key, "`api_key`", report),
        (Field::Absent, Field::Given(path)) => file_or_inline(&path, folders, report),
        (Field::Wrong, Field::Absent) | (Field::Absent, Field::Wrong) => None,
        (Field::Given(_) | Field::Wrong, Field::Given(_) | Field::Wrong) => {
            report.mistake(
                machine,
                "both `api_key` and `authentication_file_path` are given",
                "remove one of them",
            );
            None
        }
    }
}

/// An existing file wins; else what looks like a key is one.
fn file_or_inline(path: &At<Secret>, folders: &Folders, report: &mut Report) -> Option<Secret> {
    let written = path.value.expose().trim();
    if written.is_empty() {
        let what = "`authentication_file_path` is empty";
        report.mistake(&path.place, what, keys::AUTHENTICATION_FILE_PATH.write_it());
        return None;
    }
    match folders.find(written) {
        Found::File(file) => from_file(&file, &path.place, report),
        _ if looks_like_a_key(written) => Some(Secret::new(written)),
        Found::Folder(folder) => {
            let what = format!("{} is a folder, not a file", files::shown(&folder));
            report.mistake(
                &path.place,
                what,
                "name the file in it that holds the API key",
            );
            None
        }
        Found::Unreadable(file, why) => {
            let what = format!("{} cannot be read: {why}", files::shown(&file));
            report.mistake(
                &path.place,
                what,
                "let the user who runs umati-bridge read it",
            );
            None
        }
        Found::Nowhere(tried) => {
            let what = format!(
                "no such file, and it does not look like an API key (tried {})",
                files::tried(&tried)
            );
            let remedy = "write the API key into a file and name that file, or write the key itself \
                          (at least 16 of A-Z a-z 0-9 _ -)";
            report.mistake(&path.place, what, remedy);
            None
        }
    }
}

fn looks_like_a_key(text: &str) -> bool {
    text.len() >= 16
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

fn from_file(file: &std::path::Path, place: &Place, report: &mut Report) -> Option<Secret> {
    let name = files::shown(file);
    let text = match files::read_text(file, LARGEST_FILE) {
        Ok(text) => text,
        Err(why) => {
            let remedy = match why {
                ReadError::Io(_) => "let the user who runs umati-bridge read it",
                ReadError::TooLarge(_) => "name a file that holds the API key and nothing else",
                ReadError::NotText => "save it with the encoding UTF-8",
            };
            report.mistake(place, format!("{name} {why}"), remedy);
            return None;
        }
    };
    if files::is_world_readable(file) {
        let what = format!("{name} holds an API key and every user of this computer may read it");
        report.warning(place, what, format!("run: chmod 600 {name}"));
    }
    let key = At {
        value: Secret::new(text),
        place: place.clone(),
    };
    inline(&key, &name, report)
}

/// White space and quotes around the key are not part of it; what is left must fit into an HTTP header.
fn inline(key: &At<Secret>, holder: &str, report: &mut Report) -> Option<Secret> {
    let text = key.value.expose();
    let text =
        text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\u{feff}'));
    if text.is_empty() {
        let remedy = "put the API key there: OctoPrint shows it under Settings, Application Keys";
        report.mistake(&key.place, format!("{holder} is empty"), remedy);
        return None;
    }
    if !text.chars().all(|c| c.is_ascii_graphic()) {
        let what = format!("{holder} does not hold an API key alone");
        let remedy = "leave only the key: one line, without white space, ASCII characters only";
        report.mistake(&key.place, what, remedy);
        return None;
    }
    Some(Secret::new(text))
}
