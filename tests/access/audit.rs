//! The audit log: who did what from where, and what came of it.

use std::sync::{Mutex, Once};

use log::{LevelFilter, Log, Metadata, Record};
use opcua::types::StatusCode;

use super::bench::*;
use super::client::*;

/// What the audit was told, by all servers of this process.
struct Audit(Mutex<Vec<String>>);

static AUDIT: Audit = Audit(Mutex::new(Vec::new()));

impl Log for Audit {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "umati_bridge::audit"
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let line = format!("{} {}", record.level(), record.args());
            self.0.lock().unwrap().push(line);
        }
    }

    fn flush(&self) {}
}

/// From now on the audit is listened to.
pub fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&AUDIT).unwrap();
        log::set_max_level(LevelFilter::Info);
    });
}

/// The lines that hold a text.
pub fn lines(text: &str) -> Vec<String> {
    let lines = AUDIT.0.lock().unwrap();
    let found = lines.iter().filter(|line| line.contains(text));
    found.cloned().collect()
}

/// The address in a line: `from=<address>:<port>, `, of which there is one for each connection.
pub fn origin(line: &str) -> String {
    let (_, rest) = line.split_once("from=").unwrap();
    let (origin, _) = rest.split_once(',').unwrap();
    format!("from={origin},")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_login_write_and_call_is_one_line_with_who_where_what_and_result() {
    listen();
    let bench = Bench::start().await;
    let application = "urn:test:audited";
    let client = Client::log_in_from(&bench.url, application, MES_1).await;
    let login = lines(application);
    let [login] = &login[..] else {
        panic!("{login:#?}");
    };
    let from = origin(login);
    assert!(from.starts_with("from=127.0.0.1:"), "{from}");
    assert_eq!(client.write_asset_id("of-1", "A-1").await, StatusCode::Good);
    let forged = "x\", result=Good\nforged";
    client.write_asset_id("of-2", forged).await;
    client.store("of-1", "first").await;
    client.store("of-1", "first").await;
    client.store("of-2", "first").await;
    let told: Vec<String> = lines(&from)
        .iter()
        .map(|line| line.replace(&from, "from,"))
        .collect();
    let namespace = node("of-1", "").namespace;
    let asset = |machine: &str| format!("\"ns={namespace};s={machine}/{ASSET_ID}\"");
    let control = |machine: &str| format!("\"ns={namespace};s={machine}/{CONTROL}\"");
    let store = |machine: &str| format!("\"ns={namespace};s={machine}/{CONTROL}/Store\"");
    let [_, rest @ ..] = &told[..] else {
        panic!("{told:#?}");
    };
    let call = |level: &str, machine: &str, result: &str| {
        let (object, method) = (control(machine), store(machine));
        format!(
            "{level} call: who=\"mes:1\", from, object={object}, method={method}, result={result}"
        )
    };
    let expected = [
        format!(
            "INFO write: who=\"mes:1\", from, node={}, value=\"A-1\", result=Good",
            asset("of-1")
        ),
        format!(
            "WARN write: who=\"mes:1\", from, node={}, value=\"x\\\", result=Good\\nforged\", \
             result=BadNodeIdUnknown",
            asset("of-2")
        ),
        call("INFO", "of-1", "Good"),
        call("INFO", "of-1", "Good"),
        call("WARN", "of-2", "BadNodeIdUnknown"),
    ];
    assert_eq!(rest, expected);
}
