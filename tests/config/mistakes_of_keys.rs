//! Keys that are missing, given twice or of the wrong type.

use crate::bench::{assert_refused, machine, settings};

#[test]
fn everything_missing() {
    assert_refused(
        r#"{ "custom_name": "x" }"#,
        r#"error: `type` is missing
  --> /etc/bridge/config.json:1:1
  help: write "type": "OCTOPRINT"

error: `url` is missing
  --> /etc/bridge/config.json:1:1
  help: write "url": "http://192.168.1.41:5000"

error: `mes_id` is missing
  --> /etc/bridge/config.json:1:1
  help: write "mes_id": [ 1 ]

error: there is no API key: neither `authentication_file_path` nor `api_key` is given
  --> /etc/bridge/config.json:1:1
  help: write "authentication_file_path": "secret.txt""#,
    );
}

#[test]
fn every_type_wrong() {
    assert_refused(
        r#"{ "type": 1, "url": [], "api_key": 1234, "authentication_file_path": {}, "custom_name": null,
  "mes_id": "1", "umati_server_port": "4840", "id": true, "poll_interval_ms": false, "tls": "ca.pem",
  "manufacturer": 1, "model": 1, "serial_number": 1, "product_code": 1, "year_of_construction": "2024",
  "location": [], "asset_id": 17 }"#,
        r#"error: both `api_key` and `authentication_file_path` are given
  --> /etc/bridge/config.json:1:1
  help: remove one of them

error: text in double quotes is wanted here, but this is a number
  --> /etc/bridge/config.json:1:11 type
  help: write "type": "OCTOPRINT"

error: text in double quotes is wanted here, but this is a list
  --> /etc/bridge/config.json:1:21 url
  help: write "url": "http://192.168.1.41:5000"

error: text in double quotes is wanted here, but this is a number
  --> /etc/bridge/config.json:1:36 api_key
  help: write "api_key": "A0A00B123E454H122BD513FE58B5E9BC"

error: text in double quotes is wanted here, but this is an object
  --> /etc/bridge/config.json:1:70 authentication_file_path
  help: write "authentication_file_path": "secret.txt"

error: text in double quotes is wanted here, but this is null
  --> /etc/bridge/config.json:1:89 custom_name
  help: write "custom_name": "my_octoprint_machine"

error: a list of whole numbers is wanted here, but this is text
  --> /etc/bridge/config.json:2:13 mes_id
  help: write "mes_id": [ 1 ]

error: a whole number from 0 to 65535 is wanted here, but this is text
  --> /etc/bridge/config.json:2:39 umati_server_port
  help: write "umati_server_port": 4840

error: text in double quotes is wanted here, but this is true
  --> /etc/bridge/config.json:2:53 id
  help: write "id": "prusa-01"

error: a whole number from 100 to 3600000 is wanted here, but this is false
  --> /etc/bridge/config.json:2:79 poll_interval_ms
  help: write "poll_interval_ms": 1000

error: an object in { } is wanted here, but this is text
  --> /etc/bridge/config.json:2:93 tls
  help: write "tls": { "ca_file": "ca.pem" }

error: text in double quotes is wanted here, but this is a number
  --> /etc/bridge/config.json:3:19 manufacturer
  help: write "manufacturer": "Prusa Research"

error: text in double quotes is wanted here, but this is a number
  --> /etc/bridge/config.json:3:31 model
  help: write "model": "MK4S"

error: text in double quotes is wanted here, but this is a number
  --> /etc/bridge/config.json:3:51 serial_number
  help: write "serial_number": "CZPX3021X017XC01234"

error: text in double quotes is wanted here, but this is a number
  --> /etc/bridge/config.json:3:70 product_code
  help: write "product_code": "PRI-MK4S-KIT"

error: a whole number from 1900 to 2100 is wanted here, but this is text
  --> /etc/bridge/config.json:3:97 year_of_construction
  help: write "year_of_construction": 2024

error: text in double quotes is wanted here, but this is a list
  --> /etc/bridge/config.json:4:15 location
  help: write "location": "Hall 2, row 4"

error: text in double quotes is wanted here, but this is a number
  --> /etc/bridge/config.json:4:31 asset_id
  help: write "asset_id": "INV-00417""#,
    );
}

