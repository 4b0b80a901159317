//! Whatever stands in the file: an answer, and never a panic.

use proptest::prelude::*;
use umati_bridge::config::{Config, Refused};

use crate::bench::{Folder, HASH, KEY};

/// Holds for every file: it is refused for a reason, or the configuration keeps its promises.
fn check(content: impl AsRef<[u8]>) -> Result<(), TestCaseError> {
    let folder = Folder::new()
        .with("secret.txt", KEY)
        .with("config.json", content);
    match folder.load() {
        Ok(loaded) => keeps_its_promises(&loaded.config),
        Err(refused) => has_a_reason(&refused),
    }
}

fn has_a_reason(refused: &Refused) -> Result<(), TestCaseError> {
    prop_assert!(!refused.mistakes.is_empty());
    for mistake in &refused.mistakes {
        prop_assert!(!mistake.what.is_empty() && !mistake.instead.is_empty());
        prop_assert_eq!(mistake.to_string().lines().count(), 3);
    }
    Ok(())
}

fn keeps_its_promises(config: &Config) -> Result<(), TestCaseError> {
    prop_assert!(!config.machines.is_empty());
    prop_assert!(config.state_dir.is_absolute());
    for (index, machine) in config.machines.iter().enumerate() {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        prop_assert!(!machine.id.is_empty() && machine.id.chars().all(is_allowed));
        prop_assert!(
            config.machines[..index]
                .iter()
                .all(|other| other.id != machine.id)
        );
        prop_assert!(machine.url.path().ends_with('/') && machine.url.has_host());
        prop_assert!(["http", "https"].contains(&machine.url.scheme()));
        let key = machine.key.expose();
        prop_assert!(!key.is_empty() && key.chars().all(|c| c.is_ascii_graphic()));
        prop_assert!(!machine.name.is_empty());
    }
    Ok(())
}

/// Every key once.
fn full() -> String {
    format!(
        r#"{{ // a comment
  "listen": "127.0.0.1", "public_hostname": "bridge", "umati_server_port": 4840, "state_dir": "state",
  "poll_interval_ms": 1000, "stale_after_ms": 60000, "allow_anonymous": false,
  "machines": [
    {{ "type": "OCTOPRINT", "url": "http://[::1]:5000/a", "custom_name": "Süd", "authentication_file_path": "secret.txt",
      "mes_id": [ 1, 2 ], "umati_server_port": 4841, "poll_interval_ms": 500,
      "source": "poll", "heartbeat_interval_ms": 5000, "manufacturer": "P", "model": "M",
      "serial_number": "S", "product_code": "C", "year_of_construction": 2024, "location": "L", "asset_id": "A" }},
    {{ "type": "octoprint", "url": "https://b", "api_key": "{KEY}", "mes_id": 1, "id": "b",
      "tls": {{ "fingerprint": "{}" }} }}, /* and */
  ],
  "mes": [ {{ "id": 1, "name": "A", "user": "a", "password_hash": "{HASH}" }},
    {{ "id": 2, "name": "B", "certificate": "{}" }} ],
  "operators": [ {{ "name": "O", "user": "o", "password_hash": "{HASH}" }} ]
}}"#,
        "0a".repeat(32),
        "0b".repeat(32),
    )
}

#[test]
fn the_full_file_is_accepted_without_a_warning() {
    let folder = Folder::new()
        .with("secret.txt", KEY)
        .with("config.json", full());
    assert_eq!(folder.warnings(), "");
}

/// JSON of any shape, with the keys that matter among its keys.
fn json() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        Just("OCTOPRINT".to_owned()),
        Just("http://a".to_owned()),
        Just("0.0.0.0".to_owned()),
        Just("secret.txt".to_owned()),
        Just(HASH.to_owned()),
        any::<String>(),
    ];
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|flag| flag.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>()
            .prop_filter("JSON", |f| f.is_finite())
            .prop_map(|f| f.to_string()),
        text.prop_map(|text| serde_json::Value::String(text).to_string()),
    ];
    let sections = umati_bridge::config::keys::SECTIONS;
    let names: Vec<_> = sections
        .iter()
        .flat_map(|s| s.keys)
        .map(|key| key.name.to_owned())
        .collect();
    leaf.prop_recursive(4, 64, 12, move |inner| {
        let name = prop_oneof![9 => proptest::sample::select(names.clone()), 1 => any::<String>()];
        let name = name.prop_map(|name| serde_json::Value::String(name).to_string());
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4)
                .prop_map(|list| format!("[{}]", list.join(","))),
            proptest::collection::vec((name, inner), 0..12).prop_map(|properties| {
                let lines: Vec<_> = properties
                    .iter()
                    .map(|(k, v)| format!("{k}: {v}"))
                    .collect();
                format!("{{{}}}", lines.join(",\n"))
            }),
        ]
    })
}

/// Replaces a stretch of the text; the result need not be UTF-8.
fn replaced(text: &[u8], at: usize, length: usize, by: &[u8]) -> Vec<u8> {
    let start = at % (text.len() + 1);
    let end = (start + length).min(text.len());
    [&text[..start], by, &text[end..]].concat()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_do_no_harm(bytes in any::<Vec<u8>>()) {
        check(bytes)?;
    }

    #[test]
    fn text_does_no_harm(text in "[\\[\\]{}:,\"'/*\\\\a-z0-9\u{feff}“é\r\n -]{0,60}") {
        check(text)?;
    }

    #[test]
    fn json_does_no_harm(text in json()) {
        check(text)?;
    }

    #[test]
    fn edits_do_no_harm(
        edits in proptest::collection::vec(
            (
                any::<usize>(),
                0usize..12,
                prop_oneof![
                    any::<Vec<u8>>(),
                    "[\\[\\]{}:,\"/*]{1,3}".prop_map(String::into_bytes),
                    json().prop_map(String::into_bytes),
                ],
            ),
            1..4,
        ),
    ) {
        let mut text = full().into_bytes();
        for (at, length, by) in edits {
            text = replaced(&text, at, length, &by);
        }
        check(text)?;
    }
}
