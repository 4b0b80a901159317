//! The bodies of the answers about files.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::bodies::{PROFILE, filament};
use crate::octoprint::simulator::clock::Clock;
use crate::octoprint::simulator::printer::Printer;
use crate::octoprint::simulator::printer::catalogue::{Model, files_for};

/// Whether the contents of folders are listed too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    TopOnly,
    Recursive,
}

/// `base` is the address of this OctoPrint, without a slash at its end.
pub(super) fn list(printer: &Printer, clock: &Clock, base: &str, depth: Depth) -> Value {
    let mut root = Folder::default();
    for model in files_for(printer.hardware()) {
        let mut folder = &mut root;
        for name in model.folder().into_iter().flat_map(|path| path.split('/')) {
            folder = folder.folders.entry(name).or_default();
        }
        folder.files.push(file(printer, clock, base, model));
    }
    json!({
        "files": root.entries(base, "", depth),
        "free": 83_422_101_504_u64,
        "total": 270_553_174_016_u64,
    })
}

#[derive(Default)]
struct Folder {
    folders: std::collections::BTreeMap<&'static str, Folder>,
    files: Vec<Value>,
}

impl Folder {
    fn entries(self, base: &str, path: &str, depth: Depth) -> Vec<Value> {
        let mut entries = self.files;
        for (name, folder) in self.folders {
            let path = if path.is_empty() {
                name.to_owned()
            } else {
                format!("{path}/{name}")
            };
            let children = match depth {
                Depth::TopOnly => Vec::new(),
                Depth::Recursive => folder.entries(base, &path, depth),
            };
            entries.push(json!({
                "children": children,
                "display": name,
                "name": name,
                "origin": "local",
                "path": path,
                "refs": { "resource": format!("{base}/api/files/local/{}", encode(&path)) },
                "type": "folder",
                "typePath": ["folder"],
            }));
        }
        entries
    }
}

/// One file, with the outcome of its prints once there are any.
pub(super) fn file(printer: &Printer, clock: &Clock, base: &str, model: &Model) -> Value {
    let prints = printer.prints(model);
    let encoded = encode(model.path);
    let mut body = json!({
        "date": model.date,
        "display": model.display,
        "gcodeAnalysis": analysis(model),
        "hash": hash(model),
        "name": model.name(),
        "origin": "local",
        "path": model.path,
        "refs": {
            "download": format!("{base}/downloads/files/local/{encoded}"),
            "resource": format!("{base}/api/files/local/{encoded}"),
        },
        "size": model.size,
        "type": "machinecode",
        "typePath": ["machinecode", "gcode"],
        "user": "admin",
    });
    if let Some(last) = prints.last {
        let mut newest = Map::new();
        newest.insert("date".to_owned(), json!(clock.unix_time(last.at)));
        newest.insert("success".to_owned(), json!(last.print_time.is_some()));
        if let Some(time) = last.print_time {
            newest.insert("printTime".to_owned(), json!(time.as_secs_f64()));
        }
        body["prints"] =
            json!({ "failure": prints.failure, "last": newest, "success": prints.success });
        let by_profile = |seconds: Option<f64>| {
            seconds.map_or_else(|| json!({}), |seconds| json!({ PROFILE: seconds }))
        };
        body["statistics"] = json!({
            "averagePrintTime": by_profile(prints.average()),
            "lastPrintTime": by_profile(prints.last_success()),
        });
    }
    body
}

fn analysis(model: &Model) -> Value {
    let area = json!({
        "maxX": 90.0, "maxY": 75.0, "maxZ": 30.0, "minX": 10.0, "minY": 15.0, "minZ": 0.0,
    });
    let dimensions = json!({ "depth": 60.0, "height": 30.0, "width": 80.0 });
    json!({
        "dimensions": dimensions,
        "estimatedPrintTime": model.estimate(),
        "filament": filament(model),
        "printingArea": area,
        "travelArea": area,
        "travelDimensions": dimensions,
    })
}

/// Forty hexadecimal digits that differ from file to file.
fn hash(model: &Model) -> String {
    Sha256::digest(model.path.as_bytes())
        .iter()
        .take(20)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Percent-encodes all but the unreserved characters and the slash.
fn encode(path: &str) -> String {
    path.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}
