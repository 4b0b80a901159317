//! Mistakes in settings: who may reach the servers, as whom, under what name.

use crate::bench::{Folder, HASH, assert_refused, settings};

#[test]
fn the_network_without_a_login() {
    assert_refused(
        &settings(r#"  "listen": "0.0.0.0""#),
        r#"error: `listen` opens the server to the network at 0.0.0.0, and nobody would have to log in
  --> /etc/bridge/config.json:2:13 listen
  help: write "listen": "127.0.0.1", or say who may log in with `mes` and `operators`, or write "allow_anonymous": true if everybody there may see every machine"#,
    );
}

#[test]
fn the_network_without_a_login_over_ipv6() {
    assert_refused(
        &settings(r#"  "listen": "::""#),
        r#"error: `listen` opens the server to the network at ::, and nobody would have to log in
  --> /etc/bridge/config.json:2:13 listen
  help: write "listen": "127.0.0.1", or say who may log in with `mes` and `operators`, or write "allow_anonymous": true if everybody there may see every machine"#,
    );
}

#[test]
fn the_network_with_a_section_in_which_nobody_stands() {
    assert_refused(
        &settings(r#"  "listen": "192.168.1.2", "operators": []"#),
        r#"error: `listen` opens the server to the network at 192.168.1.2, and nobody would have to log in
  --> /etc/bridge/config.json:2:13 listen
  help: write "listen": "127.0.0.1", or say who may log in with `mes` and `operators`, or write "allow_anonymous": true if everybody there may see every machine"#,
    );
}

#[test]
fn a_role_that_is_none() {
    assert_refused(
        &settings(
            r#"  "mes": [ { "id": 1, "name": "Berlin", "role": "admin", "certificate": "abababababababababababababababababababababababababababababababab" } ]"#,
        ),
        r#"error: "admin" is not a role
  --> /etc/bridge/config.json:2:49 mes[0].role
  help: write "role": "observe", or "role": "control" for a MES that starts and aborts prints"#,
    );
}

#[test]
fn listen_is_a_name() {
    assert_refused(
        &settings(r#"  "listen": "bridge.example.org""#),
        r#"error: "bridge.example.org" is not an IP address
  --> /etc/bridge/config.json:2:13 listen
  help: write the address of a network interface without a port, for example "127.0.0.1"; the port is `umati_server_port`"#,
    );
}

#[test]
fn listen_holds_a_port() {
    assert_refused(
        &settings(r#"  "listen": "127.0.0.1:4840""#),
        r#"error: "127.0.0.1:4840" is not an IP address
  --> /etc/bridge/config.json:2:13 listen
  help: write the address of a network interface without a port, for example "127.0.0.1"; the port is `umati_server_port`"#,
    );
}

#[test]
fn a_host_name_with_scheme() {
    assert_refused(
        &settings(r#"  "public_hostname": "opc.tcp://bridge:4840""#),
        r#"error: "opc.tcp://bridge:4840" is not a host name
  --> /etc/bridge/config.json:2:22 public_hostname
  help: write a name or an IP address alone, without opc.tcp:// and without a port, for example "bridge.example.org""#,
    );
}

#[test]
fn settings_out_of_range() {
    assert_refused(
        &settings(
            r#"  "umati_server_port": -1,
  "poll_interval_ms": 3600001,
  "stale_after_ms": 999"#,
        ),
        r#"error: a whole number from 0 to 65535 is wanted here, but this is -1
  --> /etc/bridge/config.json:2:24 umati_server_port
  help: write "umati_server_port": 4840

error: a whole number from 100 to 3600000 is wanted here, but this is 3600001
  --> /etc/bridge/config.json:3:23 poll_interval_ms
  help: write "poll_interval_ms": 1000

error: a whole number from 1000 to 86400000 is wanted here, but this is 999
  --> /etc/bridge/config.json:4:21 stale_after_ms
  help: write "stale_after_ms": 60000"#,
    );
}

#[test]
fn an_entry_without_anything() {
    assert_refused(
        &settings(
            r#"  "mes": [ {} ],
  "operators": [ {} ]"#,
        ),
        r#"error: `id` is missing
  --> /etc/bridge/config.json:2:12 mes[0]
  help: write "id": 1

error: `name` is missing
  --> /etc/bridge/config.json:2:12 mes[0]
  help: write "name": "MES 1"

error: nobody can log in: neither `user` with `password_hash` nor `certificate` is given
  --> /etc/bridge/config.json:2:12 mes[0]
  help: write "user": "mes1", "password_hash": "$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>"

error: `name` is missing
  --> /etc/bridge/config.json:3:18 operators[0]
  help: write "name": "Maintenance"

error: nobody can log in: neither `user` with `password_hash` nor `certificate` is given
  --> /etc/bridge/config.json:3:18 operators[0]
  help: write "user": "mes1", "password_hash": "$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>""#,
    );
}

#[test]
fn a_user_without_a_hash() {
    assert_refused(
        &settings(r#"  "operators": [ { "name": "Anna", "user": "anna" } ]"#),
        r#"error: `password_hash` is missing
  --> /etc/bridge/config.json:2:18 operators[0]
  help: write "password_hash": "$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>""#,
    );
}

#[test]
fn a_hash_without_a_user() {
    assert_refused(
        &settings(&format!(
            r#"  "operators": [ {{ "name": "Anna", "password_hash": "{HASH}" }} ]"#
        )),
        r#"error: `user` is missing
  --> /etc/bridge/config.json:2:18 operators[0]
  help: write "user": "mes1""#,
    );
}

#[test]
fn a_password_in_clear() {
    assert_refused(
        &settings(
            r#"  "operators": [ { "name": "Anna", "user": "anna", "password": "hunter2" } ]"#,
        ),
        r#"warning: unknown key "password"
  --> /etc/bridge/config.json:2:52 operators[0].password
  help: did you mean `password_hash`? If not, remove it

error: `password_hash` is missing
  --> /etc/bridge/config.json:2:18 operators[0]
  help: write "password_hash": "$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>""#,
    );
}

#[test]
fn a_hash_that_is_none() {
    assert_refused(
        &settings(
            r#"  "operators": [ { "name": "Anna", "user": "anna", "password_hash": "hunter2" } ]"#,
        ),
        r#"error: `password_hash` cannot be used: it is not an Argon2id hash in PHC format
  --> /etc/bridge/config.json:2:69 operators[0].password_hash
  help: write what `umati-bridge hash-password` prints; it reads the password from standard input"#,
    );
}

#[test]
fn a_password_and_a_certificate() {
    assert_refused(
        &settings(
            r#"  "operators": [ { "name": "Anna", "user": "anna", "certificate": "abababababababababababababababababababababababababababababababab" } ]"#,
        ),
        r#"error: both a password and `certificate` are given
  --> /etc/bridge/config.json:2:18 operators[0]
  help: remove one of them, or make two entries"#,
    );
}

#[test]
fn a_certificate_that_is_none() {
    assert_refused(
        &settings(r#"  "operators": [ { "name": "Anna", "certificate": "anna.pem" } ]"#),
        r#"error: `certificate` is not a SHA-256 value
  --> /etc/bridge/config.json:2:51 operators[0].certificate
  help: write its 64 hexadecimal digits, with or without colons: openssl x509 -in certificate.pem -noout -fingerprint -sha256"#,
    );
}

#[test]
fn empty_names() {
    assert_refused(
        &settings(
            r#"  "mes": [ { "id": 1, "name": " ", "certificate": "abababababababababababababababababababababababababababababababab" } ]"#,
        ),
        r#"error: `name` is empty
  --> /etc/bridge/config.json:2:31 mes[0].name
  help: write "name": "MES 1""#,
    );
}

#[test]
fn a_mes_id_twice() {
    assert_refused(
        &settings(
            r#"  "mes": [ { "id": 1, "name": "A", "certificate": "abababababababababababababababababababababababababababababababab" },
    { "id": 1, "name": "B", "certificate": "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd" } ]"#,
        ),
        r#"error: the MES id 1 is already taken by mes[0].id (line 2)
  --> /etc/bridge/config.json:3:13 mes[1].id
  help: give each entry its own"#,
    );
}

#[test]
fn a_user_twice() {
    assert_refused(
        &settings(&format!(
            "  \"mes\": [ {{ \"id\": 1, \"name\": \"A\", \"user\": \"a\", \"password_hash\": \"{HASH}\" }} ],\n  \"operators\": [ {{ \"name\": \"B\", \"user\": \"a\", \"password_hash\": \"{HASH}\" }} ]"
        )),
        r#"error: the user "a" is already taken by mes[0] (line 2)
  --> /etc/bridge/config.json:3:18 operators[0]
  help: give each entry its own"#,
    );
}

#[test]
fn a_certificate_twice() {
    assert_refused(
        &settings(
            r#"  "operators": [ { "name": "A", "certificate": "abababababababababababababababababababababababababababababababab" },
    { "name": "B", "certificate": "ABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABAB" } ]"#,
        ),
        r#"error: the certificate abababababababababababababababababababababababababababababababab is already taken by operators[0] (line 2)
  --> /etc/bridge/config.json:3:5 operators[1]
  help: give each entry its own"#,
    );
}

#[test]
fn a_state_dir_that_is_a_file() {
    let folder = Folder::new()
        .with("state", "")
        .with("config.json", settings(r#"  "state_dir": "state""#));
    assert_eq!(
        folder.refusal(),
        r#"error: /etc/bridge/state is there, but it is not a folder
  --> /etc/bridge/config.json:2:16 state_dir
  help: name a folder; it is made when it is missing"#
    );
}
