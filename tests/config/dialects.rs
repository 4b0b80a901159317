//! Every dialect that operators have on disk, and what it means.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use umati_bridge::config::{Login, Tls};

use crate::bench::{Folder, HASH, KEY, accepted, machine, one_machine, settings};

#[test]
fn the_example_of_1_4_works_unchanged() {
    let folder = Folder::new().with("secret.txt", format!("{KEY}\n")).with(
        "config.json",
        r#"{ "type": "OCTOPRINT", "url": "http://192.168.1.41:5000", "custom_name": "my_octoprint_machine",
             "authentication_file_path": "secret.txt", "mes_id": [ 1 ] }"#,
    );
    let loaded = folder.load().expect("accepted");
    assert_eq!(loaded.warnings, []);
    let [machine] = &loaded.config.machines[..] else {
        panic!("one machine");
    };
    assert_eq!(machine.id, "my_octoprint_machine");
    assert_eq!(machine.name, "my_octoprint_machine");
    assert_eq!(machine.url.as_str(), "http://192.168.1.41:5000/");
    assert_eq!(machine.key.expose(), KEY);
    assert_eq!(machine.mes_ids, [1]);
    assert_eq!(machine.port, 4840);
    assert_eq!(machine.poll_interval, Duration::from_secs(1));
    assert_eq!(machine.tls, Tls::SystemRoots);
    let config = &loaded.config;
    assert_eq!(config.listen, IpAddr::V4(Ipv4Addr::LOCALHOST));
    assert_eq!(config.public_hostname, None);
    assert_eq!(config.state_dir, folder.path().join("umati-bridge-state"));
    assert_eq!(config.stale_after, Duration::from_secs(60));
    assert!(!config.allow_anonymous);
    assert_eq!((config.mes.len(), config.operators.len()), (0, 0));
}

#[test]
fn the_variant_of_1_4_with_the_key_inlined_works() {
    let machine = one_machine(
        r#"{ "type": "OCTOPRINT", "url": "http://192.168.1.41:5000", "custom_name": "my_octoprint_machine",
             "authentication_file_path": "A0A00B123E454H122BD513FE58B5E9BC", "mes_id": [ 1 ] }"#,
    );
    assert_eq!(machine.key.expose(), KEY);
}

#[test]
fn the_example_of_1_1_works() {
    let machine = one_machine(
        r#"{ "type": "OCTOPRINT", "url": "http://192.168.1.41:5000", "api_key": "A0A00B123E454H122BD513FE58B5E9BC", "mes_id": [ 1 ] }"#,
    );
    assert_eq!(machine.key.expose(), KEY);
    assert_eq!(machine.id, "192.168.1.41-5000");
    assert_eq!(machine.name, "192.168.1.41-5000");
}

#[test]
fn comments_and_trailing_commas_are_read_over() {
    let machine = one_machine(&format!(
        "\u{feff}// from the manual\r\n{{ \"type\": \"OctoPrint\", // any case\r\n /* the\r\n address */ \
         \"url\": \"http://a\", \"api_key\": \"{KEY}\", \"mes_id\": [ 1, 2, ], }} // end"
    ));
    assert_eq!(machine.mes_ids, [1, 2]);
}

#[test]
fn all_dialects_stand_in_one_list() {
    let folder = Folder::new().with("secret.txt", KEY).with(
        "config.json",
        r#"[
  { "type": "OCTOPRINT", "url": "http://a", "api_key": "old-key", "mes_id": 7, "umati_server_port": 4841 },
  { "type": "octoprint", "url": "http://b", "custom_name": "B", "authentication_file_path": "secret.txt", "mes_id": [ 1, 2, 1 ] },
  { "type": "OCTOPRINT", "url": "http://c/c", "authentication_file_path": "ABCDEFGHIJ_-0123", "mes_id": [ 1 ], "id": "C.3" }
]"#,
    );
    let machines = folder.load().expect("accepted").config.machines;
    let told: Vec<_> = machines
        .iter()
        .map(|m| (m.id.as_str(), m.key.expose(), &m.mes_ids[..], m.port))
        .collect();
    assert_eq!(
        told,
        [
            ("a-80", "old-key", &[7][..], 4841),
            ("b", KEY, &[1, 2], 4840),
            ("C.3", "ABCDEFGHIJ_-0123", &[1], 4840),
        ]
    );
}

#[test]
fn the_top_level_gives_defaults_to_its_machines() {
    let own = machine(&[
        ("url", "\"http://10.0.0.2\""),
        ("umati_server_port", "4850"),
        ("poll_interval_ms", "100"),
    ]);
    let config = accepted(&format!(
        r#"{{ "umati_server_port": 4900, "poll_interval_ms": 5000, "machines": [ {}, {own} ] }}"#,
        machine(&[]),
    ));
    let told: Vec<_> = config
        .machines
        .iter()
        .map(|m| (m.port, m.poll_interval.as_millis()))
        .collect();
    assert_eq!(told, [(4900, 5000), (4850, 100)]);
}

