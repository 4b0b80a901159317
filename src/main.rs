//! The life of the process, in order: parse, load, bind, run, drain.
#![forbid(unsafe_code)]
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod signals;

use std::fmt::Display;
use std::io;
use std::process::ExitCode;

use clap::Parser;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use umati_bridge::bridge::{self, demo, online};
use umati_bridge::cli::{self, Cli, Command, Exit};
use umati_bridge::config::Config;
use umati_bridge::logging;
use umati_bridge::server::WORKER_STACK_SIZE;

fn main() -> ExitCode {
    let command = Cli::parse().command;
    let done = logging::start()
        .map_err(unavailable)
        .and_then(|()| run(command));
    match done {
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
        Command::Trust(trust) => trust.run(),
        Command::Certificate(certificate) => certificate.run(),
        Command::HashPassword => cli::hash_password(),
        Command::Demo { printers, port } => runtime()?.block_on(async {
            let listener = bind_simulator(0).await?;
            let config = demo::config(&listener, printers, port).map_err(unavailable)?;
            let shutdown = CancellationToken::new();
            let simulator = demo::simulate(listener, printers, 1.0, shutdown.clone());
            let simulator = tokio::spawn(simulator);
            let served = serve(&config, shutdown.clone()).await;
            shutdown.cancel();
            let simulated = simulator.await.map_err(unavailable)?;
            simulated.map_err(unavailable).and(served)
        }),
        Command::Simulate {
            printers,
            port,
            speed,
        } => runtime()?.block_on(async {
            let listener = bind_simulator(port).await?;
            say(&demo::ready_line(&listener, printers).map_err(unavailable)?);
            let shutdown = CancellationToken::new();
            signals::cancel_on_request(&shutdown).map_err(unavailable)?;
            demo::simulate(listener, printers, speed, shutdown)
                .await
                .map_err(unavailable)
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
    signals::cancel_on_request(&shutdown).map_err(unavailable)?;
    say(&bridge.ready_line());
    bridge.run(shutdown).await.map_err(unavailable)
}

async fn ask(config: &Config) -> Result<(), Exit> {
    let answers = online::ask(config).await;
    for answer in &answers {
        say(&answer.to_string());
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

fn say(line: &str) {
    cli::tell(&mut io::stdout(), line);
}

/// Tells why the process cannot do its work.
fn unavailable(reason: impl Display) -> Exit {
    cli::tell(&mut io::stderr(), &format!("error: {reason}"));
    Exit::Unavailable
}
