//! `check --online`: what the operator reads of each machine before the first start.

use serde_json::{Value, json};
use tokio::net::TcpSocket;
use umati_bridge::octoprint::simulator::{API_KEY, Fault, NO_PERMISSION_KEY, STATUS_KEY};

use crate::plant::{OctoPrints, block_on};
use crate::program::{EX_UNAVAILABLE, Home, absent_machine};

#[test]
fn without_asking_it_counts_machines_and_ports() {
    let mut machines = ["a", "b"].map(absent_machine);
    machines[1]["umati_server_port"] = json!(4841);
    let home = Home::with(json!({ "machines": machines }));
    let (code, said) = home.run(&["check"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said, "config.json: 2 machines on 2 ports, no mistakes");
    assert!(!home.state().exists(), "it only looks");
}

#[test]
fn each_machine_is_asked_and_its_trouble_told() {
    block_on(async {
        let nobody = TcpSocket::new_v4().expect("a socket");
        nobody
            .bind("127.0.0.1:0".parse().expect("an address"))
            .expect("a port");
        let nowhere = format!("http://{}/", nobody.local_addr().expect("its address"));
        let octoprints = OctoPrints::start(6).await;
        octoprints.printer(1).inject(Fault::Html);
        octoprints.printer(2).inject(Fault::Hang);
        octoprints.printer(6).unplug();
        let entry = |name: &str, url: &str, key: &str| -> Value {
            json!({ "type": "OCTOPRINT", "url": url, "custom_name": name, "api_key": key, "mes_id": 1 })
        };
        let url = |number: usize| octoprints.machine(number).url.to_string();
        let home = Home::with(json!({ "machines": [
            entry("nowhere", &nowhere, API_KEY),
            entry("login-page", &url(1), API_KEY),
            entry("hanging", &url(2), API_KEY),
            entry("wrong-key", &url(3), "0123456789ABCDEF"),
            entry("weak-key", &url(4), NO_PERMISSION_KEY),
            entry("strong-key", &url(5), API_KEY),
            entry("right-key", &url(6), STATUS_KEY),
        ] }));
        let (code, said) = home.run(&["check", "--online"]);
        assert_eq!(code, Some(EX_UNAVAILABLE), "{said}");
        for line in [
            "config.json: 7 machines on 1 port, no mistakes",
            "nowhere: unreachable: no connection: Connection refused (os error 111)",
            "login-page: not an OctoPrint: it answers with an HTML page (a login page, or another server?)",
            "hanging: unreachable: no answer in time: no complete answer within 5s",
            "wrong-key: key rejected: OctoPrint does not know the key (mistyped, or revoked): create a new one in its settings",
            "weak-key: key lacks STATUS: the key of user \"noperm\" lacks the STATUS permission: grant it in OctoPrint's access control",
            "strong-key: reachable: OctoPrint 1.11.8, printer state \"Operational\"; the key has more rights than it needs (STATUS): ADMIN",
            "right-key: reachable: OctoPrint 1.11.8, printer state \"Offline\"",
        ] {
            assert!(said.lines().any(|said| said == line), "{line:?} in\n{said}");
        }
        assert!(!said.contains("0123456789ABCDEF"), "a key is never told");

        let usable = Home::with(json!({ "machines": [
            entry("strong-key", &url(5), API_KEY),
            entry("right-key", &url(6), STATUS_KEY),
        ] }));
        let (code, said) = usable.run(&["check", "--online"]);
        assert_eq!(code, Some(0), "{said}");
    });
}
