//! Whether a machine's OctoPrint tells by itself or is asked.

use super::field::{At, Field};
use super::mistake::{Report, quoted};
use super::valid::DataSource;

/// `None` is reported.
pub(super) fn resolve(
    written: Field<String>,
    default: DataSource,
    report: &mut Report,
) -> Option<DataSource> {
    let At { value, place } = match written {
        Field::Absent => return Some(default),
        Field::Wrong => return None,
        Field::Given(at) => at,
    };
    match value.trim() {
        "auto" => Some(DataSource::Auto),
        "poll" => Some(DataSource::Poll),
        "push" => Some(DataSource::Push),
        other => {
            let what = format!("{} is not a way to read an OctoPrint", quoted(other));
            let remedy = "write \"source\": \"auto\", \"poll\" (only ask) or \"push\" (ask as seldom as possible)";
            report.mistake(&place, what, remedy);
            None
        }
    }
}
