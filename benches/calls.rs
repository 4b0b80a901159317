//! What a method call adds to what OctoPrint itself takes.
//!
//! `cargo bench --bench calls -- [PRINTS] [POLL_INTERVAL_MS]` prints so many times, by turns through OctoPrint's REST
//! alone and through OPC UA, and pauses, resumes and ends each print. The bridge is a process of its own; the printer
//! is a simulated one with the passing states of a real OctoPrint. REST alone: the command, and then `/api/job` again
//! and again until it tells the state. Prints rows of `docs/benchmarks.md`.

mod common;

use std::time::{Duration, Instant};

use common::client::Client;
use common::printers::Printers;
use common::process::{Process, write_config};
use common::times::Times;
use opcua::types::{
    CallMethodRequest, ExtensionObject, NodeId, ReadValueId, StatusCode, TimestampsToReturn,
    Variant,
};
use serde_json::{Value, json};
use umati_bridge::octoprint::simulator::API_KEY;
use umati_bridge::password::Hash;
use umati_bridge::umati::isa95::codec::from_extension_object;
use umati_bridge::umati::isa95::types::{JobOrder, WorkMaster};
use umati_bridge::umati::namespaces::INSTANCES;

const USER: &str = "mes1";
const PASSWORD: &str = "bench";
const CONTROL: &str = "printer-0001/MachineryBuildingBlocks/JobManagement/JobOrderControl";
/// Between two looks at `/api/job` by REST alone.
const LOOK: Duration = Duration::from_millis(1);
/// No state takes longer; more is a defect of the bench.
const PATIENCE: Duration = Duration::from_secs(30);

/// One thing that a print is made to do, in OctoPrint's words and in those of a MES.
struct Step {
    action: &'static str,
    method: &'static str,
    /// What `/api/job` says before, and when it is done.
    from: &'static str,
    to: &'static str,
}

/// A print from its start to its end. `Starting` and `Resuming` are a print that runs, for the bridge and here.
const STEPS: [Step; 4] = [
    Step {
        action: "print",
        method: "StoreAndStart",
        from: "Operational",
        to: "Starting",
    },
    Step {
        action: "pause",
        method: "Pause",
        from: "Printing",
        to: "Paused",
    },
    Step {
        action: "resume",
        method: "Resume",
        from: "Paused",
        to: "Resuming",
    },
    Step {
        action: "cancel",
        method: "Abort",
        from: "Printing",
        to: "Operational",
    },
];

fn main() {
    let [prints, interval] = common::numbers([50, 1000]);
    tokio::runtime::Runtime::new()
        .expect("runtime")
        .block_on(measure(prints, interval));
}

async fn measure(prints: usize, interval: usize) {
    let printers = Printers::start(1, 1.0).await;
    let folder = tempfile::tempdir().expect("folder");
    let bridge = Process::bridge(&write_config(
        folder.path(),
        &printers.base,
        1,
        json!({
            // The certificate of this client is nobody's concern.
            "allow_anonymous": true,
            "poll_interval_ms": interval,
            "mes": [{ "id": 1, "name": "bench", "role": "control", "user": USER,
                      "password_hash": Hash::of(PASSWORD).expect("hash").expose() }]
        }),
        &json!({ "control": true }),
    ));
    let mes = Mes::log_in(&bridge.address("opc.tcp://")).await;
    let octoprint = OctoPrint::new(&printers.base);
    let file = mes.first_file().await;

    let mut alone: [Vec<Duration>; STEPS.len()] = Default::default();
    let mut called: [Vec<Duration>; STEPS.len()] = Default::default();
    for print in 0..prints {
        for (n, step) in STEPS.iter().enumerate() {
            octoprint.until(step.from).await;
            rest(interval).await;
            let began = Instant::now();
            octoprint.command(step.action, &file).await;
            octoprint.until(step.to).await;
            alone[n].push(began.elapsed());
        }
        mes.until_over().await;
        let order = JobOrder {
            job_order_id: format!("order-{print}").into(),
            work_master_id: Some(vec![file.clone()].into()),
            ..JobOrder::default()
        };
        for (n, step) in STEPS.iter().enumerate() {
            octoprint.until(step.from).await;
            rest(interval).await;
            let began = Instant::now();
            mes.call(step.method, &order).await;
            called[n].push(began.elapsed());
        }
    }

    println!(
        "| method | REST alone ms p50 / p99 | Call ms p50 / p99 | the bridge adds ms p50 / p99 |\n|---|---|---|---|"
    );
    for (step, (alone, called)) in STEPS.iter().zip(alone.into_iter().zip(called)) {
        let (alone, called) = (Times::new(alone), Times::new(called));
        println!(
            "| {} | {:.1} / {:.1} | {:.1} / {:.1} | {:.1} / {:.1} |",
            step.method,
            alone.median(),
            alone.p99(),
            called.median(),
            called.p99(),
            called.median() - alone.median(),
            called.p99() - alone.p99(),
        );
    }
}

