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
        r#"error: a whole number from 0 to 65535 is wanted here, but this is 65536
  --> /etc/bridge/config.json:6:24 umati_server_port
  help: write "umati_server_port": 4840"#,
    );
}

#[test]
fn a_source_that_there_is_not() {
    assert_refused(
        &machine(&[("source", r#""websocket""#)]),
        r#"error: "websocket" is not a way to read an OctoPrint
  --> /etc/bridge/config.json:6:13 source
  help: write "source": "auto", "poll" (only ask) or "push" (ask as seldom as possible)"#,
    );
}

#[test]
fn a_heartbeat_that_is_too_fast() {
    assert_refused(
        &machine(&[("heartbeat_interval_ms", "999")]),
        r#"error: a whole number from 1000 to 3600000 is wanted here, but this is 999
  --> /etc/bridge/config.json:6:28 heartbeat_interval_ms
  help: write "heartbeat_interval_ms": 10000"#,
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
        r#"error: `id` is "hall 2/left"; " " cannot stand in an id
  --> /etc/bridge/config.json:6:9 id
  help: write ASCII letters, digits, -, _ and . only, for example "hall-2-left""#,
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
