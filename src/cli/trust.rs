//! `umati-bridge trust`: whose certificates are accepted. What it changes counts at the next connection; a running
//! bridge needs not be told.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};

use super::{Exit, load, tell};
use crate::server::{
    Certificate, Crl, Identity, KeyKind, Known, Moved, Purpose, Standing, TrustError, TrustList,
};

/// What to do with the certificates of clients, users and authorities.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub struct Trust {
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
    /// Show every certificate and revocation list, and what was decided about it
    List,
    /// Show all that a certificate says, and whether a client that has it is let in
    Show {
        /// The first hexadecimal digits of it, at least 4
        thumbprint: String,
    },
    /// Let a client in: one that was refused, or the certificate in a file
    Accept {
        /// The first digits of the thumbprint, at least 4, or a file in DER or PEM
        #[arg(value_name = "THUMBPRINT|FILE")]
        what: String,
        /// It is the certificate of a user
        #[arg(long)]
        user: bool,
        /// It is the certificate of an authority, and all that it signs is let in; or a revocation list of one
        #[arg(long, conflicts_with = "user")]
        issuer: bool,
    },
    /// Take back that it was accepted; an authority may still vouch for it
    Reject {
        /// The first hexadecimal digits of it, at least 4
        thumbprint: String,
    },
    /// Never let it in again, whoever vouches for it; `accept` undoes that
    Revoke {
        /// The first hexadecimal digits of it, at least 4; all 64 if nobody here has the certificate
        thumbprint: String,
    },
}

impl Trust {
    /// Does it, and tells on stdout what has been done.
    ///
    /// # Errors
    /// [`Exit::Config`] if the config file has a mistake, [`Exit::Unavailable`] if no certificate is meant, or what was
    /// asked cannot be done; told on stderr.
    pub fn run(&self) -> Result<(), Exit> {
        let config = load(&self.config)?;
        let list = TrustList::new(Identity::at(&config.state_dir).pki_dir());
        self.act(&list, &mut io::stdout()).map_err(|error| {
            tell(&mut io::stderr(), &format!("error: {error}"));
            Exit::Unavailable
        })
    }

    fn act(&self, list: &TrustList, out: &mut impl Write) -> Result<(), TrustError> {
        match &self.action {
            Action::List => tell_all(list, out),
            Action::Show { thumbprint } => {
                show(list, &list.find(thumbprint)?, out);
                Ok(())
            }
            Action::Accept { what, user, issuer } => {
                let purpose = match (user, issuer) {
                    (true, _) => Purpose::User,
                    (_, true) => Purpose::Issuer,
                    _ => Purpose::Application,
                };
                for moved in accept(list, what, purpose)? {
                    tell_moved(list, &moved, out)?;
                }
                Ok(())
            }
            Action::Reject { thumbprint } => {
                let known = list.find(thumbprint)?;
                tell_moved(list, &list.reject(&known)?, out)
            }
            Action::Revoke { thumbprint } => tell_moved(list, &list.revoke(thumbprint)?, out),
        }
    }
}

/// A file that is there is meant before a thumbprint.
fn accept(list: &TrustList, what: &str, purpose: Purpose) -> Result<Vec<Moved>, TrustError> {
    let path = Path::new(what);
    if path.is_file() {
        return list.accept_file(path, purpose);
    }
    match list.find(what) {
        Err(TrustError::NotAThumbprint { .. }) => Err(TrustError::File {
            path: path.to_owned(),
            reason:
                "there is no such file, and it is not a thumbprint of at least 4 hexadecimal digits"
                    .to_owned(),
        }),
        found => Ok(vec![list.accept(&found?, purpose)?]),
    }
}

fn tell_all(list: &TrustList, out: &mut impl Write) -> Result<(), TrustError> {
    let now = Utc::now();
    let line =
        |out: &mut _, state: &str, thumbprint: &str, valid: &str, uri: &str, subject: &str| {
            let line = format!("{state:<8}  {thumbprint:<64}  {valid:<24}  {uri}  {subject}");
            tell(out, line.trim_end());
        };
    line(
        out,
        "STATE",
        "THUMBPRINT (SHA-256)",
        "VALID",
        "APPLICATION URI",
        "SUBJECT",
    );
    let mut all: Vec<_> = list.all()?.into_values().collect();
    all.sort_by_key(|known| known.standings().into_iter().next());
    for known in all {
        for standing in known.standings() {
            let (valid, uri, subject) = known.certificate.as_ref().map_or_else(
                || (String::new(), "-", "(not here)"),
                |it| {
                    let valid = validity(it.not_before, Some(it.not_after), now);
                    (
                        valid,
                        it.application_uri.as_deref().unwrap_or("-"),
                        it.subject.as_str(),
                    )
                },
            );
            line(
                out,
                &standing.to_string(),
                &known.thumbprint,
                &valid,
                uri,
                subject,
            );
        }
    }
    for (_, crl) in list.crls()? {
        let valid = validity(crl.this_update, crl.next_update, now);
        line(out, "crl", "-", &valid, "-", &crl.issuer);
    }
    Ok(())
}

/// Two days, and whether now is before or after both.
fn validity(from: DateTime<Utc>, to: Option<DateTime<Utc>>, now: DateTime<Utc>) -> String {
    let day = |time: DateTime<Utc>| time.format("%Y-%m-%d").to_string();
    let remark = if now < from {
        " not yet"
    } else if to.is_some_and(|to| now > to) {
        " over"
    } else {
        ""
    };
    format!(
        "{}..{}{remark}",
        day(from),
        to.map_or_else(String::new, day)
    )
}

