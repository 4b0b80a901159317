//! `umati-bridge hash-password`, as an operator types it.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::json;
use umati_bridge::password::{Hash, Strength};

/// `sysexits.h`.
const EX_DATAERR: i32 = 65;

fn umati_bridge(folder: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_umati-bridge"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("RUST_LOG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_password_from_standard_input_becomes_a_hash_that_a_config_takes() {
    let home = tempfile::tempdir().unwrap();
    let hashed = umati_bridge(
        home.path(),
        &["hash-password"],
        "Sesam öffne dich\n".as_bytes(),
    );
    assert_eq!(hashed.status.code(), Some(0));
    assert_eq!(text(&hashed.stderr), "");
    let printed = text(&hashed.stdout);
    let phc = printed.strip_suffix('\n').unwrap();
    assert!(!phc.contains(char::is_whitespace), "{phc:?}");
    let hash = Hash::parse(phc).unwrap();
    assert!(hash.is_of("Sesam öffne dich") && !hash.is_of("Sesam öffne dich\n"));
    assert_eq!(hash.strength(), Strength::Good);

    let config = |hash: &str| {
        json!({
            "state_dir": "state",
            "machines": [{ "type": "OCTOPRINT", "url": "http://127.0.0.1:9/", "custom_name": "a",
                "api_key": "0123456789ABCDEF", "mes_id": 1 }],
            "mes": [{ "id": 1, "name": "Berlin", "user": "berlin", "password_hash": hash }],
        })
        .to_string()
    };
    let file = home.path().join("config.json");
    fs::write(&file, config(phc)).unwrap();
    let check = ["check", "--config", "config.json"];
    let checked = umati_bridge(home.path(), &check, b"");
    assert_eq!(
        checked.status.code(),
        Some(0),
        "{}{}",
        text(&checked.stdout),
        text(&checked.stderr)
    );
    fs::write(&file, config("Sesam öffne dich")).unwrap();
    let checked = umati_bridge(home.path(), &check, b"");
    assert_ne!(checked.status.code(), Some(0));
    let told = text(&checked.stdout) + &text(&checked.stderr);
    assert!(told.contains("hash-password"), "{told}");
    assert!(!told.contains("Sesam"), "{told}");
}

#[test]
fn nothing_is_printed_for_what_is_no_password() {
    let home = tempfile::tempdir().unwrap();
    for (input, why) in [
        (&b""[..], "the password is empty"),
        (b"\n", "the password is empty"),
        (b"\xff\n", "the password is not UTF-8"),
    ] {
        let refused = umati_bridge(home.path(), &["hash-password"], input);
        assert_eq!(refused.status.code(), Some(EX_DATAERR), "{input:?}");
        assert_eq!(text(&refused.stdout), "");
        assert!(text(&refused.stderr).contains(why), "{input:?}");
    }
}
