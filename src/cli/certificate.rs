//! `umati-bridge certificate`: who this installation is to its clients.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::PathBuf;

use chrono::Utc;
use clap::{Args, Subcommand};

use super::trust::tell_certificate;
use super::{Exit, load, tell};
use crate::bridge;
use crate::server::{Identity, IdentityError};

/// What to do with the certificate of this server.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub struct Certificate {
    #[command(subcommand)]
    action: Action,
    /// The config file
    #[arg(
        long = "config",
        value_name = "FILE",
        default_value = "config.json",
        global = true
    )]
    config: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show what it says, and where it stands
    Show,
    /// Make a new key and certificate; the old ones are kept, and served until the next start
    New,
}

impl Certificate {
    /// Does it, and tells on stdout what has been done.
    ///
    /// # Errors
    /// [`Exit::Config`] if the config file has a mistake, [`Exit::Unavailable`] if there is no certificate, or a file
    /// cannot be read or written; told on stderr.
    pub fn run(&self) -> Result<(), Exit> {
        let config = load(&self.config)?;
        let mut out = io::stdout();
        match self.action {
            Action::Show => show(&Identity::at(&config.state_dir), &mut out).map_err(refused),
            Action::New => {
                let settings = bridge::certificate_settings(&config).map_err(refused)?;
                let (identity, old) = Identity::renew(&settings).map_err(refused)?;
                show(&identity, &mut out).map_err(refused)?;
                if let Some(old) = old {
                    tell(&mut out, &format!("{:<16} {}", "old one", old.display()));
                }
                tell(
                    &mut out,
                    "note: it is served from the next start on; then every client has to accept it",
                );
                Ok(())
            }
        }
    }
}

fn show(identity: &Identity, out: &mut impl Write) -> Result<(), IdentityError> {
    let path = identity.certificate_path();
    if !path.exists() {
        return Err(IdentityError::Read {
            path,
            reason: "there is no certificate yet; the first start makes one, or `umati-bridge certificate new`"
                .to_owned(),
        });
    }
    let certificate = identity.certificate()?;
    tell_certificate(&certificate, out);
    tell(out, &format!("{:<16} {}", "file", path.display()));
    if certificate.not_after < Utc::now() {
        tell(
            out,
            "note: its time is over; `umati-bridge certificate new` makes a new one",
        );
    }
    Ok(())
}

fn refused(reason: impl Display) -> Exit {
    tell(&mut io::stderr(), &format!("error: {reason}"));
    Exit::Unavailable
}
