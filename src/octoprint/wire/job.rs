//! `GET /api/job`: state, file and progress in one answer, so they belong together. 200 in every printer state.

use serde_json::Value;

use super::{Flavour, count, instant, number, seconds, text};
use crate::machine::{Estimates, Filament, JobFile, MAX_SENSORS, Progress, ToolFilament};

/// What `/api/job` told.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::octoprint) struct JobAnswer {
    /// Empty if it was not told.
    pub state_text: String,
    /// Own field since 1.6; before, the error is part of the state text.
    pub error: Option<String>,
    pub file: Option<JobFile>,
    pub progress: Progress,
    pub estimates: Estimates,
    pub user: Option<String>,
}

pub(in crate::octoprint) fn job(answer: &Value, flavour: Flavour) -> JobAnswer {
    parts(
        text(&answer["state"]).unwrap_or_default(),
        text(&answer["error"]),
        &answer["job"],
        &answer["progress"],
        flavour,
    )
}

/// The parts, wherever they stand in an answer.
pub(super) fn parts(
    state_text: String,
    error: Option<String>,
    job: &Value,
    progress: &Value,
    flavour: Flavour,
) -> JobAnswer {
    JobAnswer {
        state_text,
        error,
        file: file(&job["file"]),
        progress: self::progress(progress, flavour),
        estimates: Estimates {
            print_time: seconds(&job["estimatedPrintTime"]),
            average_print_time: seconds(&job["averagePrintTime"]),
            last_print_time: seconds(&job["lastPrintTime"]),
            filament: filament(&job["filament"]),
        },
        user: text(&job["user"]),
    }
}

/// No file is selected when all its fields are `null`.
pub(in crate::octoprint) fn file(file: &Value) -> Option<JobFile> {
    let name = text(&file["name"]);
    let path = text(&file["path"]).or_else(|| name.clone())?;
    let name = name.unwrap_or_else(|| path.clone());
    Some(JobFile {
        origin: text(&file["origin"]).unwrap_or_else(|| "local".to_owned()),
        display: text(&file["display"]).unwrap_or_else(|| name.clone()),
        path,
        name,
        size: count(&file["size"]),
        date: instant(&file["date"]),
    })
}

fn progress(progress: &Value, flavour: Flavour) -> Progress {
    let whole = match flavour {
        Flavour::OctoPrint => 1.0,
        Flavour::PrusaLink => 100.0,
    };
    Progress {
        // Outside of 0..=100 it is not a percentage, and to cut it off would turn nonsense into "finished".
        completion: number(&progress["completion"])
            .map(|completion| completion * whole)
            .filter(|percent| (0.0..=100.0).contains(percent)),
        file_position: count(&progress["filepos"]),
        print_time: seconds(&progress["printTime"]),
        print_time_left: seconds(&progress["printTimeLeft"]),
        // Up to 1.8 a server that has not printed yet spells it otherwise.
        print_time_left_origin: text(&progress["printTimeLeftOrigin"])
            .or_else(|| text(&progress["printTimeOrigin"])),
    }
}

/// Per tool; a freshly started server sends the fields of one tool without its name, all `null`.
pub(super) fn filament(filament: &Value) -> ToolFilament {
    let Some(tools) = filament.as_object() else {
        return ToolFilament::default();
    };
    tools
        .iter()
        .map(|(tool, used)| {
            let used = Filament {
                length: number(&used["length"]),
                volume: number(&used["volume"]),
                weight: number(&used["weight"]),
            };
            (super::clean(tool), used)
        })
        .filter(|(_, used)| *used != Filament::default())
        .take(MAX_SENSORS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nothing_at_all_is_an_empty_answer() {
        for empty in [
            json!({}),
            json!({"job": null, "progress": null, "state": null}),
            json!({"job": [], "progress": 1}),
        ] {
            assert_eq!(
                job(&empty, Flavour::OctoPrint),
                JobAnswer::default(),
                "{empty}"
            );
        }
    }

    #[test]
    fn a_wrong_type_costs_that_field() {
        let answer = json!({
            "state": "Printing", "error": 7,
            "job": {"file": {"name": "a.gcode", "path": false, "origin": 1, "display": [], "size": "12", "date": "x"},
                    "estimatedPrintTime": "60", "averagePrintTime": 30, "filament": {"tool0": 1, "tool1": {"length": 5}},
                    "user": {}},
            "progress": {"completion": "50", "filepos": -1, "printTime": 7.5, "printTimeLeft": true,
                         "printTimeLeftOrigin": 3},
        });
        let read = job(&answer, Flavour::OctoPrint);
        let file = read.file.unwrap();
        assert_eq!(
            (
                file.path.as_str(),
                file.name.as_str(),
                file.display.as_str()
            ),
            ("a.gcode", "a.gcode", "a.gcode")
        );
        assert_eq!(
            (file.origin.as_str(), file.size, file.date),
            ("local", None, None)
        );
        assert_eq!(read.state_text, "Printing");
        assert_eq!(read.error, None);
        assert_eq!(read.user, None);
        assert_eq!(read.estimates.print_time, None);
        assert_eq!(
            read.estimates.average_print_time,
            Some(std::time::Duration::from_secs(30))
        );
        assert_eq!(
            read.estimates
                .filament
                .iter()
                .map(|(tool, _)| tool)
                .collect::<Vec<_>>(),
            ["tool1"]
        );
        let print_time = Some(std::time::Duration::from_millis(7500));
        assert_eq!(
            read.progress,
            Progress {
                print_time,
                ..Progress::default()
            }
        );
    }

    #[test]
    fn completion_is_percent_whoever_tells_it() {
        let completion = |told: Value, flavour| {
            job(&json!({"progress": {"completion": told}}), flavour)
                .progress
                .completion
        };
        assert_eq!(completion(json!(0.25), Flavour::PrusaLink), Some(25.0));
        assert_eq!(completion(json!(0.25), Flavour::OctoPrint), Some(0.25));
        assert_eq!(completion(json!(100), Flavour::OctoPrint), Some(100.0));
        assert_eq!(completion(json!(4200), Flavour::OctoPrint), None);
        assert_eq!(completion(json!(-1), Flavour::OctoPrint), None);
    }
}
