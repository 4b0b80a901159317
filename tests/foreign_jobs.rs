//! Clients that others wrote decode every field of every structure of job management.

mod common;
#[path = "samples/json.rs"]
mod json;
#[path = "samples/jobs.rs"]
mod samples;

use std::sync::{Arc, RwLock};

use common::foreign::{Client, Policy};
use json::{Json, normal};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use umati_bridge::machine::{Book, Machine};
use umati_bridge::server::{Identity, Plant, Server, Settings, TypeImport};
use umati_bridge::umati::blocks::jobs::{job_order, job_response};
use umati_bridge::umati::isa95::List;
use umati_bridge::umati::isa95::states::states;
use umati_bridge::umati::isa95::types::JobOrderAndState;
use umati_bridge::umati::{Mapping, nodesets};

const APPLICATION_URI: &str = "urn:shop-floor:umati-bridge";
const JOBS: &str = "Prusa 01/MachineryBuildingBlocks/JobManagement";

/// A server of one machine, for as long as it lives.
struct Served {
    url: String,
    shutdown: CancellationToken,
    _state: TempDir,
    _runtime: Runtime,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

fn serve(machine: &Machine) -> Served {
    let state = TempDir::new().expect("a folder for the server's certificate");
    let runtime = Runtime::new().expect("a runtime");
    let shutdown = CancellationToken::new();
    let url = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let settings = Settings {
            listen: "127.0.0.1".parse().expect("the loopback"),
            port,
            public_hostname: None,
            application_uri: APPLICATION_URI.to_owned(),
            state_dir: state.path().to_owned(),
            allow_anonymous: false,
            users: Default::default(),
            version: "1.2.3".to_owned(),
        };
        let mapping = Mapping::load(APPLICATION_URI, "1.2.3").expect("the types");
        let instance = mapping
            .instantiate(machine, samples::at(0))
            .expect("an instance");
        let plant = Plant::new(vec![Arc::new(RwLock::new(instance))]);
        let identity = Identity::load_or_create(&settings).expect("an identity");
        let imports = nodesets::imports().expect("the types");
        let imports = imports.into_iter().map(|n| Box::new(n) as TypeImport);
        let (server, _) =
            Server::build(&settings, &identity, plant, imports.collect()).expect("a server");
        tokio::spawn({
            let shutdown = shutdown.clone();
            async move { server.run(&listener, shutdown).await }
        });
        settings.url()
    });
    Served {
        url,
        shutdown,
        _state: state,
        _runtime: runtime,
    }
}

#[test]
#[ignore = "needs Python and the package registries"]
fn each_client_decodes_every_field_of_orders_responses_and_files() {
    let mut machine = samples::machine();
    let mut orders: Vec<_> = machine.book.orders().cloned().collect();
    let paused = umati_bridge::machine::JobPhase::Paused(samples::at(-60));
    orders.push(samples::printed("paused", paused));
    machine.book = Book::from_orders(orders);

    let entry = |order| JobOrderAndState {
        job_order: job_order(order),
        state: states(order.state),
    };
    let orders: List<_> = machine.book.orders().map(entry).collect::<Vec<_>>().into();
    let uri = format!("{APPLICATION_URI}:machine:prusa-01");
    let responses = machine.book.orders();
    let responses: List<_> = responses
        .filter_map(|order| job_response(order, &machine, &uri))
        .collect::<Vec<_>>()
        .into();
    assert_eq!((orders.len(), responses.len()), (3, 2));

    let served = serve(&machine);
    for client in Client::ALL {
        let lists = client.jobs(&served.url, Policy::Basic256Sha256);
        let list = |path: &str| normal(lists[&format!("{JOBS}/{path}")].clone());
        let expected = |list: &dyn Json| normal(list.json());
        same(
            client,
            list("JobOrderControl/JobOrderList"),
            expected(&orders),
        );
        same(
            client,
            list("JobOrderResults/JobOrderResponseList"),
            expected(&responses),
        );
        let files = list("JobOrderControl/WorkMaster");
        assert_eq!(files[0]["ID"], "local/parts/bracket.gcode", "{client:?}");
        assert_eq!(files[0]["Parameters"][0]["Value"], 1_200_000.0);
    }
}

/// Says where two values differ, which a print of both would hide.
fn same(client: Client, told: Value, expected: Value) {
    fn differ(path: String, told: &Value, expected: &Value, out: &mut Vec<String>) {
        match (told, expected) {
            (Value::Object(a), Value::Object(b)) => {
                for name in a.keys().chain(b.keys()) {
                    let path = format!("{path}.{name}");
                    let (a, b) = (a.get(name), b.get(name));
                    differ(
                        path,
                        a.unwrap_or(&Value::Null),
                        b.unwrap_or(&Value::Null),
                        out,
                    );
                }
            }
            (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
                for (n, (a, b)) in a.iter().zip(b).enumerate() {
                    differ(format!("{path}[{n}]"), a, b, out);
                }
            }
            (a, b) if a == b => {}
            (a, b) => out.push(format!("{path}: {a} instead of {b}")),
        }
    }
    let mut differences = Vec::new();
    differ(String::new(), &told, &expected, &mut differences);
    assert!(
        differences.is_empty(),
        "{client:?}:\n{}",
        differences.join("\n")
    );
}
