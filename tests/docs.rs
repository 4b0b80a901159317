//! The examples in the documentation, run as they stand there.

mod common;

use std::fs;
use std::path::Path;

use common::bridge::Bridge;
use common::foreign::{Client, Policy};
use common::install::Venv;
use common::octoprint::{Print, RealOctoPrint};
use common::wait_until;
use serde_json::json;
use tempfile::TempDir;
use umati_bridge::config;
use umati_bridge::password::Hash;

fn document(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The fenced blocks of a language, in order.
fn blocks(text: &str, language: &str) -> Vec<String> {
    text.split(&format!("```{language}\n"))
        .skip(1)
        .filter_map(|rest| Some(rest.split_once("```")?.0.to_owned()))
        .collect()
}

#[test]
fn the_config_in_the_readme_loads() {
    let blocks = blocks(&document("README.md"), "json");
    assert_eq!(blocks.len(), 1);
    let folder = TempDir::new().expect("folder");
    fs::write(
        folder.path().join("secret.txt"),
        "A0A00B123E454H122BD513FE58B5E9BC",
    )
    .expect("key");
    let path = folder.path().join("config.json");
    fs::write(&path, &blocks[0]).expect("config");
    let loaded = config::load(&path).expect("a valid config");
    assert_eq!(loaded.config.machines[0].name, "my_octoprint_machine");
}

/// Every file that a document links to is there.
#[test]
fn links_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut documents = vec![root.join("README.md"), root.join("SECURITY.md")];
    for folder in ["docs", "docs/decisions"] {
        documents.extend(
            fs::read_dir(root.join(folder))
                .expect("folder")
                .map(|entry| entry.expect("entry").path())
                .filter(|path| path.extension().is_some_and(|e| e == "md")),
        );
    }
    for document in documents {
        let text = fs::read_to_string(&document).expect("document");
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let file = link.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            let target = document.with_file_name(file);
            assert!(target.exists(), "{}: {link}", document.display());
        }
    }
}

/// The Python program in the README, as it stands there, against the demo.
#[test]
#[ignore = "needs Python and the package registries"]
fn the_program_in_the_readme_lists_the_machines() {
    let blocks = blocks(&document("README.md"), "python");
    assert_eq!(blocks.len(), 1);
    let bridge = Bridge::demo(3);
    let address = bridge.endpoint().trim_end_matches('/');
    let program = blocks[0].replace("opc.tcp://127.0.0.1:4840", address);
    assert_ne!(program, blocks[0], "the program names the demo's address");
    let output = Venv::asyncua()
        .python()
        .args(["-c", &program])
        .output()
        .expect("python");
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        told.lines().collect::<Vec<_>>(),
        ["printer-0001", "printer-0002", "printer-0003"],
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The MES of the worked example, as it stands there, against the demo: it logs in, starts a job and is told of it.
#[test]
#[ignore = "needs Python and the package registries"]
fn the_mes_of_the_worked_example_starts_a_job_and_is_told_of_it() {
    work_through_the_example(&Bridge::demo(3), "printer-0001");
}

/// The same against a real OctoPrint, which prints.
#[test]
#[ignore = "needs Python and the package registries"]
fn the_worked_example_prints_on_a_real_octoprint() {
    let octoprint = RealOctoPrint::start("1.11.8");
    octoprint.connect();
    octoprint.upload("", Print::LONG);
    let hash = Hash::of("demo").expect("a hash").expose();
    let bridge = Bridge::run(json!({
        "machines": [{
            "type": "OCTOPRINT",
            "url": octoprint.url(),
            "custom_name": "real",
            "api_key": octoprint.control_key(),
            "mes_id": [1],
            "control": true,
        }],
        "mes": [{ "id": 1, "name": "Berlin", "role": "control", "user": "mes1", "password_hash": hash }],
        "allow_anonymous": true,
    }));
    wait_until("the file is listed", || {
        let lists = Client::Asyncua.jobs(bridge.endpoint(), Policy::None);
        let mut files = lists
            .iter()
            .filter(|(path, _)| path.ends_with("/WorkMaster"));
        match files.next() {
            Some((_, list)) if list.as_array().is_some_and(|it| !it.is_empty()) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    work_through_the_example(&bridge, "real");
    let states: Vec<_> = octoprint
        .log()
        .states_entered()
        .into_iter()
        .map(|it| it.1)
        .collect();
    assert!(states.iter().any(|state| state == "Printing"), "{states:?}");
}

fn work_through_the_example(bridge: &Bridge, machine: &str) {
    let blocks = blocks(&document("docs/mes-integration.md"), "python");
    assert_eq!(blocks.len(), 1);
    let address = bridge.endpoint().trim_end_matches('/');
    let program = blocks[0].replace("opc.tcp://127.0.0.1:4840", address);
    assert_ne!(program, blocks[0], "the program names the demo's address");
    // It writes its certificate where it runs.
    let folder = TempDir::new().expect("folder");
    let output = Venv::asyncua()
        .python()
        .current_dir(folder.path())
        .args(["-c", &program])
        .output()
        .expect("python");
    let told = String::from_utf8_lossy(&output.stdout);
    let says = |what: &str| told.lines().any(|line| line.starts_with(what));
    assert!(
        says("started or queued") && says(&format!("{machine} order-4711 ")),
        "{told}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
