//! Walks every instance of a running bridge from outside and compares it with its types; then shows that the
//! comparison finds faults.

mod check;
mod faults;
mod space;
mod value;

#[allow(dead_code, reason = "other tests use the rest of it")]
#[path = "../server/bench.rs"]
mod bench;
#[path = "../common/mod.rs"]
mod common;
#[allow(dead_code, reason = "other tests use the rest of it")]
#[path = "../mapping/support.rs"]
mod support;

use std::sync::{Arc, RwLock};
use std::time::Duration;

use opcua::client::{ClientBuilder, IdentityToken, Session};
use opcua::crypto::SecurityPolicy;
use opcua::types::{MessageSecurityMode, NodeId, UserTokenPolicy, Variant};
use serde_json::json;
use tempfile::TempDir;
use umati_bridge::machine::{News, Trouble};
use umati_bridge::password::Hash;

use check::Extension;
use common::bridge::{Bridge, Simulator};
use faults::FAULTS;
use space::{Node, Space};

const EXTENSION: Extension = Extension {
    vendor: 12,
    instances: 13,
};

/// Machinery's `Machines` folder, OPC 40001-1.
const MACHINES: (u16, u32) = (4, 1001);

/// Who looks.
#[derive(Clone, Copy)]
enum Viewer {
    Visitor,
    Operator,
}

/// Whom the bridges of these tests let in with this password, besides everybody who may look.
const OPERATOR: &str = "anna";
const PASSWORD: &str = "open sesame";

/// Connects as the operator to see what needs control, else without a name.
async fn connect(endpoint: &str, viewer: Viewer) -> Arc<Session> {
    let pki = TempDir::new().expect("a folder");
    let (policy, mode, identity) = match viewer {
        Viewer::Visitor => (
            SecurityPolicy::None,
            MessageSecurityMode::None,
            IdentityToken::Anonymous,
        ),
        Viewer::Operator => (
            SecurityPolicy::Basic256Sha256,
            MessageSecurityMode::SignAndEncrypt,
            IdentityToken::new_user_name(OPERATOR, PASSWORD),
        ),
    };
    let mut client = ClientBuilder::new()
        .application_name("conformance")
        .application_uri("urn:conformance")
        .pki_dir(pki.path())
        .create_sample_keypair(true)
        .trust_server_certs(true)
        .max_message_size(64 << 20)
        .max_chunk_count(4096)
        .max_array_length(1 << 20)
        .max_byte_string_length(16 << 20)
        .max_string_length(16 << 20)
        .request_timeout(Duration::from_secs(60))
        .session_retry_limit(3)
        .client()
        .expect("client");
    let (session, event_loop) = client
        .connect_to_matching_endpoint(
            (
                endpoint,
                policy.to_str(),
                mode,
                UserTokenPolicy::anonymous(),
            ),
            identity,
        )
        .await
        .expect("endpoint");
    event_loop.spawn();
    assert!(session.wait_for_connection().await, "connected");
    session
}

/// Downloads the space once every machine below `Machines` that `ready` names shows it.
async fn download(endpoint: &str, ready: impl Fn(&Space) -> bool) -> Space {
    download_as(Viewer::Visitor, endpoint, ready).await
}

