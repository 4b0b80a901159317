//! What a method call adds to what OctoPrint itself takes.
//!
//! `cargo bench --bench calls -- [ROUNDS]` pauses and resumes a simulated print by turns: once through OctoPrint's REST
//! alone, looked at every 2 ms until it says so, and once by a Call over OPC UA. Prints rows of `docs/benchmarks.md`.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use opcua::client::{ClientBuilder, IdentityToken, Session};
use opcua::types::{
    CallMethodRequest, MessageSecurityMode, NodeId, StatusCode, UserTokenPolicy, Variant,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use umati_bridge::bridge;
use umati_bridge::config::{
    Config, Identification, JobLog, Login, MachineConfig, MesInstance, MesRole, Secret, Tls,
};
use umati_bridge::octoprint::simulator::{
    API_KEY, Clock, Command, Conduct, Settings, Simulator, printer_name,
};
use umati_bridge::password::Hash;
use umati_bridge::server::WORKER_STACK_SIZE;
use umati_bridge::umati::namespaces::INSTANCES;
use url::Url;

const PASSWORD: &str = "bench";
const LOOK: Duration = Duration::from_millis(2);

fn main() {
    let rounds = std::env::args()
        .skip(1)
        .find_map(|a| a.parse().ok())
        .unwrap_or(100);
    tokio::runtime::Builder::new_multi_thread()
        .thread_stack_size(WORKER_STACK_SIZE)
        .enable_all()
        .build()
        .expect("runtime")
        .block_on(measure(rounds));
}

async fn measure(rounds: usize) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
    let address = listener.local_addr().expect("address");
    let simulator = Simulator::with_clock(
        &Settings {
            printers: 1,
            conduct: Conduct::Manual,
            ..Settings::default()
        },
        Clock::running(1.0),
    );
    let shutdown = CancellationToken::new();
    tokio::spawn(Arc::clone(&simulator).serve(listener, shutdown.clone()));
    let url = format!("http://{address}/{}/", printer_name(1));

    let home = tempfile::tempdir().expect("folder");
    let bridge = bridge::start(&config(home.path(), &url)).expect("bridge");
    let line = bridge.ready_line();
    let endpoint = line.split(' ').find(|word| word.starts_with("opc.tcp://"));
    let endpoint = endpoint.expect("endpoint").to_owned();
    tokio::spawn(bridge.run(shutdown.clone()));
    let session = log_in(&endpoint, home.path()).await;

    let printer = simulator.printer(1).expect("printer");
    printer.command(Command::Start).expect("print");
    let http = reqwest::Client::builder()
        .timeout(Duration::from_secs(30))
        .build()
        .expect("HTTP client");
    until(&http, &url, "Printing").await;
    // The bridge has to see the print that it shall pause.
    while !call(&session, "Pause").await {
        tokio::time::sleep(LOOK).await;
    }
    assert!(call(&session, "Resume").await);

    let (mut alone, mut called) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        for (action, method, state) in [
            ("pause", "Pause", "Paused"),
            ("resume", "Resume", "Printing"),
        ] {
            let began = Instant::now();
            post(&http, &url, action).await;
            until(&http, &url, state).await;
            alone.push(began.elapsed());
            // Back, and the bridge has to have seen that.
            let back = if action == "pause" { "resume" } else { "pause" };
            post(&http, &url, back).await;
            tokio::time::sleep(Duration::from_millis(600)).await;
            let began = Instant::now();
            assert!(call(&session, method).await, "{method}");
            called.push(began.elapsed());
            until(&http, &url, state).await;
        }
    }
    println!("| way | p50 ms | p99 ms |\n|---|---|---|");
    row("OctoPrint's REST alone", alone);
    row("Call over OPC UA", called);
    shutdown.cancel();
}

fn row(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!("| {what} | {:.1} | {:.1} |", at(0.5), at(0.99));
}

async fn post(http: &reqwest::Client, url: &str, action: &str) {
    let body = json!({ "command": "pause", "action": action }).to_string();
    let answer = http
        .post(format!("{url}api/job"))
        .header("X-Api-Key", API_KEY)
        .header("Content-Type", "application/json")
        .body(body)
        .send()
        .await
        .expect("answer");
    assert!(answer.status().is_success(), "{}", answer.status());
}

async fn until(http: &reqwest::Client, url: &str, state: &str) {
    loop {
        let answer = http
            .get(format!("{url}api/job"))
            .header("X-Api-Key", API_KEY)
            .send()
            .await
            .expect("answer");
        let text = answer.text().await.expect("text");
        let job: Value = serde_json::from_str(&text).expect("JSON");
        if job["state"] == state {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Calls a method for whatever prints.
async fn call(session: &Session, method: &str) -> bool {
    let control = format!(
        "{}/MachineryBuildingBlocks/JobManagement/JobOrderControl",
        printer_name(1)
    );
    let running = running(session).await;
    let result = session
        .call_one(CallMethodRequest {
            object_id: NodeId::new(INSTANCES, control.as_str()),
            method_id: NodeId::new(INSTANCES, format!("{control}/{method}")),
            input_arguments: Some(vec![running.into(), Variant::Empty]),
        })
        .await
        .expect("answer");
    result.status_code == StatusCode::Good
        && result
            .output_arguments
            .is_some_and(|it| it[0] == Variant::UInt64(1))
}

/// The job that prints.
async fn running(session: &Session) -> String {
    let id = format!("{}/Production/ActiveProgram/JobIdentifier", printer_name(1));
    let values = session
        .read(
            &[NodeId::new(INSTANCES, id).into()],
            opcua::types::TimestampsToReturn::Neither,
            0.0,
        )
        .await
        .expect("answer");
    match &values[0].value {
        Some(Variant::String(id)) => id.to_string(),
        _ => String::new(),
    }
}

async fn log_in(endpoint: &str, home: &std::path::Path) -> Arc<Session> {
    let mut client = ClientBuilder::new()
        .application_name("calls bench")
        .application_uri("urn:calls-bench")
        .pki_dir(home.join("client"))
        .create_sample_keypair(true)
        .trust_server_certs(true)
        .client()
        .expect("client");
    let (session, event_loop) = client
        .connect_to_matching_endpoint(
            (
                endpoint,
                opcua::crypto::SecurityPolicy::Basic256Sha256.to_str(),
                MessageSecurityMode::SignAndEncrypt,
                UserTokenPolicy::anonymous(),
            ),
            IdentityToken::new_user_name("mes1", PASSWORD),
        )
        .await
        .expect("endpoint");
    event_loop.spawn();
    assert!(session.wait_for_connection().await, "connected");
    session
}

fn config(home: &std::path::Path, url: &str) -> Config {
    let name = printer_name(1);
    Config {
        machines: vec![MachineConfig {
            id: name.clone(),
            name,
            url: Url::parse(url).expect("URL"),
            key: Secret::new(API_KEY),
            mes_ids: vec![1],
            port: 0,
            poll_interval: Duration::from_millis(200),
            control: true,
            identification: Identification::default(),
            tls: Tls::SystemRoots,
        }],
        listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
        public_hostname: None,
        state_dir: home.join("state"),
        stale_after: Duration::from_secs(60),
        allow_anonymous: true,
        job_log: JobLog::default(),
        mes: vec![MesInstance {
            id: 1,
            name: "bench".to_owned(),
            role: MesRole::Control,
            login: Login::Password {
                user: "mes1".to_owned(),
                hash: Hash::of(PASSWORD).expect("hash"),
            },
        }],
        operators: Vec::new(),
    }
}
