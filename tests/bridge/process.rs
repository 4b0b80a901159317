//! The life of the process: refused starts, the ready line, signals, and what it leaves in its `state_dir`.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::json;

use crate::common::free_port;
use crate::common::process::{Process, Signal};
use crate::mes::Mes;
use crate::paths::MACHINES;
use crate::plant::{block_on, endpoints};
use crate::program::{EX_CONFIG, EX_UNAVAILABLE, Home, absent_machine, ready_line};

#[test]
fn a_refused_configuration_ends_with_78_and_all_mistakes() {
    let home = Home::with_text(
        r#"{ "machines": [
            { "type": "OCTOPRINT", "url": "192.168.1.41:5000", "api_key": "0123456789ABCDEF", "mes_id": [ 1 ] },
            { "type": "KLIPPER", "url": "http://b", "api_key": "0123456789ABCDEF", "mes_id": [ 1 ] },
            { "type": "OCTOPRINT", "url": "http://c", "mes_id": "one" } ] }"#,
    );
    for command in ["run", "check"] {
        let (code, said) = home.run(&[command]);
        assert_eq!(code, Some(EX_CONFIG), "{said}");
        for place in [
            "machines[0].url",
            "machines[1].type",
            "machines[2].mes_id",
            "machines[2]",
        ] {
            assert!(said.contains(place), "{place} in {said}");
        }
        assert!(said.contains("\nconfig.json: 4 mistakes"), "{said}");
        assert!(!said.contains("is ready"), "{said}");
    }
    assert!(!home.path().join("umati-bridge-state").exists());
}

#[test]
fn a_missing_configuration_ends_with_78_and_its_path() {
    let home = Home::with_text("{}");
    let (code, said) = home.run(&["run", "--config", "elsewhere.json"]);
    assert_eq!(code, Some(EX_CONFIG), "{said}");
    assert!(said.contains("elsewhere.json"), "{said}");
}

#[test]
fn taken_ports_end_with_69_and_the_key_to_change() {
    let holders = [0, 1].map(|_| TcpListener::bind("127.0.0.1:0").expect("a port"));
    let ports = holders
        .each_ref()
        .map(|holder| holder.local_addr().expect("it").port());
    let mut machines = [
        absent_machine("a"),
        absent_machine("b"),
        absent_machine("c"),
    ];
    machines[0]["umati_server_port"] = ports[0].into();
    machines[1]["umati_server_port"] = ports[1].into();
    let home = Home::with(json!({ "umati_server_port": 0, "machines": machines }));
    let (code, said) = home.run(&["run"]);
    assert_eq!(code, Some(EX_UNAVAILABLE), "{said}");
    for port in ports {
        assert!(
            said.contains(&format!("cannot listen on 127.0.0.1:{port}: ")),
            "{said}"
        );
        let remedy = format!("set `umati_server_port` to a free port instead of {port}");
        assert!(said.contains(&remedy), "{said}");
    }
    assert!(
        said.contains(&format!("(pid {}) holds the port", std::process::id())),
        "{said}"
    );
    assert!(!said.contains("is ready"), "{said}");
    assert!(!home.state().exists(), "nothing is left half started");
}

#[test]
fn signals_end_it_with_0() {
    for signal in [Signal::Term, Signal::Interrupt] {
        let (_home, mut process) = started();
        process.signal(signal);
        assert_eq!(process.wait_for_exit().code(), Some(0), "{process}");
    }
}

#[test]
fn a_subscriber_is_told_that_it_ends() {
    const STATE: &str = "Server/ServerStatus/State";
    /// ServerState, OPC 10000-5 §12.6.
    const RUNNING: f64 = 0.0;
    const SHUTDOWN: f64 = 4.0;
    block_on(async {
        for signal in [Signal::Term, Signal::Interrupt] {
            let home =
                Home::with(json!({ "umati_server_port": 0, "machines": [absent_machine("a")] }));
            let mut process = home.start(&["run"]);
            let line = ready_line(&mut process);
            let mes = Mes::connect(endpoints(&line)[0]).await;
            mes.watch(&[STATE.to_owned()]).await;
            mes.until(STATE, "is Running", |seen| seen.is_good_number(RUNNING))
                .await;
            process.signal(signal);
            mes.until(STATE, "is Shutdown", |seen| seen.is_good_number(SHUTDOWN))
                .await;
            assert_eq!(process.wait_for_exit().code(), Some(0), "{process}");
        }
    });
}

#[test]
fn each_port_has_its_machines_and_the_bridge() {
    let second = free_port();
    let mut machines = ["a", "b", "c"].map(absent_machine);
    machines[2]["umati_server_port"] = second.into();
    let home = Home::with(json!({ "umati_server_port": 0, "machines": machines }));
    let mut process = home.start(&["run"]);
    let line = ready_line(&mut process);
    let [one, other] = endpoints(&line)[..] else {
        panic!("not two endpoints: {line}");
    };
    let (one, other) = match one.ends_with(&format!(":{second}")) {
        true => (other, one),
        false => (one, other),
    };
    assert!(line.contains(&format!("{one} (2 machines)")), "{line}");
    assert!(line.contains(&format!("{other} (1 machine)")), "{line}");
    block_on(async {
        let (one, other) = (Mes::connect(one).await, Mes::connect(other).await);
        assert_eq!(one.machines().await, ["a", "b"]);
        assert_eq!(other.machines().await, ["c"]);
        for mes in [one, other] {
            assert_eq!(
                mes.read(MACHINES).await.number(),
                Some(3.0),
                "the bridge's own object"
            );
        }
    });
    process.signal(Signal::Term);
    assert_eq!(process.wait_for_exit().code(), Some(0), "{process}");
}

#[test]
fn a_second_start_keeps_certificate_and_application_uri() {
    let home = Home::with(json!({ "umati_server_port": 0, "machines": [absent_machine("a")] }));
    let start_and_end = || {
        let mut process = home.start(&["run"]);
        let line = ready_line(&mut process);
        let servers = block_on(async {
            Mes::connect(endpoints(&line)[0])
                .await
                .read("Server/ServerArray")
                .await
        });
        process.signal(Signal::Term);
        assert_eq!(process.wait_for_exit().code(), Some(0), "{process}");
        let files = [
            "application-uri.txt",
            "pki/own/cert.der",
            "pki/private/private.pem",
        ];
        let contents = files.map(|file| fs::read(home.state().join(file)).expect(file));
        (servers.value, contents)
    };
    let first = start_and_end();
    assert_eq!(mode(&home.state().join("pki/private/private.pem")), 0o600);
    assert_eq!(mode(&home.state().join("pki/private")), 0o700);
    let uri = String::from_utf8(first.1[0].clone()).expect("text");
    assert!(
        uri.starts_with("urn:") && uri.ends_with(":umati-bridge\n"),
        "{uri:?}"
    );
    let told = format!("{:?}", first.0);
    assert!(told.contains(uri.trim_end()), "{told}");
    assert!(
        start_and_end() == first,
        "the second start made something new"
    );
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path)
        .expect("it is there")
        .permissions()
        .mode()
        & 0o777
}

fn started() -> (Home, Process) {
    let home = Home::with(json!({ "umati_server_port": 0, "machines": [absent_machine("a")] }));
    let mut process = home.start(&["run"]);
    ready_line(&mut process);
    (home, process)
}
