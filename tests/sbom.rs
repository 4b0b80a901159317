//! `scripts/sbom`: the list of what the binary is made of is whole, well-formed, and the same each time.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn told(program: &str, arguments: &[&str]) -> Vec<u8> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("SOURCE_DATE_EPOCH", "1795000000");
    let output = command.output().expect("it starts");
    assert!(output.status.success(), "{command:?}: {output:?}");
    output.stdout
}

/// Name and version of what is linked into the binary on some platform, as cargo itself tells.
fn linked() -> BTreeSet<(String, String)> {
    let tree = told(
        env!("CARGO"),
        &[
            "tree", "--locked", "--target", "all", "--edges", "normal", "--prefix", "none",
            "--format", "{p}",
        ],
    );
    let tree = String::from_utf8(tree).expect("text");
    let crates = tree.lines().filter_map(|line| {
        let (name, rest) = line.split_once(" v")?;
        Some((name.to_owned(), rest.split(' ').next()?.to_owned()))
    });
    crates.collect()
}

/// The checksums in the lock file, by name and version.
fn checksums() -> BTreeMap<(String, String), String> {
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
    let lock = fs::read_to_string(lock).expect("the lock file");
    let value = |package: &str, key: &str| {
        let (_, rest) = package.split_once(&format!("\n{key} = \""))?;
        Some(rest.split_once('"')?.0.to_owned())
    };
    lock.split("[[package]]")
        .filter_map(|package| {
            let name_and_version = (value(package, "name")?, value(package, "version")?);
            Some((name_and_version, value(package, "checksum")?))
        })
        .collect()
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("no text: {value}"))
        .to_owned()
}

#[test]
#[ignore = "needs Python"]
fn the_bill_of_materials_is_whole() {
    let written = told("scripts/sbom", &[]);
    assert!(told("scripts/sbom", &[]) == written, "it differs each time");
    let bom: Value = serde_json::from_slice(&written).expect("JSON");
    assert_eq!(bom["bomFormat"], "CycloneDX");
    assert_eq!(bom["specVersion"], "1.5");
    assert_eq!(bom["metadata"]["timestamp"], "2026-11-18T11:06:40Z");

    let checksums = checksums();
    let subject = &bom["metadata"]["component"];
    let mut listed = BTreeSet::from([(text(&subject["name"]), text(&subject["version"]))]);
    let mut references = BTreeSet::from([text(&subject["bom-ref"])]);
    let components = bom["components"].as_array().expect("a list");
    for component in components {
        let (name, version) = (text(&component["name"]), text(&component["version"]));
        let hash = &component["hashes"][0];
        assert_eq!(hash["alg"], "SHA-256", "{name}");
        assert!(component["licenses"][0].is_object(), "{name}");
        let is_new = references.insert(text(&component["bom-ref"]));
        assert!(is_new, "{name} stands there twice");
        if component["type"] == "data" {
            continue;
        }
        let purl = format!("pkg:cargo/{name}@{}", version.replace('+', "%2B"));
        assert_eq!(component["purl"], purl);
        let key = (name, version);
        assert_eq!(
            checksums.get(&key),
            Some(&text(&hash["content"])),
            "{key:?}"
        );
        if component["scope"] == "required" {
            listed.insert(key);
        }
    }
    // Procedural macros run when the binary is built, and are not in it.
    let missing: Vec<_> = linked().difference(&listed).cloned().collect();
    let helps_to_build = |name: &str| {
        let is_it = |it: &&Value| it["name"] == name && it["scope"] == "excluded";
        components.iter().any(|it| is_it(&it))
    };
    let missing: Vec<_> = missing
        .iter()
        .filter(|(name, _)| !helps_to_build(name))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(listed.iter().any(|(name, _)| name == "async-opcua-server"));
    assert!(!listed.iter().any(|(name, _)| name == "proptest"), "tests");

    everything_is_needed(&bom, &references);
}

/// Each component can be reached from the bridge by the graph of dependencies.
fn everything_is_needed(bom: &Value, references: &BTreeSet<String>) {
    let graph: BTreeMap<String, Vec<String>> = bom["dependencies"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| {
            let on = it["dependsOn"].as_array().map(Vec::as_slice).unwrap_or(&[]);
            (text(&it["ref"]), on.iter().map(text).collect())
        })
        .collect();
    let mut reached = BTreeSet::new();
    let mut left = vec![text(&bom["metadata"]["component"]["bom-ref"])];
    while let Some(next) = left.pop() {
        let on = graph.get(&next).unwrap_or_else(|| panic!("no {next}"));
        if reached.insert(next) {
            left.extend(on.iter().cloned());
        }
    }
    assert_eq!(&reached, references);
}
