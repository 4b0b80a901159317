//! The `event` messages, as 1.11.8 words them.

use serde_json::{Value, json};

use crate::octoprint::simulator::http::bodies::{BAUDRATE, PORT, error_details};
use crate::octoprint::simulator::http::users::User;
use crate::octoprint::simulator::printer::happening::{Failure, Happening, MarkKind, Print};
use crate::octoprint::simulator::printer::hardware::Hardware;

/// Type and payload of the event that tells of a happening.
pub(super) fn event(
    happening: &Happening,
    hardware: &Hardware,
    user: User,
) -> (&'static str, Value) {
    match happening {
        Happening::Connecting => ("Connecting", Value::Null),
        Happening::Connected => ("Connected", json!({ "port": PORT, "baudrate": BAUDRATE })),
        Happening::FirmwareTold => ("FirmwareData", firmware(hardware)),
        Happening::Disconnecting => ("Disconnecting", Value::Null),
        Happening::Disconnected => ("Disconnected", Value::Null),
        Happening::StateChanged { id, text } => (
            "PrinterStateChanged",
            json!({ "state_id": id, "state_string": text }),
        ),
        Happening::Failed(error) if error.is_timeout() => {
            ("Error", json!({ "error": error.text, "reason": "timeout" }))
        }
        Happening::Failed(error) => ("Error", error_details(error, user)),
        Happening::EmergencyStop => ("EStop", Value::Null),
        Happening::FileSelected { model, user } => (
            "FileSelected",
            json!({
                "name": model.name(),
                "path": model.path,
                "origin": "local",
                // The size is not known yet.
                "size": null,
                "owner": user,
                "user": user,
            }),
        ),
        Happening::FileDeselected => ("FileDeselected", Value::Null),
        Happening::FilesUpdated => ("UpdatedFiles", json!({ "type": "printables" })),
        Happening::StatisticsUpdated(model) => (
            "MetadataStatisticsUpdated",
            json!({ "storage": "local", "path": model.path }),
        ),
        Happening::PrintStarted(print) => ("PrintStarted", with_user(print)),
        Happening::PrintPaused(print) => ("PrintPaused", paused(print)),
        Happening::PrintResumed(print) => ("PrintResumed", with_user(print)),
        Happening::PrintCancelling(print) => ("PrintCancelling", with_user(print)),
        Happening::PrintCancelled(print) => ("PrintCancelled", cancelled(print)),
        Happening::PrintDone(print) => ("PrintDone", timed(print)),
        Happening::PrintFailed(print, Failure::Cancelled) => {
            let mut body = cancelled(print);
            body["reason"] = json!("cancelled");
            ("PrintFailed", body)
        }
        Happening::PrintFailed(print, Failure::Error(error)) => {
            let mut body = timed(print);
            body["reason"] = json!("error");
            body["error"] = json!(error);
            // A share here, percent in all other events.
            body["progress"] = json!(share(print));
            ("PrintFailed", body)
        }
        Happening::ToolChanged { old, new } => ("ToolChange", json!({ "old": old, "new": new })),
        Happening::LayerChanged { old, new } => ("ZChange", json!({ "new": new, "old": old })),
        Happening::FilamentChange => ("FilamentChange", Value::Null),
        Happening::Marked(kind) => ("ChartMarked", marking(*kind)),
    }
}

/// Only prints are marked by an event; `markings` has the connection as well.
pub(super) fn marking(kind: MarkKind) -> Value {
    let (name, label) = match kind {
        MarkKind::Connected => ("connected", "Connected"),
        MarkKind::Disconnected => ("disconnected", "Disconnected"),
        MarkKind::Started => ("print", "Start"),
        MarkKind::Paused => ("pause", "Pause"),
        MarkKind::Resumed => ("resume", "Resume"),
        MarkKind::Done => ("done", "Done"),
        MarkKind::Cancelled => ("cancel", "Cancel"),
    };
    json!({ "type": name, "label": label })
}

fn firmware(hardware: &Hardware) -> Value {
    let name = "Marlin 2.1.2.5 (simulated)";
    json!({ "name": name, "data": {
        "FIRMWARE_NAME": name,
        "PROTOCOL_VERSION": "1.0",
        "MACHINE_TYPE": hardware.model,
        "EXTRUDER_COUNT": hardware.tools.to_string(),
    } })
}

/// What every event about a print tells.
fn print_payload(print: &Print) -> Value {
    json!({
        "name": print.model.name(),
        "path": print.model.path,
        "origin": "local",
        "size": print.model.size,
        "owner": print.user,
    })
}

fn with_user(print: &Print) -> Value {
    let mut body = print_payload(print);
    body["user"] = json!(print.user);
    body
}

fn timed(print: &Print) -> Value {
    let mut body = print_payload(print);
    body["time"] = json!(print.time.as_secs_f64());
    body
}

fn paused(print: &Print) -> Value {
    let mut body = with_user(print);
    body["position"] = json!({
        "t": 0, "x": 105.0, "y": 98.0, "z": print.height.unwrap_or(0.0), "e": 3.2, "f": 6000.0,
    });
    body["fileposition"] = json!(print.position);
    body["progress"] = json!((share(print) * 100.0) as u64);
    body
}

/// Where a cancelled print stood is not known.
fn cancelled(print: &Print) -> Value {
    let mut body = paused(print);
    body["position"] = json!({
        "t": null, "x": null, "y": null, "z": null, "e": null, "f": null,
    });
    body["time"] = json!(print.time.as_secs_f64());
    body
}

fn share(print: &Print) -> f64 {
    print.position as f64 / print.model.size as f64
}
