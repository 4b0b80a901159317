//! Which name a job gets, and when it started if nobody saw it: sources tell neither.

use std::time::Duration;

use chrono::{SecondsFormat, TimeDelta};

use super::{JobFile, JobId, Timestamp};

/// A print time beyond this is nonsense and not believed.
const LONGEST_PRINT: TimeDelta = TimeDelta::days(366);

/// Hands out job identities; no two are equal as long as starts do not run backwards.
#[derive(Debug, Clone, Default)]
pub(super) struct JobNames {
    /// The second of the newest start (Unix time), and how many jobs started in it.
    newest: Option<(i64, u32)>,
}

impl JobNames {
    /// Names that differ from those of the jobs with these starts.
    pub(super) fn after(starts: impl Iterator<Item = Timestamp>) -> Self {
        let newest = starts.fold(None, |newest, start| {
            let second = start.timestamp();
            match newest {
                Some((known, _)) if second < known => newest,
                Some((known, count)) if second == known => Some((known, count + 1)),
                Some(_) | None => Some((second, 1)),
            }
        });
        Self { newest }
    }

    /// `octoprint:<origin>/<path>@<start>`; the second, third, … job of one second gets `#2`, `#3`, …
    ///
    /// A job whose file is not told is `octoprint:unknown@<start>`, which no file can be called: it lacks the `/`.
    pub(super) fn name(&mut self, file: Option<&JobFile>, start: Timestamp) -> JobId {
        let second = start.timestamp();
        let count = match self.newest {
            Some((newest, count)) if newest == second => count + 1,
            Some(_) | None => 1,
        };
        self.newest = Some((second, count));

        let what = file.map_or_else(
            || "unknown".to_owned(),
            |file| format!("{}/{}", file.origin, file.path),
        );
        let when = start.to_rfc3339_opts(SecondsFormat::Secs, true);
        let nth = match count {
            1 => String::new(),
            n => format!("#{n}"),
        };
        JobId(format!("octoprint:{what}@{when}{nth}"))
    }
}

/// The latest possible start of a print that was found running at `at`: now − print time.
///
/// It is the latest possible one because print time does not count pauses. Without a credible print time it is
/// `at`. Never before `not_before`, when no job ran or another one did.
pub(super) fn reckon_start(
    at: Timestamp,
    print_time: Option<Duration>,
    not_before: Option<Timestamp>,
) -> Timestamp {
    let start = print_time
        .and_then(|time| TimeDelta::from_std(time).ok())
        .filter(|time| *time <= LONGEST_PRINT)
        .and_then(|time| at.checked_sub_signed(time))
        .unwrap_or(at);
    not_before.map_or(start, |earliest| start.max(earliest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn file(path: &str) -> JobFile {
        JobFile {
            origin: "local".into(),
            path: path.into(),
            name: path.into(),
            display: path.into(),
            size: None,
            date: None,
        }
    }

    #[test]
    fn a_name_holds_origin_path_and_start_in_whole_seconds() {
        let mut names = JobNames::default();
        assert_eq!(
            names
                .name(Some(&file("a/b c.gcode")), time("2026-11-22T10:00:00.987Z"))
                .0,
            "octoprint:local/a/b c.gcode@2026-11-22T10:00:00Z"
        );
    }

    #[test]
    fn a_job_without_a_file_has_a_name_too() {
        assert_eq!(
            JobNames::default()
                .name(None, time("2026-11-22T10:00:00Z"))
                .0,
            "octoprint:unknown@2026-11-22T10:00:00Z"
        );
    }

    #[test]
    fn jobs_of_one_second_are_numbered() {
        let mut names = JobNames::default();
        let ids: Vec<String> = ["10:00:00.1Z", "10:00:00.2Z", "10:00:00.9Z", "10:00:01Z"]
            .iter()
            .map(|at| {
                names
                    .name(Some(&file("a")), time(&format!("2026-11-22T{at}")))
                    .0
            })
            .collect();
        assert_eq!(
            ids,
            [
                "octoprint:local/a@2026-11-22T10:00:00Z",
                "octoprint:local/a@2026-11-22T10:00:00Z#2",
                "octoprint:local/a@2026-11-22T10:00:00Z#3",
                "octoprint:local/a@2026-11-22T10:00:01Z",
            ]
        );
    }

    #[test]
    fn a_start_is_reckoned_back_by_the_print_time() {
        let at = time("2026-11-22T10:00:00Z");
        let reckon = |seconds| reckon_start(at, Some(Duration::from_secs(seconds)), None);
        assert_eq!(reckon(90), time("2026-11-22T09:58:30Z"));
        assert_eq!(reckon(u64::MAX), at);
        assert_eq!(reckon(367 * 24 * 3600), at);
        assert_eq!(reckon_start(at, None, None), at);
    }

    #[test]
    fn a_start_is_not_reckoned_into_the_time_of_another_job() {
        let at = time("2026-11-22T10:00:00Z");
        let idle = time("2026-11-22T09:59:00Z");
        assert_eq!(
            reckon_start(at, Some(Duration::from_secs(90)), Some(idle)),
            idle
        );
    }
}
