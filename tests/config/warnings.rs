//! What is accepted, but probably not meant.

use crate::bench::{Folder, HASH, KEY, assert_warned, machine, settings};

#[test]
fn an_unknown_key_of_a_machine() {
    assert_warned(
        &machine(&[("mesid", "[ 1 ]")]),
        r#"warning: unknown key "mesid"
  --> /etc/bridge/config.json:6:3 mesid
  help: did you mean `mes_id`? If not, remove it"#,
    );
}

#[test]
fn a_setting_in_a_file_of_one_machine() {
    assert_warned(
        &machine(&[("listen", r#""0.0.0.0""#)]),
        r#"warning: unknown key "listen"
  --> /etc/bridge/config.json:6:3 listen
  help: `listen` stands beside `machines`: write { "machines": [ { … } ], "listen": … }"#,
    );
}

#[test]
fn an_unknown_setting() {
    assert_warned(
        &settings(r#"  "stale_after": 5"#),
        r#"warning: unknown key "stale_after"
  --> /etc/bridge/config.json:2:3 stale_after
  help: did you mean `stale_after_ms`? If not, remove it"#,
    );
}

#[test]
fn a_key_of_a_machine_among_the_settings() {
    assert_warned(
        &settings(r#"  "url": "http://a""#),
        r#"warning: unknown key "url"
  --> /etc/bridge/config.json:2:3 url
  help: move `url` into a machine of the list `machines`"#,
    );
}

#[test]
fn a_key_that_would_break_the_line() {
    assert_warned(
        &settings(r#"  "a\nb": 5"#),
        r#"warning: unknown key "a\nb"
  --> /etc/bridge/config.json:2:3 a\nb
  help: did you mean `heartbeat_interval_ms`? If not, remove it"#,
    );
}

#[test]
fn an_unknown_key_of_tls() {
    assert_warned(
        &machine(&[
            ("url", r#""https://a""#),
            (
                "tls",
                r#"{ "fingerprint": "0000000000000000000000000000000000000000000000000000000000000000", "cafile": 1 }"#,
            ),
        ]),
        r#"warning: unknown key "cafile"
  --> /etc/bridge/config.json:6:95 tls.cafile
  help: did you mean `ca_file`? If not, remove it"#,
    );
}

#[test]
fn an_empty_name() {
    assert_warned(
        &machine(&[("custom_name", r#""""#)]),
        r#"warning: `custom_name` is empty and counts as not given
  --> /etc/bridge/config.json:6:18 custom_name
  help: remove it, or write "custom_name": "my_octoprint_machine""#,
    );
}

#[test]
fn no_mes_at_all() {
    assert_warned(
        &machine(&[("mes_id", "[]")]),
        r#"warning: `mes_id` is empty: no MES instance gets this machine
  --> /etc/bridge/config.json:5:13 mes_id
  help: write "mes_id": [ 1 ]"#,
    );
}

#[test]
fn one_address_twice() {
    assert_warned(
        &format!(
            "[ {},\n{} ]",
            machine(&[("id", r#""a""#)]),
            machine(&[("id", r#""b""#), ("url", r#""http://10.0.0.1:80/""#)])
        ),
        r#"warning: this is also the url of [0] (line 1)
  --> /etc/bridge/config.json:10:10 [1].url
  help: remove one of them: one printer would be shown as two machines"#,
    );
}

#[test]
fn a_mes_id_that_no_mes_has() {
    assert_warned(
        &settings(&format!(
            r#"  "mes": [ {{ "id": 2, "name": "Lyon", "user": "lyon", "password_hash": "{HASH}" }} ]"#
        )),
        r#"warning: no entry of `mes` has the id 1
  --> /etc/bridge/config.json:7:13 machines[0].mes_id
  help: add one: "mes": [ { "id": 1, … } ], or correct `mes_id`"#,
    );
}

#[test]
fn a_mes_id_when_there_is_an_empty_mes_section() {
    assert_warned(
        &settings(r#"  "mes": []"#),
        r#"warning: no entry of `mes` has the id 1
  --> /etc/bridge/config.json:7:13 machines[0].mes_id
  help: add one: "mes": [ { "id": 1, … } ], or correct `mes_id`"#,
    );
}

#[test]
fn the_open_network() {
    assert_warned(
        &settings(r#"  "listen": "0.0.0.0", "allow_anonymous": true"#),
        r#"warning: everybody who reaches 0.0.0.0 sees every machine: `allow_anonymous` is true
  --> /etc/bridge/config.json:2:13 listen
  help: write "listen": "127.0.0.1" if that is not meant"#,
    );
}

#[cfg(unix)]
#[test]
fn a_key_file_that_everybody_may_read() {
    use std::os::unix::fs::PermissionsExt;
    let machine = machine(&[
        ("api_key", ""),
        ("authentication_file_path", r#""secret.txt""#),
    ]);
    let folder = Folder::new()
        .with("secret.txt", KEY)
        .with("config.json", machine);
    let everybody = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(folder.path().join("secret.txt"), everybody).expect("opened");
    assert_eq!(
        folder.warnings(),
        r#"warning: /etc/bridge/secret.txt holds an API key and every user of this computer may read it
  --> /etc/bridge/config.json:5:31 authentication_file_path
  help: run: chmod 600 /etc/bridge/secret.txt"#
    );
}
