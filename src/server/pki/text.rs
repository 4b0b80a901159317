//! What strangers wrote, made fit for a log line and a terminal.

use std::fmt::{Display, Write};

/// More than any real subject has.
const MOST_CHARACTERS: usize = 256;

/// One line without control characters, characters that turn the direction of writing, or an end.
pub(super) fn printable(written: &str) -> String {
    let mut shown = String::new();
    for character in written.chars().take(MOST_CHARACTERS + 1) {
        match character {
            '\\' | '"' | '\'' => shown.push(character),
            _ => shown.extend(character.escape_debug()),
        }
    }
    if shown.chars().nth(MOST_CHARACTERS).is_some() {
        shown = shown.chars().take(MOST_CHARACTERS - 1).collect();
        shown.push('…');
    }
    shown
}

/// The same of something whose own words may fail.
pub(super) fn printed(something: &impl Display) -> String {
    let mut written = String::new();
    match write!(written, "{something}") {
        Ok(()) => printable(&written),
        Err(_) => "(cannot be shown)".to_owned(),
    }
}

/// Lower-case hexadecimal digits.
pub(in crate::server) fn hex(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_cannot_leave_its_line() {
        assert_eq!(printable("CN=Ünï \"x\\, y\""), "CN=Ünï \"x\\, y\"");
        assert_eq!(
            printable("a\n\u{1b}[2J\u{202e}b"),
            "a\\n\\u{1b}[2J\\u{202e}b"
        );
        assert_eq!(printable(&"x".repeat(300)).chars().count(), 256);
        assert_eq!(printable(&"x".repeat(256)), "x".repeat(256));
        assert_eq!(printable(&"\n".repeat(256)).chars().count(), 256);
    }

    #[test]
    fn digits_are_lower_case() {
        assert_eq!(hex(&[0, 0xab]), "00ab");
    }

    proptest! {
        #[test]
        fn what_is_shown_is_short_and_harmless(text in any::<String>()) {
            let shown = printable(&text);
            prop_assert!(shown.chars().count() <= MOST_CHARACTERS);
            prop_assert!(!shown.chars().any(char::is_control));
        }
    }
}
