//! Files that cannot be read, or are no JSON of ours.

use crate::bench::{Folder, assert_refused};

#[test]
fn an_empty_file() {
    assert_refused(
        "",
        r#"error: the file is empty
  --> /etc/bridge/config.json:1:1
  help: write a machine: { "type": "OCTOPRINT", … } (config.json.example shows how)"#,
    );
}

#[test]
fn a_file_of_comments() {
    assert_refused(
        "// nothing yet
",
        r#"error: the file is empty
  --> /etc/bridge/config.json:1:1
  help: write a machine: { "type": "OCTOPRINT", … } (config.json.example shows how)"#,
    );
}

#[test]
fn a_missing_comma() {
    assert_refused(
        r#"{ "type": "OCTOPRINT"
  "url": "http://a" }"#,
        r#"error: this is not JSON: expected comma
  --> /etc/bridge/config.json:1:22
  help: write a comma here"#,
    );
}

#[test]
fn a_missing_colon() {
    assert_refused(
        r#"{ "type" "OCTOPRINT" }"#,
        r#"error: this is not JSON: expected colon after the string or word in object property
  --> /etc/bridge/config.json:1:10
  help: write a colon between the key and its value"#,
    );
}

#[test]
fn a_missing_value() {
    assert_refused(
        r#"{ "type": }"#,
        r#"error: this is not JSON: unexpected close brace
  --> /etc/bridge/config.json:1:11
  help: write the value that is missing before it, or remove it"#,
    );
}

#[test]
fn a_comma_too_many() {
    assert_refused(
        "[ 1,, 2 ]",
        r#"error: this is not JSON: unexpected comma
  --> /etc/bridge/config.json:1:5
  help: write the value that is missing before it, or remove it"#,
    );
}

