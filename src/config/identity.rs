//! The identity of a machine: part of every NodeId and job identity, so it has to stay the same from start to
//! start. Given as `id`, else made from `custom_name`, else from the URL.

use sha2::{Digest, Sha256};
use url::Url;

use super::field::At;
use super::keys::{self, Key};
use super::mistake::{Place, Report, quoted};

/// The bridge's own object has this identity.
const RESERVED: &str = "UmatiBridge";

/// An identity, the key that it comes from, and where that stands.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub id: String,
    pub source: Key,
    pub place: Place,
}

/// The id that the operator gave, checked. `None` is reported.
pub(super) fn explicit(id: At<String>, report: &mut Report) -> Option<Identity> {
    let At { value, place } = id;
    if let Some(stranger) = value.chars().find(|&c| !is_allowed(c)) {
        let stranger = quoted(&stranger.to_string());
        let what = format!(
            "`id` is {}; {stranger} cannot stand in an id",
            quoted(&value)
        );
        let remedy = format!(
            "write ASCII letters, digits, -, _ and . only, for example \"{}\"",
            slug(&value)
        );
        report.mistake(&place, what, remedy);
        return None;
    }
    if !value.contains(|c: char| c.is_ascii_alphanumeric()) {
        let what = format!(
            "`id` is {}, which holds no letter and no digit",
            quoted(&value)
        );
        report.mistake(&place, what, keys::ID.write_it());
        return None;
    }
    unreserved(
        Identity {
            id: value,
            source: keys::ID,
            place,
        },
        report,
    )
}

/// The identity that follows from the name. `None` is reported.
pub(super) fn from_name(name: &At<String>, report: &mut Report) -> Option<Identity> {
    let identity = Identity {
        id: slug(&name.value),
        source: keys::CUSTOM_NAME,
        place: name.place.clone(),
    };
    unreserved(identity, report)
}

/// The identity that follows from host, port and path.
pub(super) fn from_url(url: &Url, place: &Place) -> Identity {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_matches(['[', ']']);
    let port = url.port_or_known_default().unwrap_or_default();
    let address = format!("{host}-{port}{}", url.path().trim_end_matches('/'));
    Identity {
        // Character by character: `fe80::1:2` and `fe80:1::2` are two machines.
        id: address
            .chars()
            .map(|c| if is_allowed(c) { c } else { '-' })
            .collect(),
        source: keys::URL,
        place: place.clone(),
    }
}

fn unreserved(identity: Identity, report: &mut Report) -> Option<Identity> {
    if !identity.id.eq_ignore_ascii_case(RESERVED) {
        return Some(identity);
    }
    let what = format!("{} is the id of the bridge itself", quoted(&identity.id));
    let remedy = format!("give the machine another `id`: {}", keys::ID.written());
    report.mistake(&identity.place, what, remedy);
    None
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// Lower case, with runs of other characters as one `-`. Where letters were lost (`Drucker Süd`, `零件`) a hash of the
/// whole name keeps different names apart.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.to_lowercase().chars() {
        if is_allowed(c) {
            slug.push(c);
        } else if !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_matches('-');
    let lost_letters = name.chars().any(|c| c.is_alphanumeric() && !c.is_ascii());
    if !lost_letters && slug.contains(|c: char| c.is_ascii_alphanumeric()) {
        return slug.to_owned();
    }
    let hash: String = Sha256::digest(name)
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    match slug {
        "" => format!("machine-{hash}"),
        slug => format!("{slug}-{hash}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_readable_and_stable() {
        for (name, id) in [
            ("my_octoprint_machine", "my_octoprint_machine"),
            ("Prusa MK4S #1", "prusa-mk4s-1"),
            ("  (left)  printer ", "left-printer"),
            ("Ender-3.v2", "ender-3.v2"),
            ("零件", "machine-b6be82f9"),
            ("Drucker Süd", "drucker-s-d-03fe7beb"),
            ("###", "machine-56dc6d47"),
        ] {
            assert_eq!(slug(name), id, "{name}");
        }
    }

    #[test]
    fn addresses_make_ids_that_differ_where_the_addresses_do() {
        let place = Place {
            file: std::path::Path::new("config.json").into(),
            position: None,
            path: String::new(),
        };
        for (url, id) in [
            ("http://192.168.1.41:5000/", "192.168.1.41-5000"),
            ("http://octopi.local/", "octopi.local-80"),
            ("https://octopi.local/", "octopi.local-443"),
            ("http://host/octoprint/", "host-80-octoprint"),
            ("http://host/a/b/", "host-80-a-b"),
            ("http://[fe80::1:2]:5000/", "fe80--1-2-5000"),
        ] {
            let url = Url::parse(url).expect("a URL");
            assert_eq!(from_url(&url, &place).id, id, "{url}");
        }
    }
}
