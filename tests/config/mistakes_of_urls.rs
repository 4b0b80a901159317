//! Mistakes in the address of an OctoPrint. No message shows a part of it that may be secret.

use crate::bench::{assert_refused, machine};

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