async fn download_as(viewer: Viewer, endpoint: &str, ready: impl Fn(&Space) -> bool) -> Space {
    let session = connect(endpoint, viewer).await;
    for _ in 0..60 {
        let mut space = Space::download(&session).await;
        space.read_at_once(&session, EXTENSION.instances).await;
        if ready(&space) {
            let _ = session.disconnect().await;
            return space;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    panic!("the machines did not come to life");
}

fn machines(space: &Space) -> Vec<&Node> {
    let folder = space
        .get(&NodeId::new(MACHINES.0, MACHINES.1))
        .expect("Machines");
    folder
        .references
        .iter()
        .filter_map(|r| space.get(&r.target))
        .filter(|n| n.id.namespace == EXTENSION.instances)
        .collect()
}

fn value<'a>(space: &'a Space, machine: &'a Node, path: &str) -> Option<&'a Variant> {
    let mut node = Some(machine);
    for name in path.split('/') {
        node = node.and_then(|n| space.child(n, name));
    }
    node?.value.value.as_ref()
}

fn has_live_tool(space: &Space, machine: &Node) -> bool {
    let temperature = value(
        space,
        machine,
        "Monitoring/Process/Tool0Temperature/AnalogSignal",
    );
    matches!(temperature, Some(Variant::Double(_)))
}

const ORDER_CONTROL: &str = "MachineryBuildingBlocks/JobManagement/JobOrderControl";
const RESPONSES: &str =
    "MachineryBuildingBlocks/JobManagement/JobOrderResults/JobOrderResponseList";

/// Whether a list of structures has entries.
fn is_filled(space: &Space, machine: &Node, path: &str) -> bool {
    match value(space, machine, path) {
        Some(Variant::Array(list)) => !list.values.is_empty(),
        _ => false,
    }
}

fn has_job(space: &Space, machine: &Node) -> bool {
    let orders = format!("{ORDER_CONTROL}/JobOrderList");
    is_filled(space, machine, &orders) && is_filled(space, machine, RESPONSES)
}

/// Whether one of the machines says "no" to a fact.
fn denies(space: &Space, fact: &str) -> bool {
    machines(space)
        .iter()
        .any(|m| value(space, m, fact) == Some(&Variant::Boolean(false)))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_instance_conforms_to_its_types() {
    let bridge = Bridge::demo(5);
    let space = download(bridge.endpoint(), |space| {
        let machines = machines(space);
        machines.len() == 5 && machines.iter().all(|m| has_live_tool(space, m))
    })
    .await;
    for machine in machines(&space) {
        let findings = check::check(&space, &machine.id, &EXTENSION);
        assert!(findings.is_empty(), "{}", findings.join("\n"));
    }
    let object = NodeId::new(EXTENSION.instances, "UmatiBridge");
    let findings = check::check(&space, &object, &EXTENSION);
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

/// What a visitor does not see: the methods of machines that may be controlled. They have jobs, too.
#[tokio::test(flavor = "multi_thread")]
async fn machines_that_are_controlled_and_have_jobs_conform() {
    let simulator = Simulator::start(2, 20);
    let machine = |number: u32| {
        json!({
            "type": "OCTOPRINT", "url": simulator.url(number), "custom_name": format!("printer {number}"),
            "api_key": "demo", "mes_id": 1, "control": true,
        })
    };
    let hash = Hash::of(PASSWORD).expect("a hash").expose();
    let bridge = Bridge::run(json!({
        "machines": [machine(1), machine(2)],
        "operators": [{ "name": "Anna", "user": OPERATOR, "password_hash": hash }],
        // Certificates of clients that nobody knows are taken.
        "allow_anonymous": true,
    }));
    let endpoint = bridge.endpoint();
    let space = download_as(Viewer::Operator, endpoint, |space| {
        let machines = machines(space);
        machines.len() == 2 && machines.iter().all(|m| has_job(space, m))
    })
    .await;
    for machine in machines(&space) {
        let mut control = Some(machine);
        for name in ORDER_CONTROL.split('/') {
            control = control.and_then(|node| space.child(node, name));
        }
        let control = control.expect("JobOrderControl");
        let store = space.child(control, "Store").expect("Store");
        for arguments in ["InputArguments", "OutputArguments"] {
            assert!(space.child(store, arguments).is_some(), "{arguments}");
        }
        let findings = check::check(&space, &machine.id, &EXTENSION);
        assert!(findings.is_empty(), "{}", findings.join("\n"));
    }
}

/// A machine that never answered and one that says nothing of itself conform just as well.
#[tokio::test(flavor = "multi_thread")]
async fn machines_without_data_conform() {
    let simulator = Simulator::start(1, 1);
    let bridge = Bridge::run(json!({
        "machines": [
            { "type": "OCTOPRINT", "url": simulator.url(1), "custom_name": "wrong key", "api_key": "not-the-right-key", "mes_id": 1 },
            { "type": "OCTOPRINT", "url": "http://127.0.0.1:1", "custom_name": "off", "api_key": "not-the-right-key", "mes_id": 1 },
        ]
    }));
    let space = download(bridge.endpoint(), |space| {
        denies(space, "OctoPrint/KeyValid") && denies(space, "OctoPrint/ServerReachable")
    })
    .await;
    assert_eq!(machines(&space).len(), 2);
    for machine in machines(&space) {
        let findings = check::check(&space, &machine.id, &EXTENSION);
        assert!(findings.is_empty(), "{}", findings.join("\n"));
    }
}

/// A machine of which all was told that can be: every optional node is there, and has data but for a few.
#[tokio::test(flavor = "multi_thread")]
async fn a_machine_of_everything_conforms() {
    let mut machine = support::full_machine();
    let trouble = Trouble {
        text: "MINTEMP triggered".to_owned(),
        reason: Some("firmware".to_owned()),
    };
    support::hear(&mut machine, News::Trouble(trouble), 1);
    let instance = support::instance(&machine, 1);
    let bench = bench::Bench::serve(vec![Arc::new(RwLock::new(instance))]).await;
    let space = download(&bench.url, |space| machines(space).len() == 1).await;
    let machine = machines(&space)[0];
    for told in [
        "Monitoring/Health/DeviceHealth",
        "Monitoring/Health/SerialResendRatio/AnalogSignal",
        "Identification/SoftwareRevision",
        "Identification/SoftwareIdentification/Firmware/SoftwareRevision",
        "OctoPrint/CurrentZ/EngineeringUnits",
        "OctoPrint/CurrentTool",
        "OctoPrint/ResendCount",
        "OctoPrint/TransmittedLines",
        "OctoPrint/LastError/Reason",
    ] {
        let value = value(&space, machine, told);
        assert!(
            value.is_some_and(|it| *it != Variant::Empty),
            "{told}: {value:?}"
        );
    }
    let findings = check::check(&space, &machine.id, &EXTENSION);
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_injected_fault_is_found() {
    let bridge = Bridge::demo(1);
    let sound = download(bridge.endpoint(), |space| {
        machines(space)
            .first()
            .is_some_and(|m| has_live_tool(space, m))
    })
    .await;
    let root = machines(&sound)[0].id.clone();
    for fault in FAULTS {
        let mut faulty = sound.clone();
        (fault.inject)(&mut faulty, &root);
        let findings = check::check(&faulty, &root, &EXTENSION);
        assert!(
            findings.iter().any(|f| f.contains(fault.finding)),
            "{}: not found: {:?}; findings:\n{}",
            fault.name,
            fault.finding,
            findings.join("\n")
        );
    }
}
