//! Mistakes in API keys and certificates, in the file and in the files it names. No message shows what is a key.

use crate::bench::{Folder, KEY, assert_refused, machine};

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

/// Found by the fuzzer: what is shown of a path cannot leave its line.
#[test]
fn a_path_with_control_characters() {
    assert_refused(
        &machine(&[
            ("api_key", ""),
            ("authentication_file_path", r#""a\n\u001b[31mb\u202e""#),
        ]),
        r#"error: no such file, and it does not look like an API key (tried /etc/bridge/a\n\u{1b}[31mb\u{202e} and /home/bridge/a\n\u{1b}[31mb\u{202e})
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

/// The messages when the file that `authentication_file_path` names holds this.
fn told_of_key_file(content: impl AsRef<[u8]>) -> String {
    let machine = machine(&[
        ("api_key", ""),
        ("authentication_file_path", r#""secret.txt""#),
    ]);
    Folder::new()
        .with("secret.txt", content)
        .with("config.json", machine)
        .refusal()
}

#[test]
fn an_empty_key_file() {
    for content in ["", " \r\n", "\u{feff}", "\"\""] {
        assert_eq!(
            told_of_key_file(content),
            r#"error: /etc/bridge/secret.txt is empty
  --> /etc/bridge/config.json:5:31 authentication_file_path
  help: put the API key there: OctoPrint shows it under Settings, Application Keys"#
        );
    }
}

#[test]
fn a_key_file_with_more_than_the_key() {
    assert_eq!(
        told_of_key_file(format!("{KEY}\n{KEY}\n")),
        r#"error: /etc/bridge/secret.txt does not hold an API key alone
  --> /etc/bridge/config.json:5:31 authentication_file_path
  help: leave only the key: one line, without white space, ASCII characters only"#
    );
}

#[test]
fn a_key_file_that_is_no_text() {
    assert_eq!(
        told_of_key_file(b"\xff\xfeA\0"),
        r#"error: /etc/bridge/secret.txt is not UTF-8 text
  --> /etc/bridge/config.json:5:31 authentication_file_path
  help: save it with the encoding UTF-8"#
    );
}

#[test]
fn a_key_file_without_end() {
    assert_eq!(
        told_of_key_file("A".repeat(5000)),
        r#"error: /etc/bridge/secret.txt is larger than 4096 bytes
  --> /etc/bridge/config.json:5:31 authentication_file_path
  help: name a file that holds the API key and nothing else"#
    );
}

#[test]
fn a_key_path_that_is_a_folder() {
    let machine = machine(&[("api_key", ""), ("authentication_file_path", r#""keys""#)]);
    let folder = Folder::new().with("config.json", machine);
    std::fs::create_dir(folder.path().join("keys")).expect("a folder");
    assert_eq!(
        folder.refusal(),
        r#"error: /etc/bridge/keys is a folder, not a file
  --> /etc/bridge/config.json:5:31 authentication_file_path
  help: name the file in it that holds the API key"#
    );
}

#[test]
fn a_ca_file_without_a_certificate() {
    let machine = machine(&[
        ("url", r#""https://a""#),
        ("tls", r#"{ "ca_file": "ca.pem" }"#),
    ]);
    let folder = Folder::new()
        .with("ca.pem", b"\x30\x82\xff")
        .with("config.json", machine);
    assert_eq!(
        folder.refusal(),
        r#"error: /etc/bridge/ca.pem holds no PEM certificate
  --> /etc/bridge/config.json:6:23 tls.ca_file
  help: name a PEM file with the certificate of the authority that signed OctoPrint's"#
    );
}

/// As [`mistakes_of_files`](crate::mistakes_of_files) does it: an error of reading that even root meets.
#[cfg(target_os = "linux")]
#[test]
fn a_key_file_that_cannot_be_read() {
    let machine = machine(&[
        ("api_key", ""),
        ("authentication_file_path", r#""/proc/self/mem""#),
    ]);
    assert_refused(
        &machine,
        r#"error: /proc/self/mem cannot be read: Input/output error (os error 5)
  --> /etc/bridge/config.json:5:31 authentication_file_path
  help: let the user who runs umati-bridge read it"#,
    );
}
