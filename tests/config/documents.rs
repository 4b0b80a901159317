//! The manual and the example say what the program does.

use umati_bridge::config::keys;

use crate::bench::{Folder, KEY};

const MANUAL: &str = include_str!("../../docs/configuration.md");

#[test]
fn the_example_file_is_accepted_without_a_warning() {
    let folder = Folder::new().with("config.json", include_str!("../../config.json.example"));
    let loaded = folder.load().expect("accepted");
    assert_eq!(loaded.warnings, []);
    assert_eq!(loaded.config.machines[0].name, "my_octoprint_machine");
}

#[test]
fn every_example_in_the_manual_is_accepted_without_a_warning() {
    let examples: Vec<_> = MANUAL
        .split("```json\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert!(examples.len() >= 5);
    for example in examples {
        let folder = Folder::new()
            .with("secret.txt", KEY)
            .with(
                "ca.pem",
                "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
            )
            .with("config.json", example);
        assert_eq!(folder.warnings(), "", "{example}");
    }
}

#[test]
fn every_key_has_a_row_in_the_manual_and_every_row_a_key() {
    let rows: Vec<_> = MANUAL
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    let known: Vec<_> = keys::SECTIONS
        .iter()
        .flat_map(|section| section.keys)
        .map(|key| key.name)
        .collect();
    let mut sorted = (rows, known);
    sorted.0.sort_unstable();
    sorted.1.sort_unstable();
    assert_eq!(sorted.0, sorted.1);
}
