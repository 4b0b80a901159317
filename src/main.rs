//! The life of the process, in order: parse, load, bind, run, drain.
#![forbid(unsafe_code)]
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Display;
use std::process::ExitCode;

use clap::Parser;
use env_logger::Env;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use umati_bridge::bridge::{self, demo, online};
use umati_bridge::cli::{self, Cli, Command, Exit};
use umati_bridge::config::Config;
use umati_bridge::octoprint::simulator;
use umati_bridge::server::WORKER_STACK_SIZE;

/// Our own lines, and what goes wrong in the OPC UA library; its notices about every connection are for debugging.
const LOG: &str = "warn,umati_bridge=info,opcua_server::address_space=error";

fn main() -> ExitCode {
    let command = Cli::parse().command;
    env_logger::Builder::from_env(Env::default().default_filter_or(LOG)).init();
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => exit.into(),
    }
}

fn run(command: Command) -> Result<(), Exit> {
    match command {
        Command::Run { config } => {
            let config = cli::load(&config.path)?;
            runtime()?.block_on(serve(&config, CancellationToken::new()))
        }
        Command::Check { config, online } => {
            let config = cli::check(&config.path)?;
            if online {
                runtime()?.block_on(ask(&config))?;
            }
            Ok(())
        }
        Command::Demo { printers, port } => runtime()?.block_on(async {
            let listener = bind_simulator(0).await?;
            let config = demo::config(&listener, printers, port).map_err(unavailable)?;
            let shutdown = CancellationToken::new();
            let simulator = tokio::spawn(simulate(listener, printers, 1.0, shutdown.clone()));
            let served = serve(&config, shutdown.clone()).await;
            shutdown.cancel();
            simulator.await.map_err(unavailable)?.and(served)
        }),
        Command::Simulate {
            printers,
            port,
            speed,
        } => runtime()?.block_on(async {
            let listener = bind_simulator(port).await?;
            let address = listener.local_addr().map_err(unavailable)?;
            let first = simulator::printer_name(1);
            println!(
                "simulator is ready: http://{address}/{first}/ and so on, {printers} in all, API key {}",
                simulator::API_KEY
            );
            let shutdown = CancellationToken::new();
            end_on_signal(&shutdown)?;
            simulate(listener, printers, speed, shutdown).await
        }),
    }
}

fn runtime() -> Result<Runtime, Exit> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(WORKER_STACK_SIZE)
        .build()
        .map_err(unavailable)
}

async fn serve(config: &Config, shutdown: CancellationToken) -> Result<(), Exit> {
    let bridge = bridge::start(config).map_err(unavailable)?;
    end_on_signal(&shutdown)?;
    println!("{}", bridge.ready_line());
    bridge.run(shutdown).await.map_err(unavailable)
}

async fn ask(config: &Config) -> Result<(), Exit> {
    let answers = online::ask(config).await;
    for answer in &answers {
        println!("{answer}");
    }
    if answers.iter().all(online::Answer::is_usable) {
        Ok(())
    } else {
        Err(Exit::Unavailable)
    }
}

async fn bind_simulator(port: u16) -> Result<TcpListener, Exit> {
    demo::bind(port).await.map_err(|reason| {
        unavailable(format!(
            "cannot listen on 127.0.0.1:{port}: {reason}; choose another --port"
        ))
    })
}

async fn simulate(
    listener: TcpListener,
    printers: u16,
    speed: f64,
    shutdown: CancellationToken,
) -> Result<(), Exit> {
    let settings = simulator::Settings {
        printers: usize::from(printers),
        speed,
        ..simulator::Settings::default()
    };
    simulator::simulate(listener, &settings, shutdown)
        .await
        .map_err(unavailable)
}

/// Tells why the process cannot do its work.
fn unavailable(reason: impl Display) -> Exit {
    eprintln!("error: {reason}");
    Exit::Unavailable
}

/// Cancels `shutdown` at SIGTERM or Ctrl-C.
fn end_on_signal(shutdown: &CancellationToken) -> Result<(), Exit> {
    let mut terminate = signal(SignalKind::terminate()).map_err(unavailable)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unavailable)?;
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        shutdown.cancel();
    });
    Ok(())
}
