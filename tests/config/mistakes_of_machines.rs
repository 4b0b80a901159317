//! Mistakes in the values of a machine, each with the text that the operator reads.

use crate::bench::{assert_refused, machine};

#[test]
fn a_type_of_another_vendor() {
    assert_refused(
        &machine(&[("type", r#""PRUSALINK""#)]),
        r#"error: "PRUSALINK" is not a type of machine that this version can read
  --> /etc/bridge/config.json:2:11 type
  help: write "type": "OCTOPRINT""#,
    );
}

#[test]
fn an_empty_url() {
    assert_refused(
        &machine(&[("url", r#"" ""#)]),
        r#"error: `url` is empty
  --> /etc/bridge/config.json:3:10 url
  help: write "url": "http://192.168.1.41:5000""#,
    );
}

#[test]
fn a_url_without_scheme() {
    assert_refused(
        &machine(&[("url", r#""192.168.1.41:5000""#)]),
        r#"error: `url` has no http:// or https:// in front
  --> /etc/bridge/config.json:3:10 url
  help: write "http://192.168.1.41:5000""#,
    );
}

#[test]
fn a_url_without_scheme_that_may_hold_a_password() {
    assert_refused(
        &machine(&[("url", r#""user:hunter2@host""#)]),
        r#"error: `url` has no http:// or https:// in front
  --> /etc/bridge/config.json:3:10 url
  help: write "url": "http://192.168.1.41:5000""#,
    );
}

#[test]
fn a_url_of_another_scheme() {
    assert_refused(
        &machine(&[("url", r#""ftp://host""#)]),
        r#"error: "ftp://" is not a way to reach an OctoPrint
  --> /etc/bridge/config.json:3:10 url
  help: write http:// or https://, as in "url": "http://192.168.1.41:5000""#,
    );
}

#[test]
fn a_url_without_host() {
    assert_refused(
        &machine(&[("url", r#""http://""#)]),
        r#"error: `url` is not a URL: empty host
  --> /etc/bridge/config.json:3:10 url
  help: write it like "url": "http://192.168.1.41:5000""#,
    );
}

#[test]
fn a_url_with_three_slashes() {
    assert_refused(
        &machine(&[("url", r#""http:///host""#)]),
        r#"error: `url` has no host after the two slashes
  --> /etc/bridge/config.json:3:10 url
  help: write it like "url": "http://192.168.1.41:5000""#,
    );
}

#[test]
fn a_url_with_a_bad_port() {
    assert_refused(
        &machine(&[("url", r#""http://host:99999""#)]),
        r#"error: `url` is not a URL: invalid port number
  --> /etc/bridge/config.json:3:10 url
  help: write it like "url": "http://192.168.1.41:5000""#,
    );
}

#[test]
fn a_url_with_port_0() {
    assert_refused(
        &machine(&[("url", r#""http://host:0""#)]),
        r#"error: `url` names port 0, which no server can have
  --> /etc/bridge/config.json:3:10 url
  help: write the port of OctoPrint, usually 5000 or 80"#,
    );
}

#[test]
fn a_url_with_all_that_a_base_has_not() {
    assert_refused(
        &machine(&[("url", r#""http://user:hunter2@host/?apikey=hunter2#temp""#)]),
        r#"error: `url` holds a user name or password, which OctoPrint's API does not use
  --> /etc/bridge/config.json:3:10 url
  help: remove everything up to the @; the API key stands in `authentication_file_path`

error: `url` holds a query (the part from the ?)
  --> /etc/bridge/config.json:3:10 url
  help: remove it; the API key stands in `authentication_file_path`

error: `url` holds a fragment (the part from the #)
  --> /etc/bridge/config.json:3:10 url
  help: remove it: copy only the address that OctoPrint's page begins with"#,
    );
}

#[test]
fn no_key() {
    assert_refused(
        &machine(&[("api_key", "")]),
        r#"error: there is no API key: neither `authentication_file_path` nor `api_key` is given
  --> /etc/bridge/config.json:1:1
  help: write "authentication_file_path": "secret.txt""#,
    );
}

#[test]
fn two_keys() {
    assert_refused(
        &machine(&[("authentication_file_path", r#""secret.txt""#)]),
        r#"error: both `api_key` and `authentication_file_path` are given
  --> /etc/bridge/config.json:1:1
  help: remove one of them"#,
    );
}

#[test]
fn an_empty_key() {
    assert_refused(
        &machine(&[("api_key", r#"" ""#)]),
        r#"error: `api_key` is empty
  --> /etc/bridge/config.json:4:14 api_key
  help: put the API key there: OctoPrint shows it under Settings, Application Keys"#,
    );
}

#[test]
fn a_key_with_white_space() {
    assert_refused(
        &machine(&[("api_key", r#""hunter2 hunter2""#)]),
        r#"error: `api_key` does not hold an API key alone
  --> /etc/bridge/config.json:4:14 api_key
  help: leave only the key: one line, without white space, ASCII characters only"#,
    );
}

#[test]
fn an_empty_key_path() {
    assert_refused(
        &machine(&[("api_key", ""), ("authentication_file_path", r#""""#)]),
        r#"error: `authentication_file_path` is empty
  --> /etc/bridge/config.json:5:31 authentication_file_path
  help: write "authentication_file_path": "secret.txt""#,
    );
}

#[test]
fn no_such_file_and_no_key() {
    assert_refused(
        &machine(&[
            ("api_key", ""),
            ("authentication_file_path", r#""secret.txt""#),
        ]),
        r#"error: no such file, and it does not look like an API key (tried /etc/bridge/secret.txt and /home/bridge/secret.txt)
  --> /etc/bridge/config.json:5:31 authentication_file_path
  help: write the API key into a file and name that file, or write the key itself (at least 16 of A-Z a-z 0-9 _ -)"#,
    );
}

#[test]
fn too_short_for_a_key() {
    assert_refused(
        &machine(&[
            ("api_key", ""),
            ("authentication_file_path", r#""A0A00B123E454H1""#),
        ]),
        r#"error: no such file, and it does not look like an API key (tried /etc/bridge/A0A00B123E454H1 and /home/bridge/A0A00B123E454H1)
  --> /etc/bridge/config.json:5:31 authentication_file_path
  help: write the API key into a file and name that file, or write the key itself (at least 16 of A-Z a-z 0-9 _ -)"#,
    );
}

#[test]
fn an_absolute_path_is_tried_once() {
    assert_refused(
        &machine(&[
            ("api_key", ""),
            ("authentication_file_path", r#""/nowhere/secret.txt""#),
        ]),
        r#"error: no such file, and it does not look like an API key (tried /nowhere/secret.txt)
  --> /etc/bridge/config.json:5:31 authentication_file_path
  help: write the API key into a file and name that file, or write the key itself (at least 16 of A-Z a-z 0-9 _ -)"#,
    );
}

#[test]
fn a_negative_mes_id() {
    assert_refused(
        &machine(&[("mes_id", "[ 1, -2, 1.5, 4294967296 ]")]),
        r#"error: a whole number from 0 to 4294967295 is wanted here, but this is -2
  --> /etc/bridge/config.json:5:18 mes_id[1]
  help: write "mes_id": [ 1 ]

error: a whole number from 0 to 4294967295 is wanted here, but this is 1.5
  --> /etc/bridge/config.json:5:22 mes_id[2]
  help: write "mes_id": [ 1 ]

error: a whole number from 0 to 4294967295 is wanted here, but this is 4294967296
  --> /etc/bridge/config.json:5:27 mes_id[3]
  help: write "mes_id": [ 1 ]"#,
    );
}

#[test]
fn a_port_out_of_range() {
    assert_refused(
        &machine(&[("umati_server_port", "65536")]),
        r#"error: a whole number from 1 to 65535 is wanted here, but this is 65536
  --> /etc/bridge/config.json:6:24 umati_server_port
  help: write "umati_server_port": 4840"#,
    );
}

#[test]
fn port_0() {
    assert_refused(
        &machine(&[("umati_server_port", "0")]),
        r#"error: a whole number from 1 to 65535 is wanted here, but this is 0
  --> /etc/bridge/config.json:6:24 umati_server_port
  help: write "umati_server_port": 4840"#,
    );
}

#[test]
fn a_poll_interval_out_of_range() {
    assert_refused(
        &machine(&[("poll_interval_ms", "50")]),
        r#"error: a whole number from 100 to 3600000 is wanted here, but this is 50
  --> /etc/bridge/config.json:6:23 poll_interval_ms
  help: write "poll_interval_ms": 1000"#,
    );
}

#[test]
fn a_year_out_of_range() {
    assert_refused(
        &machine(&[("year_of_construction", "24")]),
        r#"error: a whole number from 1900 to 2100 is wanted here, but this is 24
  --> /etc/bridge/config.json:6:27 year_of_construction
  help: write "year_of_construction": 2024"#,
    );
}

#[test]
fn an_id_with_a_slash() {
    assert_refused(
        &machine(&[("id", r#""hall 2/left""#)]),
        r#"error: `id` holds " "
  --> /etc/bridge/config.json:6:9 id
  help: write letters A-Z and a-z, digits, -, _ and . only"#,
    );
}

#[test]
fn an_id_of_signs_only() {
    assert_refused(
        &machine(&[("id", r#""..""#)]),
        r#"error: `id` is "..", which holds no letter and no digit
  --> /etc/bridge/config.json:6:9 id
  help: write "id": "prusa-01""#,
    );
}

#[test]
fn an_empty_id() {
    assert_refused(
        &machine(&[("id", r#""""#)]),
        r#"error: `id` is "", which holds no letter and no digit
  --> /etc/bridge/config.json:6:9 id
  help: write "id": "prusa-01""#,
    );
}

#[test]
fn the_id_of_the_bridge() {
    assert_refused(
        &machine(&[("id", r#""umatibridge""#)]),
        r#"error: "umatibridge" is the id of the bridge itself
  --> /etc/bridge/config.json:6:9 id
  help: give the machine another `id`: "id": "prusa-01""#,
    );
}

#[test]
fn a_name_that_makes_the_id_of_the_bridge() {
    assert_refused(
        &machine(&[("custom_name", r#""UmatiBridge""#)]),
        r#"error: "umatibridge" is the id of the bridge itself
  --> /etc/bridge/config.json:6:18 custom_name
  help: give the machine another `id`: "id": "prusa-01""#,
    );
}

#[test]
fn a_name_in_two_lines() {
    assert_refused(
        &machine(&[("custom_name", r#""two\nlines""#)]),
        r#"error: `custom_name` holds a control character or a line break
  --> /etc/bridge/config.json:6:18 custom_name
  help: write it in one line of plain text"#,
    );
}

#[test]
fn a_name_without_end() {
    assert_refused(
        &machine(&[("custom_name", &format!("\"{}\"", "x".repeat(257)))]),
        r#"error: `custom_name` has 257 characters
  --> /etc/bridge/config.json:6:18 custom_name
  help: shorten it to at most 256 characters"#,
    );
}

#[test]
fn tls_without_https() {
    assert_refused(
        &machine(&[(
            "tls",
            r#"{ "fingerprint": "0000000000000000000000000000000000000000000000000000000000000000" }"#,
        )]),
        r#"error: `tls` is given, but `url` begins with http://: nothing would be encrypted
  --> /etc/bridge/config.json:6:10 tls
  help: write https:// in `url`, or remove `tls`"#,
    );
}

#[test]
fn tls_with_nothing_in_it() {
    assert_refused(
        &machine(&[("url", r#""https://a""#), ("tls", "{}")]),
        r#"error: `tls` holds neither `ca_file` nor `fingerprint`
  --> /etc/bridge/config.json:6:10 tls
  help: write "tls": { "ca_file": "ca.pem" }, or remove `tls`"#,
    );
}

#[test]
fn tls_with_both() {
    assert_refused(
        &machine(&[
            ("url", r#""https://a""#),
            ("tls", r#"{ "ca_file": "a", "fingerprint": "b" }"#),
        ]),
        r#"error: both `ca_file` and `fingerprint` are given
  --> /etc/bridge/config.json:6:10 tls
  help: remove one of them"#,
    );
}

#[test]
fn a_fingerprint_of_another_length() {
    assert_refused(
        &machine(&[
            ("url", r#""https://a""#),
            ("tls", r#"{ "fingerprint": "00:11" }"#),
        ]),
        r#"error: `fingerprint` is not a SHA-256 value
  --> /etc/bridge/config.json:6:27 tls.fingerprint
  help: write its 64 hexadecimal digits, with or without colons: openssl x509 -in certificate.pem -noout -fingerprint -sha256"#,
    );
}

#[test]
fn a_fingerprint_with_other_letters() {
    assert_refused(
        &machine(&[
            ("url", r#""https://a""#),
            (
                "tls",
                r#"{ "fingerprint": "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz" }"#,
            ),
        ]),
        r#"error: `fingerprint` is not a SHA-256 value
  --> /etc/bridge/config.json:6:27 tls.fingerprint
  help: write its 64 hexadecimal digits, with or without colons: openssl x509 -in certificate.pem -noout -fingerprint -sha256"#,
    );
}

#[test]
fn a_missing_ca_file() {
    assert_refused(
        &machine(&[
            ("url", r#""https://a""#),
            ("tls", r#"{ "ca_file": "ca.pem" }"#),
        ]),
        r#"error: no such file (tried /etc/bridge/ca.pem and /home/bridge/ca.pem)
  --> /etc/bridge/config.json:6:23 tls.ca_file
  help: name a PEM file with the certificate of the authority that signed OctoPrint's"#,
    );
}

#[test]
fn a_ca_file_that_is_a_folder() {
    assert_refused(
        &machine(&[("url", r#""https://a""#), ("tls", r#"{ "ca_file": "." }"#)]),
        r#"error: /etc/bridge/. is a folder, not a file
  --> /etc/bridge/config.json:6:23 tls.ca_file
  help: name a PEM file with the certificate of the authority that signed OctoPrint's"#,
    );
}

#[test]
fn two_machines_with_one_id() {
    assert_refused(
        &format!(
            "[ {},\n{} ]",
            machine(&[("id", r#""left""#)]),
            machine(&[("url", r#""https://host/x""#), ("custom_name", r#""Left""#)])
        ),
        r#"error: two machines have the id "left": [0] (line 1), http://10.0.0.1/; and [1] (line 8), https://host/x/, from `custom_name`
  --> /etc/bridge/config.json:13:18 [1].custom_name
  help: give one of them an `id` of its own: "id": "prusa-01""#,
    );
}

#[test]
fn two_machines_with_one_address() {
    assert_refused(
        &format!("[ {},\n{} ]", machine(&[]), machine(&[])),
        r#"warning: this is also the url of [0] (line 1)
  --> /etc/bridge/config.json:9:10 [1].url
  help: remove one of them: one printer would be shown as two machines

error: two machines have the id "10.0.0.1-80": [0] (line 1), http://10.0.0.1/, from `url`; and [1] (line 7), http://10.0.0.1/, from `url`
  --> /etc/bridge/config.json:9:10 [1].url
  help: give one of them an `id` of its own: "id": "prusa-01""#,
    );
}

#[test]
fn one_id_is_told_even_where_another_mistake_is() {
    assert_refused(
        &format!(
            "[ {},\n{} ]",
            machine(&[("id", r#""a""#), ("url", "")]),
            machine(&[("id", r#""a""#), ("mes_id", "")])
        ),
        r#"error: `url` is missing
  --> /etc/bridge/config.json:1:3 [0]
  help: write "url": "http://192.168.1.41:5000"

error: `mes_id` is missing
  --> /etc/bridge/config.json:7:1 [1]
  help: write "mes_id": [ 1 ]

error: two machines have the id "a": [0] (line 1), no usable url; and [1] (line 7), http://10.0.0.1/
  --> /etc/bridge/config.json:11:9 [1].id
  help: give one of them an `id` of its own: "id": "prusa-01""#,
    );
}
