//! Clients that others wrote as two MES instances at once: each is served its own machine and nothing of the other's.

mod common;

use std::collections::BTreeSet;
use std::thread;

use common::bridge::{Bridge, Simulator};
use common::foreign::{Client, Policy};
use serde_json::{Value, json};
use umati_bridge::password::Hash;

const MES_1: &str = "mes1:first secret";
const MES_2: &str = "mes2:second secret";

fn bridge(simulator: &Simulator) -> Bridge {
    let machine = |number: u32| {
        json!({
            "type": "OCTOPRINT",
            "url": simulator.url(number),
            "custom_name": format!("of-mes-{number}"),
            "api_key": "demo",
            "mes_id": [number],
        })
    };
    let login = |number: u32, login: &str| -> Value {
        let (user, password) = login.split_once(':').expect("user:password");
        let hash = Hash::of(password).expect("a hash").expose();
        json!({ "id": number, "name": format!("MES {number}"), "user": user, "password_hash": hash })
    };
    Bridge::run(json!({
        "machines": [machine(1), machine(2)],
        "mes": [login(1, MES_1), login(2, MES_2)],
        // Certificates of clients that nobody knows are taken: what is looked at here is the login.
        "allow_anonymous": true,
    }))
}

#[test]
#[ignore = "needs Python, Node.js and the package registries"]
fn asyncua_and_node_opcua_as_two_instances_see_each_its_own_machine() {
    let simulator = Simulator::start(2, 1);
    let bridge = bridge(&simulator);
    let machines = |client: Client, login: &str| -> BTreeSet<String> {
        let lists = client.jobs_as(Some(login), bridge.endpoint(), Policy::Basic256Sha256);
        lists
            .into_keys()
            .filter_map(|path| Some(path.split_once('/')?.0.to_owned()))
            .collect()
    };
    for [first, second] in [Client::ALL, [Client::NodeOpcua, Client::Asyncua]] {
        let (first, second) = thread::scope(|scope| {
            let first = scope.spawn(|| machines(first, MES_1));
            let second = scope.spawn(|| machines(second, MES_2));
            (
                first.join().expect("the first"),
                second.join().expect("the second"),
            )
        });
        assert_eq!(first, BTreeSet::from(["of-mes-1".to_owned()]));
        assert_eq!(second, BTreeSet::from(["of-mes-2".to_owned()]));
    }
}

#[test]
#[ignore = "needs Python and the package registries"]
fn a_session_that_goes_on_as_somebody_else_loses_what_they_may_not_see() {
    let simulator = Simulator::start(2, 1);
    let bridge = bridge(&simulator);
    let seen = Client::changes_user(bridge.endpoint(), [MES_1, MES_2], "of-mes-1");
    let [(before, _), (after, status)] = &seen[..] else {
        panic!("{seen:?}");
    };
    assert_eq!(
        (before, after),
        (&vec!["of-mes-1".to_owned()], &vec!["of-mes-2".to_owned()])
    );
    assert_eq!(status, "BadNodeIdUnknown");
}