#[test]
fn every_setting_of_the_wrong_type() {
    assert_refused(
        &settings(
            r#"  "umati_server_port": "4840", "listen": 1, "public_hostname": null, "state_dir": [], "poll_interval_ms": 99.5,
  "stale_after_ms": 1e5, "allow_anonymous": "yes", "mes": {}, "operators": "anna""#,
        ),
        r#"error: a whole number from 0 to 65535 is wanted here, but this is text
  --> /etc/bridge/config.json:2:24 umati_server_port
  help: write "umati_server_port": 4840

error: text in double quotes is wanted here, but this is a number
  --> /etc/bridge/config.json:2:42 listen
  help: write "listen": "127.0.0.1"

error: text in double quotes is wanted here, but this is null
  --> /etc/bridge/config.json:2:64 public_hostname
  help: write "public_hostname": "bridge.example.org"

error: text in double quotes is wanted here, but this is a list
  --> /etc/bridge/config.json:2:83 state_dir
  help: write "state_dir": "umati-bridge-state"

error: a whole number from 100 to 3600000 is wanted here, but this is 99.5
  --> /etc/bridge/config.json:2:107 poll_interval_ms
  help: write "poll_interval_ms": 1000

error: a whole number from 1000 to 86400000 is wanted here, but this is 1e5
  --> /etc/bridge/config.json:3:21 stale_after_ms
  help: write "stale_after_ms": 60000

error: true or false is wanted here, but this is text
  --> /etc/bridge/config.json:3:45 allow_anonymous
  help: write "allow_anonymous": true

error: a list in [ ] is wanted here, but this is an object
  --> /etc/bridge/config.json:3:59 mes
  help: write "mes": [ { "id": 1, "name": "MES 1", "user": "mes1", "password_hash": "$argon2id$…" } ]

error: a list in [ ] is wanted here, but this is text
  --> /etc/bridge/config.json:3:76 operators
  help: write "operators": [ { "name": "Maintenance", "user": "anna", "password_hash": "$argon2id$…" } ]"#,
    );
}

#[test]
fn every_part_of_a_login_of_the_wrong_type() {
    assert_refused(
        &settings(
            r#"  "mes": [ 1, { "id": "1", "name": 1, "user": 1, "password_hash": 1234 } ],
  "operators": [ [], { "name": "Anna", "certificate": 1234 } ]"#,
        ),
        r#"error: an object in { } is wanted here, but this is a number
  --> /etc/bridge/config.json:2:12 mes[0]
  help: write "mes": [ { "id": 1, "name": "MES 1", "user": "mes1", "password_hash": "$argon2id$…" } ]

error: a whole number from 0 to 4294967295 is wanted here, but this is text
  --> /etc/bridge/config.json:2:23 mes[1].id
  help: write "id": 1

error: text in double quotes is wanted here, but this is a number
  --> /etc/bridge/config.json:2:36 mes[1].name
  help: write "name": "MES 1"

error: text in double quotes is wanted here, but this is a number
  --> /etc/bridge/config.json:2:47 mes[1].user
  help: write "user": "mes1"

error: text in double quotes is wanted here, but this is a number
  --> /etc/bridge/config.json:2:67 mes[1].password_hash
  help: write "password_hash": "$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>"

error: an object in { } is wanted here, but this is a list
  --> /etc/bridge/config.json:3:18 operators[0]
  help: write "operators": [ { "name": "Maintenance", "user": "anna", "password_hash": "$argon2id$…" } ]

error: text in double quotes is wanted here, but this is a number
  --> /etc/bridge/config.json:3:55 operators[1].certificate
  help: write "certificate": "<the 64 hexadecimal digits of the certificate's SHA-256>""#,
    );
}

#[test]
fn elements_of_the_wrong_type() {
    assert_refused(
        &machine(&[("mes_id", r#"[ 1, "2", null ]"#)]),
        r#"error: a whole number from 0 to 4294967295 is wanted here, but this is text
  --> /etc/bridge/config.json:5:18 mes_id[1]
  help: write "mes_id": [ 1 ]

error: a whole number from 0 to 4294967295 is wanted here, but this is null
  --> /etc/bridge/config.json:5:23 mes_id[2]
  help: write "mes_id": [ 1 ]"#,
    );
}

#[test]
fn a_key_given_twice() {
    assert_refused(
        r#"{ "type": "OCTOPRINT", "url": "http://a",
  "api_key": "a", "mes_id": 1, "mes_id": 2,
  "url": "http://b" }"#,
        r#"error: "mes_id" is given twice, first in line 2
  --> /etc/bridge/config.json:2:32 mes_id
  help: remove one of the two

error: "url" is given twice, first in line 1
  --> /etc/bridge/config.json:3:3 url
  help: remove one of the two"#,
    );
}
