//! The base URL of an OctoPrint, as it must be written and as the rest of the program joins paths to it.

use url::Url;

use super::field::At;
use super::keys;
use super::mistake::{Place, Report, quoted};

/// A URL with http or https, a host, and a path that ends with `/`; nothing else. `None` is reported.
///
/// User name, password and query may hold secrets: a text with any of them is never shown.
pub(super) fn parse(written: &At<String>, report: &mut Report) -> Option<Url> {
    let At { value, place } = written;
    let text = value.trim();
    if text.is_empty() {
        report.mistake(place, "`url` is empty", keys::URL.write_it());
        return None;
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        let remedy = match may_be_shown(text) {
            true => format!("write {}", quoted(&format!("http://{text}"))),
            false => keys::URL.write_it(),
        };
        report.mistake(place, "`url` has no http:// or https:// in front", remedy);
        return None;
    };
    if !["http", "https"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known))
    {
        let what = format!(
            "{} is not a way to reach an OctoPrint",
            quoted(&format!("{scheme}://"))
        );
        report.mistake(
            place,
            what,
            format!("write http:// or https://, as in {}", keys::URL.written()),
        );
        return None;
    }
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(why) => {
            let what = format!("`url` is not a URL: {why}");
            report.mistake(
                place,
                what,
                format!("write it like {}", keys::URL.written()),
            );
            return None;
        }
    };
    if rest.starts_with('/') {
        let what = "`url` has no host after the two slashes";
        report.mistake(
            place,
            what,
            format!("write it like {}", keys::URL.written()),
        );
        return None;
    }
    only_a_base(&url, place, report)
}

fn may_be_shown(text: &str) -> bool {
    !text.contains(['@', '?', '#'])
}

/// Refuses the parts that a base URL must not have; all of them are told at once.
fn only_a_base(url: &Url, place: &Place, report: &mut Report) -> Option<Url> {
    let with_user = !url.username().is_empty() || url.password().is_some();
    if with_user {
        report.mistake(
            place,
            "`url` holds a user name or password, which OctoPrint's API does not use",
            "remove everything up to the @; the API key stands in `authentication_file_path`",
        );
    }
    if url.query().is_some() {
        report.mistake(
            place,
            "`url` holds a query (the part from the ?)",
            "remove it; the API key stands in `authentication_file_path`",
        );
    }
    if url.fragment().is_some() {
        report.mistake(
            place,
            "`url` holds a fragment (the part from the #)",
            "remove it: copy only the address that OctoPrint's page begins with",
        );
    }
    if url.port() == Some(0) {
        report.mistake(
            place,
            "`url` names port 0, which no server can have",
            "write the port of OctoPrint, usually 5000 or 80",
        );
    }
    let is_plain =
        !with_user && url.query().is_none() && url.fragment().is_none() && url.port() != Some(0);
    is_plain.then(|| with_trailing_slash(url.clone()))
}

fn with_trailing_slash(mut url: Url) -> Url {
    let path = format!("{}/", url.path().trim_end_matches('/'));
    url.set_path(&path);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<String> {
        let place = Place {
            file: std::path::Path::new("config.json").into(),
            position: None,
            path: String::new(),
        };
        let value = text.to_owned();
        parse(&At { value, place }, &mut Report::default()).map(String::from)
    }

    #[test]
    fn every_legal_form_ends_with_a_slash() {
        for (text, url) in [
            ("http://192.168.1.41:5000", "http://192.168.1.41:5000/"),
            ("http://octopi.local", "http://octopi.local/"),
            ("HTTPS://octopi.local:443", "https://octopi.local/"),
            ("http://host/octoprint", "http://host/octoprint/"),
            ("http://host/octoprint/", "http://host/octoprint/"),
            ("http://host/a/b//", "http://host/a/b/"),
            ("http://[fe80::1]:5000/x", "http://[fe80::1]:5000/x/"),
            ("  http://host  ", "http://host/"),
        ] {
            assert_eq!(parsed(text).as_deref(), Some(url), "{text}");
        }
    }

    #[test]
    fn joining_appends_to_the_path() {
        let base = parsed("http://host/octoprint").and_then(|url| Url::parse(&url).ok());
        let joined = base.and_then(|base| base.join("api/job").ok());
        assert_eq!(
            joined.map(String::from).as_deref(),
            Some("http://host/octoprint/api/job")
        );
    }

    #[test]
    fn no_other_form_is_taken() {
        for text in [
            "",
            "host",
            "host:5000",
            "http:host",
            "http:/host",
            "http://",
            "http:///host",
            "ftp://host",
            "http://host:0",
            "http://host:99999",
            "http://u@host",
            "http://u:p@host",
            "http://host?x",
            "http://host#x",
            "http://ho st",
            "http://[::1",
            "://host",
        ] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }
}
