//! How the entries of `mes` and `operators` prove who they are.

use super::field::{At, Field};
use super::keys::{self, Key};
use super::label;
use super::mistake::{Place, Report};
use super::secret::Secret;
use super::valid::Login;
use super::written;

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

fn argon2id(hash: At<Secret>, report: &mut Report) -> Option<Secret> {
    if is_argon2id(hash.value.expose()) {
        return Some(hash.value);
    }
    let what = "`password_hash` is not an Argon2id hash in PHC format";
    let remedy = "write what this prints: echo -n PASSWORD | argon2 SALT -id -e";
    report.mistake(&hash.place, what, remedy);
    None
}

/// `$argon2id$v=19$m=…,t=…,p=…$<salt>$<hash>`, with the bounds of RFC 9106 §3.1 and at most 1 GiB of memory.
fn is_argon2id(text: &str) -> bool {
    const MOST_MEMORY_KIB: u32 = 1 << 20;
    let parts: Vec<&str> = text.split('$').collect();
    let ["", "argon2id", "v=19", costs, salt, hash] = parts[..] else {
        return false;
    };
    let costs: Vec<&str> = costs.split(',').collect();
    let [memory, time, lanes] = costs[..] else {
        return false;
    };
    let (Some(memory), Some(time), Some(lanes)) =
        (cost(memory, "m="), cost(time, "t="), cost(lanes, "p="))
    else {
        return false;
    };
    let bounded = time >= 1
        && (1..1 << 24).contains(&lanes)
        && (8 * lanes..=MOST_MEMORY_KIB).contains(&memory);
    // In base64: a salt of 8 bytes, a hash of 4 and at most 64 bytes.
    bounded && is_base64(salt, 11..=86) && is_base64(hash, 6..=86)
}

fn cost(text: &str, name: &str) -> Option<u32> {
    text.strip_prefix(name)?.parse().ok()
}

fn is_base64(text: &str, lengths: std::ops::RangeInclusive<usize>) -> bool {
    // Without padding, so one digit alone in the last group of four cannot be.
    lengths.contains(&text.len())
        && text.len() % 4 != 1
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/'))
}

#[cfg(test)]
mod tests {
    use super::is_argon2id;

    #[test]
    fn only_whole_argon2id_hashes_are_taken() {
        let good = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$\
                    4dnBDcSVN+9tUPPtdMVbg0IR4pYfGCWWHGnEQFQ6Kks";
        assert!(is_argon2id(good));
        for bad in [
            "",
            "secret",
            "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
            &good.replace("argon2id", "argon2i"),
            &good.replace("v=19", "v=16"),
            &good.replace("m=19456", "m=4"),
            &good.replace("m=19456", "m=4294967295"),
            &good.replace("t=2", "t=0"),
            &good.replace("p=1", "p=0"),
            &good.replace("p=1", "p=4294967295"),
            &good.replace("c29tZXNhbHQ", "c2"),
            &good.replace("c29tZXNhbHQ", "c29tZX*hbHQ"),
            &good[..good.len() - 42],
            &format!("{good}$"),
        ] {
            assert!(!is_argon2id(bad), "{bad}");
        }
    }
}