fn show(list: &TrustList, known: &Known, out: &mut impl Write) {
    for (standing, path) in &known.places {
        tell(out, &format!("{standing:<16} {}", path.display()));
    }
    let Some(certificate) = &known.certificate else {
        tell(out, &format!("{:<16} {}", "SHA-256", known.thumbprint));
        tell(
            out,
            "nobody here has the certificate; it is refused by its thumbprint",
        );
        return;
    };
    tell_certificate(certificate, out);
    let standings = known.standings();
    if standings.contains(&Standing::Issuer) {
        let verdict = match list.has_crl_of(certificate) {
            Ok(true) => "what it signs is accepted",
            _ => "what it signs is refused until there is a current revocation list of it",
        };
        tell(out, &format!("{:<16} {verdict}", "as issuer"));
    }
    for (standing, name) in [
        (Standing::Trusted, "as client"),
        (Standing::User, "as user"),
    ] {
        let is_asked = standing == Standing::Trusted && !standings.contains(&Standing::Issuer);
        if standings.contains(&standing) || (is_asked && !standings.contains(&Standing::User)) {
            let verdict = list.judge(certificate, standing).map_or_else(
                |refused| format!("refused: {refused}"),
                |()| "accepted".to_owned(),
            );
            tell(out, &format!("{name:<16} {verdict}"));
        }
    }
}

/// All that a certificate says, a line each.
pub(super) fn tell_certificate(certificate: &Certificate, out: &mut impl Write) {
    let key = match certificate.key_kind {
        KeyKind::Rsa(bits) => format!("RSA, {bits} bits"),
        KeyKind::Other => "not RSA".to_owned(),
    };
    let sha1 = certificate.sha1().unwrap_or_default();
    let sha1: String = sha1.iter().map(|byte| format!("{byte:02x}")).collect();
    let names = certificate.names.join(", ");
    let time = |time: DateTime<Utc>| time.format("%Y-%m-%d %H:%M:%S UTC").to_string();
    let valid = format!(
        "{} to {}",
        time(certificate.not_before),
        time(certificate.not_after)
    );
    let lines = [
        ("subject", certificate.subject.as_str()),
        ("issuer", &certificate.issuer),
        ("serial number", &certificate.serial_number),
        (
            "application URI",
            certificate.application_uri.as_deref().unwrap_or("none"),
        ),
        ("names", if names.is_empty() { "none" } else { &names }),
        ("valid", &valid),
        ("key", &key),
        ("authority", if certificate.is_ca { "yes" } else { "no" }),
        ("SHA-256", &certificate.thumbprint_hex()),
        ("SHA-1", &sha1),
    ];
    for (name, value) in lines {
        tell(out, &format!("{name:<16} {value}"));
    }
}

fn tell_moved(list: &TrustList, moved: &Moved, out: &mut impl Write) -> Result<(), TrustError> {
    match moved {
        Moved::Certificate(certificate, standing) => {
            let (thumbprint, subject) = (certificate.thumbprint_hex(), &certificate.subject);
            tell(out, &format!("{standing}: {thumbprint} {subject}"));
            tell_what_is_left(list, certificate, *standing, out)?;
        }
        Moved::Crl(crl) => {
            let revoked = crl.count();
            tell(out, &format!("crl: {} ({revoked} revoked)", crl.issuer));
            tell_of_crl(list, crl, out)?;
        }
        Moved::Unrevoked(thumbprint) => {
            tell(out, &format!("not revoked any more: {thumbprint}"));
            tell(
                out,
                "note: it is not here, so it is let in only if an authority vouches for it",
            );
        }
        Moved::Forbidden(thumbprint) => {
            tell(out, &format!("revoked: {thumbprint}"));
            tell_of_sessions(out);
        }
    }
    Ok(())
}

/// What the operator might not expect.
fn tell_what_is_left(
    list: &TrustList,
    certificate: &Certificate,
    standing: Standing,
    out: &mut impl Write,
) -> Result<(), TrustError> {
    let mut note = |text: &str| tell(out, &format!("note: {text}"));
    match standing {
        Standing::Trusted | Standing::User => {
            if let Err(refused) = list.judge(certificate, standing) {
                note(&format!("it is refused all the same: {refused}"));
            }
            if certificate.is_ca && certificate.application_uri.is_none() {
                note("it is an authority, but what it signs is let in only with --issuer");
            }
        }
        Standing::Issuer if !list.has_crl_of(certificate)? => note(
            "what it signs is refused until there is a current revocation list of it: umati-bridge trust accept \
             --issuer FILE",
        ),
        Standing::Issuer => {}
        Standing::Rejected => {
            if list.judge(certificate, Standing::Trusted).is_ok() {
                note(
                    "it is let in all the same, because an authority vouches for it; `revoke` prevents that",
                );
            }
            tell_of_sessions(out);
        }
        Standing::Revoked => tell_of_sessions(out),
    }
    Ok(())
}

fn tell_of_crl(list: &TrustList, crl: &Crl, out: &mut impl Write) -> Result<(), TrustError> {
    if !list.knows_issuer_of(crl)? {
        tell(
            out,
            "note: it says nothing yet: no authority that is accepted has signed it",
        );
    }
    if crl.next_update.is_some_and(|next| next < Utc::now()) {
        tell(
            out,
            "note: it is out of date; what the authority signs is refused until there is a newer one",
        );
    }
    Ok(())
}

fn tell_of_sessions(out: &mut impl Write) {
    tell(
        out,
        "note: a client that is connected to a running bridge is cut within ten seconds",
    );
}
