//! The recorded answers of real servers, and a healthy server made of them.

use std::path::PathBuf;

use serde_json::Value;

use crate::stub::{Reply, Request};

pub fn directory(version: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/payloads")
        .join(version)
}

/// A recorded answer with its status and content type, or 404 if there is none.
pub fn recorded(file: &str) -> Reply {
    let Ok(text) = std::fs::read_to_string(directory(file)) else {
        return Reply::html(404, "Not found");
    };
    let record: Value = serde_json::from_str(&text).unwrap();
    let status = u16::try_from(record["status"].as_u64().unwrap()).unwrap();
    match record["body"]["__text__"].as_str() {
        Some(text) => Reply::html(status, text),
        None => Reply::json(status, &record["body"]),
    }
}

/// What a server of `version` answers while in `situation`.
pub fn situation(version: &str, situation: &str, request: &Request) -> Reply {
    match request.path() {
        "/api/job" => recorded(&format!("{version}/{situation}/job.json")),
        "/api/printer" => recorded(&format!("{version}/{situation}/printer.json")),
        "/api/version" => recorded(&format!("{version}/version.json")),
        "/api/currentuser" => recorded(&format!("{version}/currentuser.json")),
        "/api/files" => recorded(&format!("{version}/files.json")),
        "/api/printerprofiles" => recorded(&format!("{version}/printerprofiles.json")),
        _ => Reply::html(404, "Not found"),
    }
}

/// OctoPrint 1.11.8, printing.
pub fn printing(request: &Request) -> Reply {
    situation("1.11.8", "printing", request)
}

/// OctoPrint 1.11.8 with its printer switched off.
pub fn offline(request: &Request) -> Reply {
    situation("1.11.8", "disconnected", request)
}

/// Healthy, but for one path.
pub fn except(
    path: &'static str,
    reply: impl Fn() -> Reply + Send + Sync,
) -> impl Fn(&Request) -> Reply + Send + Sync {
    move |request| {
        if request.path() == path {
            reply()
        } else {
            printing(request)
        }
    }
}
