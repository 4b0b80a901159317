//! Clients that others wrote as two MES instances at once: each is served its own machine and nothing of the other's.

#[path = "pki/authority.rs"]
mod authority;
mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::thread;

use authority::{Pair, Workshop, key, text};

use common::bridge::{Bridge, Simulator};
use common::foreign::{Client, Policy};
use serde_json::{Value, json};
use umati_bridge::password::Hash;
use umati_bridge::server::Certificate;

const MES_1: &str = "mes1:first secret";
const MES_2: &str = "mes2:second secret";

fn machine(simulator: &Simulator, number: u32) -> Value {
    json!({
        "type": "OCTOPRINT",
        "url": simulator.url(number),
        "custom_name": format!("of-mes-{number}"),
        "api_key": "demo",
        "mes_id": [number],
    })
}

/// The names of the machines whose lists were read.
fn names(lists: BTreeMap<String, Value>) -> BTreeSet<String> {
    lists
        .into_keys()
        .filter_map(|path| Some(path.split_once('/')?.0.to_owned()))
        .collect()
}

fn bridge(simulator: &Simulator) -> Bridge {
    let login = |number: u32, login: &str| -> Value {
        let (user, password) = login.split_once(':').expect("user:password");
        let hash = Hash::of(password).expect("a hash").expose();
        json!({ "id": number, "name": format!("MES {number}"), "user": user, "password_hash": hash })
    };
    Bridge::run(json!({
        "machines": [machine(simulator, 1), machine(simulator, 2)],
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
    let machines = |client: Client, login: &str| {
        names(client.jobs_as(Some(login), bridge.endpoint(), Policy::Basic256Sha256))
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

#[test]
#[ignore = "needs Python and the package registries"]
fn asyncua_gets_in_by_the_certificate_of_its_user_until_that_is_revoked() {
    let shop = Workshop::new();
    let user =
        |name, number| shop.self_signed(name, &key(number), "keyUsage=digitalSignature\n", 30);
    let (ada, anna, stranger) = (user("Ada", 1), user("Anna", 2), user("Stranger", 3));
    let print = |user: &Pair| Certificate::from_der(&user.der()).unwrap().thumbprint_hex();
    let simulator = Simulator::start(2, 1);
    let bridge = Bridge::run(json!({
        "machines": [machine(&simulator, 1), machine(&simulator, 2)],
        "mes": [{ "id": 1, "name": "Ada", "certificate": print(&ada) }],
        "operators": [{ "name": "Anna", "certificate": print(&anna) }],
        "allow_anonymous": true,
    }));
    for user in [&ada, &anna] {
        bridge.operator(&["trust", "accept", text(&user.certificate), "--user"]);
    }
    let sees = |user: &Pair| {
        let certificate = user.certificate.with_extension("der");
        fs::write(&certificate, user.der()).unwrap();
        Client::jobs_by_certificate(&certificate, &user.key, bridge.endpoint()).map(names)
    };
    let one = BTreeSet::from(["of-mes-1".to_owned()]);
    let both = BTreeSet::from(["of-mes-1".to_owned(), "of-mes-2".to_owned()]);
    assert_eq!(sees(&ada), Ok(one));
    assert_eq!(sees(&anna), Ok(both.clone()));
    let told = sees(&stranger).unwrap_err();
    assert!(told.contains("BadIdentityTokenRejected"), "{told}");
    bridge.operator(&["trust", "revoke", &print(&ada)]);
    let told = sees(&ada).unwrap_err();
    assert!(told.contains("BadIdentityTokenRejected"), "{told}");
    assert_eq!(sees(&anna), Ok(both));
}