#[test]
fn settings_are_taken_as_written() {
    let config = accepted(&settings(
        r#"  "listen": "::1", "public_hostname": "bridge.example.org", "state_dir": "/var/lib/x", "stale_after_ms": 1000"#,
    ));
    assert_eq!(config.listen, IpAddr::V6(Ipv6Addr::LOCALHOST));
    assert_eq!(
        config.public_hostname.as_deref(),
        Some("bridge.example.org")
    );
    assert_eq!(config.state_dir.to_str(), Some("/var/lib/x"));
    assert_eq!(config.stale_after, Duration::from_secs(1));
    assert_eq!(
        accepted(&settings(r#""listen": "localhost""#)).listen,
        IpAddr::V4(Ipv4Addr::LOCALHOST)
    );
}

#[test]
fn a_relative_state_dir_is_beside_the_config_file() {
    let folder = Folder::new().with("config.json", settings(r#""state_dir": "state""#));
    let config = folder.load().expect("accepted").config;
    assert_eq!(config.state_dir, folder.path().join("state"));
}

#[test]
fn the_open_network_takes_an_explicit_word() {
    let config = accepted(&settings(r#""listen": "0.0.0.0", "allow_anonymous": true"#));
    assert!(config.allow_anonymous);
    assert_eq!(config.listen, IpAddr::V4(Ipv4Addr::UNSPECIFIED));
}

#[test]
fn identification_is_taken_as_written() {
    let identification = one_machine(&machine(&[
        ("manufacturer", "\" Prusa Research \""),
        ("model", "\"MK4S\""),
        ("serial_number", "\"123\""),
        ("product_code", "\"P\""),
        ("year_of_construction", "2024"),
        ("location", "\"Hall 2\""),
        ("asset_id", "\"A\""),
    ]))
    .identification;
    assert_eq!(
        identification.manufacturer.as_deref(),
        Some("Prusa Research")
    );
    assert_eq!(identification.model.as_deref(), Some("MK4S"));
    assert_eq!(identification.serial_number.as_deref(), Some("123"));
    assert_eq!(identification.product_code.as_deref(), Some("P"));
    assert_eq!(identification.year_of_construction, Some(2024));
    assert_eq!(identification.location.as_deref(), Some("Hall 2"));
    assert_eq!(identification.asset_id.as_deref(), Some("A"));
}

#[test]
fn trust_is_taken_as_written() {
    let pinned = one_machine(&machine(&[
        ("url", "\"https://a\""),
        (
            "tls",
            &format!("{{ \"fingerprint\": \"{}Ff\" }}", "0a:".repeat(31)),
        ),
    ]));
    let mut fingerprint = [0x0a; 32];
    fingerprint[31] = 0xff;
    assert_eq!(pinned.tls, Tls::Fingerprint(fingerprint));

    let folder = Folder::new()
        .with(
            "ca.pem",
            "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        )
        .with(
            "config.json",
            machine(&[
                ("url", "\"https://a\""),
                ("tls", r#"{ "ca_file": "ca.pem" }"#),
            ]),
        );
    let config = folder.load().expect("accepted").config;
    assert_eq!(
        config.machines[0].tls,
        Tls::CaFile(folder.path().join("ca.pem"))
    );
}

#[test]
fn logins_are_read_and_not_printed() {
    let config = accepted(&settings(&format!(
        r#""mes": [ {{ "id": 1, "name": "Berlin", "user": "mes1", "password_hash": "{HASH}" }} ],
           "operators": [ {{ "name": "Anna", "certificate": "{}" }} ]"#,
        "ab".repeat(32),
    )));
    let Login::Password { user, hash } = &config.mes[0].login else {
        panic!("a password");
    };
    assert_eq!(
        (config.mes[0].id, config.mes[0].name.as_str()),
        (1, "Berlin")
    );
    assert_eq!((user.as_str(), hash.expose()), ("mes1", HASH.to_owned()));
    assert_eq!(config.operators[0].name, "Anna");
    assert_eq!(config.operators[0].login, Login::Certificate([0xab; 32]));
    let printed = format!("{config:?}");
    assert!(
        !printed.contains("argon2id") && !printed.contains(KEY),
        "{printed}"
    );
}

#[test]
fn what_surrounds_a_key_in_its_file_does_not_count() {
    for content in [
        "KEY",
        "KEY\n",
        "\u{feff}KEY\r\n",
        "  \t\nKEY\n\n",
        "\"KEY\"\n",
        "'KEY'",
        " \" KEY \" ",
    ] {
        let folder = Folder::new().with("s", content.replace("KEY", KEY)).with(
            "config.json",
            machine(&[("api_key", ""), ("authentication_file_path", "\"s\"")]),
        );
        let machines = folder.load().expect(content).config.machines;
        assert_eq!(machines[0].key.expose(), KEY, "{content:?}");
    }
}

#[test]
fn an_existing_file_wins_over_a_key() {
    let folder = Folder::new().with("ABCDEFGHIJ_-0123", KEY).with(
        "config.json",
        machine(&[
            ("api_key", ""),
            ("authentication_file_path", "\"ABCDEFGHIJ_-0123\""),
        ]),
    );
    assert_eq!(
        folder.load().expect("accepted").config.machines[0]
            .key
            .expose(),
        KEY
    );
}

#[test]
fn an_absolute_key_file_is_read() {
    let elsewhere = Folder::new().with("s", KEY);
    let path = format!("{:?}", elsewhere.path().join("s"));
    let machine = one_machine(&machine(&[
        ("api_key", ""),
        ("authentication_file_path", &path),
    ]));
    assert_eq!(machine.key.expose(), KEY);
}

#[test]
fn a_key_file_may_stand_in_the_working_directory() {
    // Cargo runs tests in the package's folder.
    let machine = one_machine(&machine(&[
        ("api_key", ""),
        (
            "authentication_file_path",
            "\"tests/config/secret-in-working-directory.txt\"",
        ),
    ]));
    assert_eq!(machine.key.expose(), KEY);
}

#[test]
fn a_config_file_is_found_from_the_working_directory() {
    let loaded = umati_bridge::config::load("config.json.example".as_ref()).expect("accepted");
    assert!(loaded.config.state_dir.is_absolute());
}