/// A command comes at any moment between two polls.
async fn rest(interval: usize) {
    tokio::time::sleep(Duration::from_millis(fastrand::u64(0..=interval as u64))).await;
}

/// The printer's own OctoPrint.
struct OctoPrint {
    http: reqwest::Client,
    url: String,
}

impl OctoPrint {
    fn new(base: &str) -> Self {
        // Plain HTTP, but the client wants to know what it would use for TLS.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            http: reqwest::Client::builder()
                .timeout(PATIENCE)
                .build()
                .expect("HTTP client"),
            url: format!("{base}/printer-0001/api"),
        }
    }

    async fn command(&self, action: &str, file: &WorkMaster) {
        let (path, command) = match action {
            "print" => (
                format!("files/{}", file.id.as_ref()),
                json!({ "command": "select", "print": true }),
            ),
            "cancel" => ("job".to_owned(), json!({ "command": "cancel" })),
            action => (
                "job".to_owned(),
                json!({ "command": "pause", "action": action }),
            ),
        };
        let answer = self
            .http
            .post(format!("{}/{path}", self.url))
            .header("X-Api-Key", API_KEY)
            .header("Content-Type", "application/json")
            .body(command.to_string())
            .send()
            .await
            .expect("answer");
        assert!(
            answer.status().is_success(),
            "{action}: {}",
            answer.status()
        );
    }

    /// Waits until `/api/job` says that it is in this state.
    async fn until(&self, state: &str) {
        let began = Instant::now();
        loop {
            let answer = self
                .http
                .get(format!("{}/job", self.url))
                .header("X-Api-Key", API_KEY)
                .send()
                .await
                .expect("answer");
            let text = answer.text().await.expect("text");
            let job: Value = serde_json::from_str(&text).expect("JSON");
            if job["state"] == state {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "not {state}: {text}");
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// A MES that may control the printer.
struct Mes(Client);

impl Mes {
    async fn log_in(endpoint: &str) -> Self {
        Self(Client::user(endpoint, USER, PASSWORD).await)
    }

    async fn read(&self, path: &str) -> Variant {
        let node: ReadValueId = NodeId::new(INSTANCES, path).into();
        let values = self.0.read(&[node], TimestampsToReturn::Neither, 0.0).await;
        let value = values.expect("answer").swap_remove(0).value;
        value.unwrap_or_default()
    }

    /// The first printable file, once OctoPrint has listed them.
    async fn first_file(&self) -> WorkMaster {
        let began = Instant::now();
        loop {
            if let Variant::Array(list) = self.read(&format!("{CONTROL}/WorkMaster")).await
                && let Some(Variant::ExtensionObject(file)) = list.values.first()
            {
                return from_extension_object(file).expect("a file");
            }
            assert!(began.elapsed() < PATIENCE, "no files");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until the bridge knows of no print that is under way.
    async fn until_over(&self) {
        const RUNNING: u32 = 3;
        const INTERRUPTED: u32 = 4;
        let began = Instant::now();
        loop {
            let state = self.read(&format!("{CONTROL}/CurrentState/Number")).await;
            if !matches!(state, Variant::UInt32(RUNNING | INTERRUPTED)) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "not over: {state:?}");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Calls a method for an order; it has to succeed.
    async fn call(&self, method: &str, order: &JobOrder) {
        let what: Variant = if method == "StoreAndStart" {
            ExtensionObject::new(order.clone()).into()
        } else {
            order.job_order_id.clone().into()
        };
        let call = self.0.call_one(CallMethodRequest {
            object_id: NodeId::new(INSTANCES, CONTROL),
            method_id: NodeId::new(INSTANCES, format!("{CONTROL}/{method}")),
            input_arguments: Some(vec![what, Variant::Empty]),
        });
        let result = call.await.expect("answer");
        let returned = result.output_arguments.unwrap_or_default();
        assert!(
            result.status_code == StatusCode::Good && returned.first() == Some(&Variant::UInt64(1)),
            "{method}: {} {returned:?}",
            result.status_code
        );
    }
}
