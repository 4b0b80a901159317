//! The bodies of the answers about a printer, as OctoPrint 1.11.8 writes them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::users::User;
use crate::octoprint::simulator::clock::Clock;
use crate::octoprint::simulator::printer::catalogue::Model;
use crate::octoprint::simulator::printer::hardware::{Bed, Chamber, Hardware};
use crate::octoprint::simulator::printer::sensors::Reading;
use crate::octoprint::simulator::printer::state::{ErrorSource, PrinterError, State};
use crate::octoprint::simulator::printer::{Job, Printer};

pub(in crate::octoprint::simulator) const BAUDRATE: u32 = 115_200;
pub(super) const BAUDRATES: [u32; 7] = [250_000, 230_400, BAUDRATE, 57_600, 38_400, 19_200, 9_600];
pub(in crate::octoprint::simulator) const PORT: &str = "/dev/ttyACM0";
pub(super) const PORTS: [&str; 2] = ["/dev/ttyS0", PORT];
pub(super) const PROFILE: &str = "_default";

/// The sections that `exclude` of `/api/printer` can leave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Excluded {
    pub temperature: bool,
    pub sd: bool,
    pub state: bool,
}

/// How many samples of the temperature history are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum History {
    NotAsked,
    Newest(usize),
}

pub(super) fn version() -> Value {
    json!({ "api": "0.1", "server": "1.11.8", "text": "OctoPrint 1.11.8" })
}

pub(super) fn server() -> Value {
    json!({ "safemode": null, "version": "1.11.8" })
}

pub(super) fn job(printer: &Printer) -> Value {
    let mut body = json!({
        "job": job_section(printer),
        "progress": progress_section(printer),
        "state": printer.state().text(),
    });
    if let Some(error) = printer.state().error() {
        body["error"] = json!(error.text);
    }
    body
}

pub(in crate::octoprint::simulator) fn job_section(printer: &Printer) -> Value {
    match printer.job() {
        // Before anything was selected, three fields are absent or of another shape.
        Job::Initial => json!({
            "estimatedPrintTime": null,
            "filament": { "length": null, "volume": null },
            "file": { "date": null, "name": null, "origin": null, "path": null, "size": null },
            "lastPrintTime": null,
            "user": null,
        }),
        Job::Empty => json!({
            "averagePrintTime": null,
            "estimatedPrintTime": null,
            "filament": null,
            "file": {
                "date": null, "display": null, "name": null, "origin": null, "path": null, "size": null,
            },
            "lastPrintTime": null,
            "user": null,
        }),
        Job::Loaded { model, user, .. } => {
            let prints = printer.prints(model);
            json!({
                "averagePrintTime": prints.average(),
                "estimatedPrintTime": model.estimate(),
                "filament": filament(model),
                "file": {
                    "date": model.date,
                    "display": model.display,
                    "name": model.name(),
                    "origin": "local",
                    "path": model.path,
                    "size": model.size,
                },
                "lastPrintTime": prints.last_success(),
                "user": user,
            })
        }
    }
}

/// Length and volume by tool.
pub(super) fn filament(model: &Model) -> Value {
    model
        .filament
        .iter()
        .enumerate()
        .map(|(tool, length)| {
            let volume = Model::volume_of(*length);
            (
                format!("tool{tool}"),
                json!({ "length": length, "volume": volume }),
            )
        })
        .collect::<Map<_, _>>()
        .into()
}

pub(in crate::octoprint::simulator) fn progress_section(printer: &Printer) -> Value {
    let Some(progress) = printer.progress() else {
        return json!({
            "completion": null,
            "filepos": null,
            "printTime": null,
            "printTimeLeft": null,
            "printTimeLeftOrigin": null,
        });
    };
    json!({
        "completion": progress.completion,
        "filepos": progress.file_position,
        "printTime": progress.print_time.as_secs(),
        "printTimeLeft": progress.left.as_secs(),
        "printTimeLeftOrigin": progress.left_origin,
    })
}

/// Only for an operational printer.
pub(super) fn printer(
    printer: &Printer,
    clock: &Clock,
    excluded: Excluded,
    history: History,
) -> Value {
    let mut body = Map::new();
    if !excluded.temperature {
        body.insert(
            "temperature".to_owned(),
            temperature(printer, clock, history),
        );
    }
    if !excluded.sd {
        body.insert("sd".to_owned(), json!({ "ready": true }));
    }
    if !excluded.state {
        body.insert("state".to_owned(), state_section(printer.state()));
    }
    body.into()
}

