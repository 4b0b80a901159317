//! The command line: its arguments, its exit codes, and what `check` prints.

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, value_parser};

use crate::config::{self, Config, DEFAULT_PORT, Loaded};

/// Serves OctoPrint 3D printers as umati machines over OPC UA.
///
/// Log lines go to stderr; RUST_LOG chooses them, for example RUST_LOG=debug.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, subcommand_required = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read the printers of a config file and serve them until SIGTERM or Ctrl-C
    Run {
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Tell every mistake of a config file at once; exit code 78 if there is one
    Check {
        #[command(flatten)]
        config: ConfigFile,
        /// Also ask each OctoPrint whether it can be reached and what the key may do
        #[arg(long)]
        online: bool,
    },
    /// Simulate printers and serve them: a live umati server without a printer
    Demo {
        /// How many printers
        #[arg(long, value_name = "NUMBER", default_value_t = 3, value_parser = value_parser!(u16).range(1..10_000))]
        printers: u16,
        /// Port of the OPC UA server
        #[arg(long, value_name = "PORT", default_value_t = DEFAULT_PORT, value_parser = value_parser!(u16).range(1..))]
        port: u16,
    },
    /// Simulate OctoPrint servers: http://127.0.0.1:PORT/printer-0001/ and so on, with the API key "demo"
    Simulate {
        /// How many printers
        #[arg(long, value_name = "NUMBER", value_parser = value_parser!(u16).range(1..10_000))]
        printers: u16,
        /// Port of the HTTP server
        #[arg(long, value_name = "PORT", value_parser = value_parser!(u16).range(1..))]
        port: u16,
        /// How many times faster than life they print
        #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = speed)]
        speed: f64,
    },
}

/// Where the configuration stands.
#[derive(Debug, Args)]
pub struct ConfigFile {
    /// The config file
    #[arg(long = "config", value_name = "FILE", default_value = "config.json")]
    pub path: PathBuf,
}

fn speed(text: &str) -> Result<f64, &'static str> {
    match text.parse() {
        Ok(factor) if (0.01..=10_000.0).contains(&factor) => Ok(factor),
        _ => Err("write a factor from 0.01 to 10000, for example 60 for a minute in a second"),
    }
}

/// Why the process ends early; the numbers of `sysexits.h`. A wrong command line ends with clap's 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// `EX_UNAVAILABLE`: a port is taken.
    Unavailable = 69,
    /// `EX_CONFIG`: the configuration is refused.
    Config = 78,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Loads a configuration and tells its warnings, or all its mistakes, on stderr.
///
/// # Errors
/// [`Exit::Config`] if the file has a mistake.
pub fn load(path: &Path) -> Result<Config, Exit> {
    load_telling(path, &mut io::stderr())
}

/// `check` without `--online`: like [`load`], and one line on stdout if all is well.
///
/// # Errors
/// [`Exit::Config`] if the file has a mistake.
pub fn check(path: &Path) -> Result<Config, Exit> {
    let config = load(path)?;
    tell(&mut io::stdout(), &summary(path, &config));
    Ok(config)
}

fn load_telling(path: &Path, stderr: &mut impl Write) -> Result<Config, Exit> {
    match config::load(path) {
        Ok(Loaded { config, warnings }) => {
            for warning in warnings {
                tell(stderr, &format!("{warning}\n"));
            }
            Ok(config)
        }
        Err(refused) => {
            let count = counted(refused.mistakes.len(), "mistake");
            tell(stderr, &format!("{refused}\n\n{}: {count}", path.display()));
            Err(Exit::Config)
        }
    }
}

/// A closed pipe is the reader's choice and no reason to fail.
fn tell(stream: &mut impl Write, text: &str) {
    let _ = writeln!(stream, "{text}");
}

fn summary(path: &Path, config: &Config) -> String {
    let ports: HashSet<u16> = config.machines.iter().map(|machine| machine.port).collect();
    format!(
        "{}: {} on {}, no mistakes",
        path.display(),
        counted(config.machines.len(), "machine"),
        counted(ports.len(), "port"),
    )
}

fn counted(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}
