//! The recorded answers of OctoPrint 1.4.2, 1.5.3, 1.11.8 and 2.0.0rc7, served over HTTP, against the reports that they
//! must become: the state in the table here, everything in `tests/payloads/<version>/reports.txt`.
//!
//! `UPDATE_GOLDEN=1 cargo test --test octoprint golden` rewrites the files; read the difference before you commit it.

use std::fmt::Write;

use umati_bridge::machine::{Observation, PrinterState, Report, Software, TemperatureReport};

use crate::feed::Feed;
use crate::payloads::{directory, situation};
use crate::stub::{Reply, Stub};

use PrinterState::{Error, Offline, Operational, Paused, Printing};

#[tokio::test]
async fn octoprint_1_4_2() {
    check("1.4.2", &ERAS_WITH_ERROR_IN_TEXT).await;
}

#[tokio::test]
async fn octoprint_1_5_3() {
    check("1.5.3", &ERAS_WITH_ERROR_IN_TEXT).await;
}

const ERAS_WITH_ERROR_IN_TEXT: [(&str, PrinterState); 7] = [
    ("cancelled", Operational),
    ("disconnected", Offline),
    ("done", Operational),
    ("fatal", Error),
    ("operational", Operational),
    ("paused", Paused),
    ("printing", Printing),
];

#[tokio::test]
async fn octoprint_1_11_8() {
    check(
        "1.11.8",
        &[
            ("after_print_done", Operational),
            ("after_sd_upload", Operational),
            ("cancelled", Operational),
            ("connecting", Operational),
            ("disconnected", Offline),
            ("done", Operational),
            ("error_after_reconnect", Operational),
            ("error_awol_timeout", Error),
            ("error_drop_connection_while_printing", Error),
            ("error_fatal_marlin_while_printing", Error),
            ("error_mintemp_idle", Error),
            ("operational_fileselected", Operational),
            ("operational_history", Operational),
            ("operational_nofile", Operational),
            ("paused", Paused),
            ("printing", Printing),
            ("printing_chamber_target", Printing),
            ("printing_unicode_name", Printing),
            ("resumed", Printing),
        ],
    )
    .await;
}

#[tokio::test]
async fn octoprint_2_0_0() {
    check(
        "2.0.0rc7",
        &[
            ("apiv2_printing", Printing),
            ("cancelled", Operational),
            ("disconnected", Offline),
            ("done", Operational),
            ("error_after_reconnect", Operational),
            ("error_fatal_marlin_while_printing", Error),
            ("operational_nofile", Operational),
            ("paused", Paused),
            ("printing", Printing),
            ("resumed", Printing),
        ],
    )
    .await;
}

async fn check(version: &'static str, situations: &[(&'static str, PrinterState)]) {
    assert_eq!(
        recorded_situations(version),
        situations.iter().map(|(name, _)| *name).collect::<Vec<_>>()
    );
    let mut told = String::new();
    for &(name, state) in situations {
        let (software, report) = observe(version, name).await;
        assert_eq!(report.state, state, "{version} {name}");
        assert_eq!(
            software.text,
            Some(format!("OctoPrint {version}")),
            "{name}"
        );
        flags_agree_with_the_text(version, name, &report).await;
        told += &tell(name, &report);
    }
    let golden = directory(version).join("reports.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, &told).unwrap();
    }
    let expected = std::fs::read_to_string(&golden).unwrap_or_default();
    for (line, (told, expected)) in told.lines().zip(expected.lines()).enumerate() {
        assert_eq!(told, expected, "{} line {}", golden.display(), line + 1);
    }
    assert_eq!(
        told.lines().count(),
        expected.lines().count(),
        "{}",
        golden.display()
    );
}

/// Everything in a report, a fact a line.
fn tell(name: &str, report: &Report) -> String {
    let mut told = format!("== {name}\n");
    let Report {
        state,
        state_text,
        flags,
        error,
        file,
        progress,
        estimates,
        user,
        temperatures,
        // Polling does not tell them.
        z: _,
        tool: _,
        resends: _,
        told_at: _,
    } = report;
    writeln!(
        told,
        "state {state:?} {state_text:?}, error {error:?}, user {user:?}"
    )
    .unwrap();
    writeln!(told, "{flags:?}").unwrap();
    writeln!(told, "{file:?}").unwrap();
    writeln!(told, "{progress:?}").unwrap();
    writeln!(told, "{estimates:?}").unwrap();
    match temperatures {
        TemperatureReport::NotAsked => told += "temperatures not asked\n",
        TemperatureReport::Read { sensors, sampled } => {
            writeln!(told, "temperatures sampled {sampled:?}").unwrap();
            for (id, temperature) in sensors {
                writeln!(told, "  {id} {temperature:?}").unwrap();
            }
        }
    }
    told
}

/// Whatever the versions disagree on (`ready` while paused, `printing` while paused), the precedence of the flags
/// leads to the state that the text tells: proven by taking the known text away.
async fn flags_agree_with_the_text(version: &'static str, name: &'static str, report: &Report) {
    if report.flags.is_none() {
        assert_eq!(
            report.temperatures,
            TemperatureReport::NotAsked,
            "{version} {name}"
        );
        return;
    }
    let stub = Stub::start(move |request| match request.path() {
        "/api/job" => Reply::json(
            200,
            &serde_json::json!({"state": "some text of a later version"}),
        ),
        _ => situation(version, name, request),
    })
    .await;
    let by_flags = Feed::of(&stub.url()).report().await;
    assert_eq!(by_flags.state, report.state, "{version} {name}");
    assert_eq!(by_flags.state_text, "some text of a later version");
}

async fn observe(version: &'static str, name: &'static str) -> (Software, Report) {
    let stub = Stub::start(move |request| situation(version, name, request)).await;
    let mut feed = Feed::of(&stub.url());
    let software = feed
        .first(|observation| match observation {
            Observation::Software(software) => Some(software),
            _ => None,
        })
        .await;
    (software, feed.report().await)
}

fn recorded_situations(version: &str) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(directory(version))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("job.json").is_file())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn the_profile_in_use_is_told_after_connecting() {
    for (version, name) in [("1.11.8", "Dual Chamber"), ("2.0.0rc7", "Dual v2")] {
        let stub = Stub::start(move |request| situation(version, "printing", request)).await;
        let profile = Feed::of(&stub.url())
            .first(|observation| match observation {
                Observation::Profile(profile) => Some(profile),
                _ => None,
            })
            .await;
        assert_eq!(profile.name.as_deref(), Some(name));
        assert_eq!(profile.model.as_deref(), Some("Virtual Marlin"));
        assert_eq!(
            (profile.extruder_count, profile.nozzle_diameter),
            (Some(2), Some(0.4))
        );
        assert_eq!(
            (profile.heated_bed, profile.heated_chamber),
            (Some(true), Some(true))
        );
        let volume = profile.volume.unwrap();
        assert_eq!(
            (volume.width, volume.depth, volume.height),
            (200.0, 200.0, 200.0)
        );
        assert_eq!(volume.form_factor, "rectangular");
    }
}