pub(in crate::octoprint::simulator) fn state_section(state: &State) -> Value {
    let flags = state.flags();
    json!({
        "error": state.error().map_or("", |error| error.text.as_str()),
        "flags": {
            "cancelling": flags.cancelling,
            "closedOrError": flags.closed_or_error,
            "error": flags.error,
            "finishing": flags.finishing,
            "operational": flags.operational,
            "paused": flags.paused,
            "pausing": flags.pausing,
            "printing": flags.printing,
            "ready": flags.ready,
            "resuming": flags.resuming,
            "sdReady": flags.operational,
        },
        "text": state.text(),
    })
}

fn temperature(printer: &Printer, clock: &Clock, history: History) -> Value {
    let wanted = match history {
        History::NotAsked => 1,
        History::Newest(limit) => limit.max(1),
    };
    let samples = printer.samples(wanted);
    let mut section = Map::new();
    if let Some((_, newest)) = samples.last() {
        for (name, Reading { actual, target }) in newest {
            let reading = json!({ "actual": actual, "offset": 0, "target": target });
            section.insert((*name).to_owned(), reading);
        }
    }
    if let History::Newest(limit) = history {
        let entries = samples
            .iter()
            .rev()
            .take(limit)
            .rev()
            .map(|(at, readings)| sample(readings, clock.unix_time(*at)));
        section.insert("history".to_owned(), entries.collect());
    }
    section.into()
}

/// One entry of the temperature history; `time` is Unix time in seconds.
pub(in crate::octoprint::simulator) fn sample(
    readings: &BTreeMap<&str, Reading>,
    time: i64,
) -> Value {
    let mut entry: Map<_, _> = readings
        .iter()
        .map(|(name, Reading { actual, target })| {
            (
                (*name).to_owned(),
                json!({ "actual": actual, "target": target }),
            )
        })
        .collect();
    entry.insert("time".to_owned(), json!(time));
    entry.into()
}

/// OctoPrint tells details of what the firmware reported only.
pub(super) fn printer_error(printer: &Printer, user: User) -> Value {
    let firmware_error = printer
        .state()
        .error()
        .filter(|error| error.source == ErrorSource::Firmware);
    match firmware_error {
        None => json!({ "error": "", "reason": "" }),
        Some(error) => error_details(error, user),
    }
}

/// What OctoPrint tells of an error that the firmware reported; the log only to who may read the terminal.
pub(in crate::octoprint::simulator) fn error_details(error: &PrinterError, user: User) -> Value {
    let mut body = json!({
        "consequence": "emergency",
        "error": error.text,
        "reason": "firmware",
    });
    if user.may("MONITOR_TERMINAL") {
        body["logs"] = json!([
            "Recv: ok",
            format!("Recv: Error:{}", error.text),
            "Changing monitoring state from \"Printing\" to \"Error\"",
        ]);
    }
    if let Some(faq) = error.faq() {
        body["faq"] = json!(faq);
    }
    body
}

pub(super) fn connection(printer: &Printer) -> Value {
    let state = printer.state();
    let (port, baudrate) = if state.flags().closed_or_error {
        (None, None)
    } else {
        (Some(PORT), Some(BAUDRATE))
    };
    json!({
        "current": {
            "baudrate": baudrate,
            "port": port,
            "printerProfile": PROFILE,
            "state": state.connection_text(),
        },
        "options": {
            "baudratePreference": BAUDRATE,
            "baudrates": BAUDRATES,
            "portPreference": PORT,
            "ports": PORTS,
            "printerProfilePreference": PROFILE,
            "printerProfiles": [{ "id": PROFILE, "name": printer.hardware().name }],
        },
    })
}

/// `base` is the address of this OctoPrint, without a slash at its end.
pub(super) fn printer_profiles(hardware: &Hardware, base: &str) -> Value {
    let [width, depth, height] = hardware.volume;
    let offsets: Vec<_> = (0..hardware.tools)
        .map(|tool| [f64::from(tool) * 18.0, 0.0])
        .collect();
    json!({ "profiles": { PROFILE: {
        "axes": {
            "e": { "inverted": false, "speed": 300 },
            "x": { "inverted": false, "speed": 6000 },
            "y": { "inverted": false, "speed": 6000 },
            "z": { "inverted": false, "speed": 200 },
        },
        "color": "default",
        "current": true,
        "default": true,
        "extruder": {
            "count": hardware.tools,
            "defaultExtrusionLength": 5,
            "nozzleDiameter": hardware.nozzle,
            "offsets": offsets,
            "sharedNozzle": false,
        },
        "heatedBed": hardware.bed == Bed::Heated,
        "heatedChamber": hardware.chamber == Chamber::Heated,
        "id": PROFILE,
        "model": hardware.model,
        "name": hardware.name,
        "resource": format!("{base}/api/printerprofiles/{PROFILE}"),
        "volume": {
            "custom_box": false,
            "depth": depth,
            "formFactor": "rectangular",
            "height": height,
            "origin": "lowerleft",
            "width": width,
        },
    } } })
}
