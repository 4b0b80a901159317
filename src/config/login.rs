//! How the entries of `mes` and `operators` prove who they are.

use super::field::{At, Field};
use super::keys::{self, Key};
use super::label;
use super::mistake::{Place, Report};
use super::secret::Secret;
use super::valid::Login;
use super::written;
use crate::password::{Hash, Strength};

/// A user with a password, or a certificate. `None` is reported.
pub(super) fn resolve(login: written::Login, entry: &Place, report: &mut Report) -> Option<Login> {
    let has_password = !login.user.is_absent() || !login.password_hash.is_absent();
    match (has_password, login.certificate) {
        (true, Field::Absent) => password(login.user, login.password_hash, entry, report),
        (false, Field::Given(text)) => {
            label::sha256(keys::CERTIFICATE, &text, report).map(Login::Certificate)
        }
        (false, Field::Wrong) => None,
        (false, Field::Absent) => {
            let what =
                "nobody can log in: neither `user` with `password_hash` nor `certificate` is given";
            report.mistake(entry, what, both_of(keys::USER, keys::PASSWORD_HASH));
            None
        }
        (true, Field::Given(_) | Field::Wrong) => {
            let what = "both a password and `certificate` are given";
            report.mistake(entry, what, "remove one of them, or make two entries");
            None
        }
    }
}

fn both_of(one: Key, other: Key) -> String {
    format!("write {}, {}", one.written(), other.written())
}

fn password(
    user: Field<String>,
    hash: Field<Secret>,
    entry: &Place,
    report: &mut Report,
) -> Option<Login> {
    let user = label::required(keys::USER, user, entry, report);
    let hash = hash.required(keys::PASSWORD_HASH, entry, report);
    let hash = hash.and_then(|hash| argon2id(hash, report));
    Some(Login::Password {
        user: user?.value,
        hash: hash?,
    })
}

fn argon2id(hash: At<Secret>, report: &mut Report) -> Option<Hash> {
    let remedy =
        "write what `umati-bridge hash-password` prints; it reads the password from standard input";
    match Hash::parse(hash.value.expose()) {
        Ok(usable) => {
            if usable.strength() == Strength::Weak {
                let what =
                    "`password_hash` was made with little work, so its password is easily guessed";
                report.warning(&hash.place, what, remedy);
            }
            Some(usable)
        }
        Err(why) => {
            let what = format!("`password_hash` cannot be used: {why}");
            report.mistake(&hash.place, what, remedy);
            None
        }
    }
}
