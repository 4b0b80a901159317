//! The command line: its arguments, its exit codes, and what `check` prints.

mod certificate;
mod hash_password;
mod trust;

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, value_parser};

use crate::config::{self, Config, DEFAULT_PORT, Loaded};

pub use self::certificate::Certificate;
pub use self::hash_password::hash_password;
pub use self::trust::Trust;

/// Serves OctoPrint 3D printers as umati machines over OPC UA.
///
/// Log lines go to stderr; RUST_LOG chooses them, for example RUST_LOG=debug.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, subcommand_required = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// What the program is asked to do. The doc comments below are its help texts.
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
    /// Decide whose certificates are accepted: of clients, users and authorities
    Trust(Trust),
    /// Show the certificate of this server, or make a new one
    Certificate(Certificate),
    /// Read a password from standard input and print the hash of it that `password_hash` wants
    HashPassword,
    /// Simulate printers and serve them: a live umati server without a printer
    Demo {
        /// How many printers
        #[arg(long, value_name = "NUMBER", default_value_t = 3, value_parser = value_parser!(u16).range(1..10_000))]
        printers: u16,
        /// Port of the OPC UA server
        #[arg(long, value_name = "PORT", default_value_t = DEFAULT_PORT)]
        port: u16,
    },
    /// Simulate OctoPrint servers: http://127.0.0.1:PORT/printer-0001/ and so on, with the API key "demo"
    Simulate {
        /// How many printers
        #[arg(long, value_name = "NUMBER", value_parser = value_parser!(u16).range(1..10_000))]
        printers: u16,
        /// Port of the HTTP server
        #[arg(long, value_name = "PORT")]
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
    /// `EX_DATAERR`: what was given on standard input cannot be used.
    Data = 65,
    /// `EX_UNAVAILABLE`: what the process needs is not there (a port, the state folder, an OctoPrint to check), or a
    /// part of it has failed.
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

/// Writes a line. A closed pipe is the reader's choice and no reason to fail.
pub fn tell(stream: &mut impl Write, text: &str) {
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use tempfile::TempDir;

    use super::*;

    /// The help of the program and of every command, as an operator sees it.
    fn help() -> String {
        let mut cli = Cli::command();
        cli.build();
        let mut pages = vec![cli.render_long_help().to_string()];
        add_pages(&mut cli, &mut pages);
        pages.join("\n")
    }

    /// A command of commands has a `help` of its own, which says nothing new.
    fn add_pages(command: &mut clap::Command, pages: &mut Vec<String>) {
        for inner in command.get_subcommands_mut() {
            let name = inner.get_bin_name().unwrap_or_default().to_owned();
            if name.split(' ').count() < 3 || inner.get_name() != "help" {
                pages.push(format!("$ {name} --help\n{}", inner.render_long_help()));
                if inner.get_name() != "help" {
                    add_pages(inner, pages);
                }
            }
        }
    }

    #[test]
    fn help_is_as_agreed() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/help.txt");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(path, help()).expect("written");
        }
        let agreed = std::fs::read_to_string(path).expect("tests/golden/help.txt");
        assert_eq!(
            help(),
            agreed,
            "if that is meant: UPDATE_GOLDEN=1 cargo test --lib cli"
        );
    }

    #[test]
    fn a_command_is_required_and_help_is_shown_without_one() {
        let refused = Cli::try_parse_from(["umati-bridge"]).expect_err("no command");
        assert_eq!(refused.exit_code(), 2);
        assert!(
            refused
                .to_string()
                .contains("Usage: umati-bridge <COMMAND>")
        );
    }

    #[test]
    fn defaults_are_the_documented_ones() {
        let parsed = |line: &str| Cli::try_parse_from(line.split(' ')).expect(line).command;
        assert!(matches!(
            parsed("umati-bridge run"),
            Command::Run { config } if config.path == Path::new("config.json")
        ));
        assert!(matches!(
            parsed("umati-bridge check --config a.json --online"),
            Command::Check { config, online: true } if config.path == Path::new("a.json")
        ));
        assert!(matches!(
            parsed("umati-bridge demo"),
            Command::Demo {
                printers: 3,
                port: 4840
            }
        ));
        assert!(matches!(
            parsed("umati-bridge simulate --printers 100 --port 5000 --speed 60"),
            Command::Simulate {
                printers: 100,
                port: 5000,
                speed: 60.0
            }
        ));
    }

    #[test]
    fn nonsense_is_refused() {
        for line in [
            "umati-bridge serve",
            "umati-bridge simulate --port 5000",
            "umati-bridge simulate --printers 0 --port 5000",
            "umati-bridge simulate --printers 1 --port 5000 --speed 0",
            "umati-bridge simulate --printers 1 --port 5000 --speed NaN",
            "umati-bridge demo --port 65536",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }

    fn load_of(text: &str) -> (Result<Config, Exit>, String) {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("config.json");
        std::fs::write(&path, text).expect("written");
        let mut stderr = Vec::new();
        let result = load_telling(&path, &mut stderr);
        let told = String::from_utf8(stderr).expect("text");
        (
            result,
            told.replace(&format!("{}/", folder.path().display()), ""),
        )
    }

    #[test]
    fn mistakes_are_told_and_counted() {
        let (result, told) = load_of("[ 1, 2 ]");
        assert_eq!(result, Err(Exit::Config));
        assert_eq!(
            told,
            r#"error: an object in { } is wanted here, but this is a number
  --> config.json:1:3 [0]
  help: write a machine: { "type": "OCTOPRINT", … }

error: an object in { } is wanted here, but this is a number
  --> config.json:1:6 [1]
  help: write a machine: { "type": "OCTOPRINT", … }

config.json: 2 mistakes
"#
        );
    }

    #[test]
    fn warnings_are_told_and_machines_counted() {
        let machine = |url: &str, port: u16| {
            format!(
                r#"{{ "type": "OCTOPRINT", "url": "{url}", "api_key": "k", "mes_id": 1, "umati_server_port": {port}, "x": 1 }}"#
            )
        };
        let (result, told) = load_of(&machine("http://a", 4840));
        let path = Path::new("config.json");
        let config = result.expect("accepted");
        assert_eq!(
            summary(path, &config),
            "config.json: 1 machine on 1 port, no mistakes"
        );
        assert!(told.starts_with("warning: unknown key \"x\"\n"), "{told}");

        let machines = [("http://a", 4840), ("http://b", 4841), ("http://c", 4840)];
        let machines = machines.map(|(url, port)| machine(url, port)).join(",");
        let config = load_of(&format!("[ {machines} ]")).0.expect("accepted");
        assert_eq!(
            summary(path, &config),
            "config.json: 3 machines on 2 ports, no mistakes"
        );
    }

    #[test]
    fn exit_codes_are_those_of_sysexits() {
        assert_eq!(
            [Exit::Data, Exit::Unavailable, Exit::Config].map(|exit| exit as u8),
            [65, 69, 78]
        );
    }
}
