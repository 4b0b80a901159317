//! OctoPrint's JSON, read field by field.
//!
//! Each answer is parsed to a [`Value`] first, then every field is looked at on its own: what is missing, `null` or of
//! the wrong type is `None`, and its neighbours are unharmed. A number in a string is not a number. `value["key"]`
//! on a missing key, or on something that is no object, is `Null`, so paths need no checks.
//!
//! Fields: <https://docs.octoprint.org/en/master/api/datamodel.html>; what servers of 1.4 to 2.0 really send is
//! recorded in `tests/payloads`.

mod files;
mod job;
mod printer;
mod profile;
mod told;
mod user;
mod version;

pub(super) use files::files;
pub(super) use job::{JobAnswer, file, job};
pub(super) use printer::{PrinterAnswer, printer};
pub(super) use profile::profile;
pub(super) use told::told;
pub(super) use user::{FILES_LIST, User, needed, user};
pub(super) use version::{Flavour, software};

use std::time::Duration;

use chrono::{DateTime, Datelike};
use serde_json::Value;

use crate::machine::Timestamp;

/// Longest text that is passed on, in characters. File names on any file system are shorter.
const MAX_TEXT: usize = 4096;

/// A text that says something. NUL, which OPC UA clients in C cut at, is dropped; other control characters stay.
pub(super) fn text(value: &Value) -> Option<String> {
    value.as_str().map(clean).filter(|text| !text.is_empty())
}

fn clean(text: &str) -> String {
    text.chars().filter(|&c| c != '\0').take(MAX_TEXT).collect()
}

/// Any number, negative or absurdly large included.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().filter(|number| number.is_finite())
}

/// A number of things: not negative; some versions send it as a float.
pub(super) fn count(value: &Value) -> Option<u64> {
    // `as` saturates, and the filter keeps negative numbers out.
    value.as_u64().or_else(|| {
        number(value)
            .filter(|number| *number >= 0.0)
            .map(|number| number as u64)
    })
}

pub(super) fn seconds(value: &Value) -> Option<Duration> {
    let told = Duration::try_from_secs_f64(number(value)?).ok()?;
    // What is kept and told is whole milliseconds.
    u64::try_from(told.as_millis())
        .ok()
        .map(Duration::from_millis)
}

/// Unix time in seconds. Nothing was printed before 1970, and OPC UA's time ends with the year 9999.
fn instant(value: &Value) -> Option<Timestamp> {
    let millis = number(value)? * 1000.0;
    DateTime::from_timestamp_millis(millis as i64).filter(|at| (1970..10_000).contains(&at.year()))
}

fn flag(value: &Value) -> bool {
    value.as_bool().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_wrong_type_is_nothing() {
        for wrong in [
            json!(null),
            json!("1"),
            json!([1]),
            json!({"a": 1}),
            json!(true),
        ] {
            assert_eq!(number(&wrong), None, "{wrong}");
            assert_eq!(count(&wrong), None, "{wrong}");
            assert_eq!(seconds(&wrong), None, "{wrong}");
            assert_eq!(instant(&wrong), None, "{wrong}");
        }
        assert_eq!(text(&json!(1)), None);
        assert_eq!(text(&json!("")), None);
        assert!(!flag(&json!("true")));
    }

    #[test]
    fn odd_numbers_are_kept_where_they_can_be() {
        assert_eq!(number(&json!(-14.5)), Some(-14.5));
        assert_eq!(number(&json!(1e300)), Some(1e300));
        assert_eq!(count(&json!(12.9)), Some(12));
        assert_eq!(count(&json!(-1)), None);
        assert_eq!(seconds(&json!(-1)), None);
        assert_eq!(seconds(&json!(1e300)), None);
        for no_date in [1e300, 8.2e12, -8.3e12, -1.0, 253_402_300_800.0] {
            assert_eq!(instant(&json!(no_date)), None, "{no_date}");
        }
        assert!(instant(&json!(253_402_300_799_u64)).is_some());
        assert_eq!(instant(&json!(1.5)).unwrap().timestamp_millis(), 1500);
    }

    #[test]
    fn texts_are_bounded_and_lose_only_their_nul() {
        assert_eq!(text(&json!("a\0b\tc\u{7}零")).unwrap(), "ab\tc\u{7}零");
        assert_eq!(
            text(&json!("零".repeat(10_000))).unwrap().chars().count(),
            MAX_TEXT
        );
    }

    /// Every place in a recorded answer is replaced by every kind of nonsense: nothing panics, and what stands
    /// beside it is still read.
    #[test]
    fn every_field_may_be_anything() {
        let job_answer = body(include_str!(
            "../../../tests/payloads/1.11.8/printing/job.json"
        ));
        let printer_answer = body(include_str!(
            "../../../tests/payloads/1.11.8/printing/printer.json"
        ));
        for nonsense in [
            json!(null),
            json!(-1e308),
            json!("NaN"),
            json!([[]]),
            json!({"": {}}),
            json!(u64::MAX),
        ] {
            for path in paths(&job_answer) {
                let mut answer = job_answer.clone();
                *answer.pointer_mut(&path).unwrap() = nonsense.clone();
                let read = job(&answer, Flavour::PrusaLink);
                assert!(
                    path == "/state" || read.state_text == "Printing",
                    "{path}: {nonsense}"
                );
                assert!(
                    path.starts_with("/job") || read.user.is_some(),
                    "{path}: {nonsense}"
                );
            }
            for path in paths(&printer_answer) {
                let mut answer = printer_answer.clone();
                *answer.pointer_mut(&path).unwrap() = nonsense.clone();
                let read = printer(&answer);
                assert!(
                    path.starts_with("/state") || read.flags.is_some(),
                    "{path}: {nonsense}"
                );
            }
        }
    }

    fn body(record: &str) -> Value {
        serde_json::from_str::<Value>(record).unwrap()["body"].take()
    }

    /// The JSON pointers of all members, at every depth.
    fn paths(value: &Value) -> Vec<String> {
        let members = value.as_object().into_iter().flatten();
        members
            .flat_map(|(key, member)| {
                let below = paths(member)
                    .into_iter()
                    .map(move |path| format!("/{key}{path}"));
                std::iter::once(format!("/{key}")).chain(below)
            })
            .collect()
    }
}