#[test]
fn an_unclosed_object() {
    assert_refused(
        r#"[
  { "type": "OCTOPRINT"
"#,
        r#"error: this is not JSON: unterminated object
  --> /etc/bridge/config.json:2:3
  help: close the { that stands here with a }"#,
    );
}

#[test]
fn an_unclosed_list() {
    assert_refused(
        "[
",
        r#"error: this is not JSON: unterminated array
  --> /etc/bridge/config.json:1:1
  help: close the [ that stands here with a ]"#,
    );
}

#[test]
fn an_unclosed_comment() {
    assert_refused(
        "{ /* }",
        r#"error: this is not JSON: unterminated comment block
  --> /etc/bridge/config.json:1:3
  help: close the comment with */"#,
    );
}

#[test]
fn an_unclosed_text() {
    assert_refused(
        r#"{ "type": "OCTOPRINT }"#,
        r#"error: this is not JSON: unterminated string literal
  --> /etc/bridge/config.json:1:11
  help: end the text with a double quote"#,
    );
}

#[test]
fn a_key_without_quotes() {
    assert_refused(
        r#"{ type: "OCTOPRINT" }"#,
        r#"error: this is not JSON: expected string for object property
  --> /etc/bridge/config.json:1:3
  help: put keys and text in double quotes; true, false and null stand without, in lower case"#,
    );
}

#[test]
fn single_quotes() {
    assert_refused(
        "{ 'type': 'OCTOPRINT' }",
        r#"error: this is not JSON: single-quoted strings are not allowed
  --> /etc/bridge/config.json:1:3
  help: put keys and text in double quotes; true, false and null stand without, in lower case"#,
    );
}

#[test]
fn typographic_quotes() {
    assert_refused(
        "{ “type”: “OCTOPRINT” }",
        r#"error: this is not JSON: unexpected token
  --> /etc/bridge/config.json:1:3
  help: write straight double quotes ("), not typographic ones"#,
    );
}

#[test]
fn a_word() {
    assert_refused(
        r#"{ "allow_anonymous": True }"#,
        r#"error: this is not JSON: unexpected word
  --> /etc/bridge/config.json:1:22
  help: put keys and text in double quotes; true, false and null stand without, in lower case"#,
    );
}

#[test]
fn a_windows_path() {
    assert_refused(
        r#"{ "authentication_file_path": "C:\secrets\key.txt" }"#,
        r#"error: this is not JSON: invalid escape
  --> /etc/bridge/config.json:1:34
  help: write each \ as \\; in a Windows path, / works too"#,
    );
}

#[test]
fn a_hexadecimal_number() {
    assert_refused(
        r#"{ "mes_id": 0x1 }"#,
        r#"error: this is not JSON: hexadecimal numbers are not allowed
  --> /etc/bridge/config.json:1:13
  help: write a plain number such as 4840"#,
    );
}

#[test]
fn two_machines_without_a_list() {
    assert_refused(
        r#"{ "type": "OCTOPRINT" }
{ "type": "OCTOPRINT" }"#,
        r#"error: this is not JSON: text cannot contain more than one JSON value
  --> /etc/bridge/config.json:2:1
  help: put several machines into one list: [ { … }, { … } ], and nothing after it"#,
    );
}

#[test]
fn endless_nesting() {
    assert_refused(
        &"[".repeat(10_000),
        r#"error: this is not JSON: maximum nesting depth exceeded
  --> /etc/bridge/config.json:1:513
  help: remove brackets: no setting is nested that deeply"#,
    );
}

#[test]
fn a_number_as_file() {
    assert_refused(
        "5",
        r#"error: an object in { } is wanted here, but this is a number
  --> /etc/bridge/config.json:1:1
  help: write "machines": [ { "type": "OCTOPRINT", … } ]"#,
    );
}

#[test]
fn an_empty_object() {
    assert_refused(
        "{}",
        r#"error: `machines` is missing
  --> /etc/bridge/config.json:1:1
  help: write "machines": [ { "type": "OCTOPRINT", … } ]"#,
    );
}

#[test]
fn an_empty_list() {
    assert_refused(
        "[]",
        r#"error: the list of machines is empty
  --> /etc/bridge/config.json:1:1
  help: write a machine: { "type": "OCTOPRINT", … }"#,
    );
}

#[test]
fn an_empty_list_of_machines() {
    assert_refused(
        r#"{ "machines": [] }"#,
        r#"error: the list of machines is empty
  --> /etc/bridge/config.json:1:15 machines
  help: write a machine: { "type": "OCTOPRINT", … }"#,
    );
}

#[test]
fn machines_that_are_no_list() {
    assert_refused(
        r#"{ "machines": { "type": "OCTOPRINT" } }"#,
        r#"error: a list in [ ] is wanted here, but this is an object
  --> /etc/bridge/config.json:1:15 machines
  help: write "machines": [ { "type": "OCTOPRINT", … } ]"#,
    );
}

#[test]
fn a_machine_that_is_no_object() {
    assert_refused(
        r#"[ "OCTOPRINT" ]"#,
        r#"error: an object in { } is wanted here, but this is text
  --> /etc/bridge/config.json:1:3 [0]
  help: write a machine: { "type": "OCTOPRINT", … }"#,
    );
}

#[test]
fn no_file() {
    assert_eq!(
        Folder::new().refusal(),
        r#"error: there is no such file
  --> /etc/bridge/config.json
  help: write it (config.json.example shows how), or name another with --config FILE"#
    );
}

#[test]
fn a_folder() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("config.json")).expect("a folder");
    assert_eq!(
        folder.refusal(),
        r#"error: this is a folder, not a file
  --> /etc/bridge/config.json
  help: name the file with --config FILE"#
    );
}

#[test]
fn a_file_that_is_no_text() {
    assert_eq!(
        Folder::new()
            .with("config.json", b"\xff\xfe{\0}\0")
            .refusal(),
        r#"error: this file is not UTF-8 text
  --> /etc/bridge/config.json
  help: save it with the encoding UTF-8"#
    );
}

#[test]
fn a_file_without_end() {
    assert_eq!(
        Folder::new()
            .with("config.json", " ".repeat((16 << 20) + 1))
            .refusal(),
        r#"error: this file is larger than 16777216 bytes
  --> /etc/bridge/config.json
  help: name the file with --config FILE"#
    );
}

/// The memory of a process can be opened, but not read from its start: an error of reading that even root meets.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_cannot_be_read() {
    let refused = umati_bridge::config::load("/proc/self/mem".as_ref()).expect_err("refused");
    assert_eq!(
        refused.to_string(),
        r#"error: this file cannot be read: Input/output error (os error 5)
  --> /proc/self/mem
  help: let the user who runs umati-bridge read it"#
    );
}
