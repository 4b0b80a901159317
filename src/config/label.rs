//! Texts that end up in names and attributes of nodes, and hexadecimal fingerprints.

use super::field::{At, Field};
use super::keys::Key;
use super::mistake::{Place, Report};

/// Far below the 4096 characters that OPC 10000-3 §8.2.4 allows a NodeId, of which a name can become a part.
const LONGEST: usize = 256;

/// An optional text, trimmed. Empty means not given, as exported files like to write it.
pub(super) fn optional(key: Key, field: Field<String>, report: &mut Report) -> Option<At<String>> {
    let At { value, place } = field.given()?;
    let value = value.trim();
    if value.is_empty() {
        let what = format!("`{}` is empty and counts as not given", key.name);
        report.warning(&place, what, format!("remove it, or {}", key.write_it()));
        return None;
    }
    if value.chars().any(char::is_control) {
        let what = format!("`{}` holds a control character or a line break", key.name);
        report.mistake(&place, what, "write it in one line of plain text");
        return None;
    }
    let length = value.chars().count();
    if length > LONGEST {
        let what = format!("`{}` has {length} characters", key.name);
        report.mistake(
            &place,
            what,
            format!("shorten it to at most {LONGEST} characters"),
        );
        return None;
    }
    Some(At {
        value: value.to_owned(),
        place,
    })
}

/// The same for a text that must be there. `None` is reported.
pub(super) fn required(
    key: Key,
    field: Field<String>,
    owner: &Place,
    report: &mut Report,
) -> Option<At<String>> {
    let At { value, place } = field.required(key, owner, report)?;
    if value.trim().is_empty() {
        report.mistake(&place, format!("`{}` is empty", key.name), key.write_it());
        return None;
    }
    optional(key, Field::Given(At { value, place }), report)
}

/// A SHA-256 value: 64 hexadecimal digits, colons between them allowed.
pub(super) fn sha256(key: Key, text: &At<String>, report: &mut Report) -> Option<[u8; 32]> {
    let digits: String = text.value.trim().chars().filter(|&c| c != ':').collect();
    let bytes = decode_hex(&digits);
    if bytes.is_none() {
        let what = format!("`{}` is not a SHA-256 value", key.name);
        report.mistake(
            &text.place,
            what,
            "write its 64 hexadecimal digits, with or without colons: \
             openssl x509 -in certificate.pem -noout -fingerprint -sha256",
        );
    }
    bytes
}

fn decode_hex(digits: &str) -> Option<[u8; 32]> {
    let nibbles: Option<Vec<u8>> = digits
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let bytes: Vec<u8> = nibbles?
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, n| byte << 4 | n))
        .collect();
    (digits.len() == 64).then_some(())?;
    bytes.try_into().ok()
}
