//! `hash-password`: from a password on standard input to what `password_hash` in the config file wants.

use std::io::{self, BufRead, BufReader, IsTerminal, Read};

use super::{Exit, tell};
use crate::password::{Hash, LONGEST};

/// Why no hash is printed.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("the password is empty")]
    Empty,
    #[error("the password has more than {LONGEST} bytes")]
    TooLong,
    #[error("the password is not UTF-8 text, which OPC UA clients send")]
    NotText,
    #[error("standard input cannot be read: {0}")]
    Unreadable(#[from] io::Error),
}

/// Reads one line from standard input and prints its hash.
///
/// # Errors
/// [`Exit::Data`] if there is no password that can be used; the reason is told on stderr.
pub fn hash_password() -> Result<(), Exit> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        tell(
            &mut io::stderr(),
            "Type the password (it will be seen) and press Enter:",
        );
    }
    let refused = |why: &dyn std::fmt::Display, exit| {
        tell(&mut io::stderr(), &format!("error: {why}"));
        exit
    };
    let password = first_line(stdin.lock()).map_err(|why| refused(&why, Exit::Data))?;
    let hash = Hash::of(&password).map_err(|why| refused(&why, Exit::Unavailable))?;
    tell(&mut io::stdout(), &hash.expose());
    Ok(())
}

/// The first line without its end.
fn first_line(input: impl Read) -> Result<String, Refusal> {
    // Two more bytes: the end of the line.
    let bound = u64::try_from(LONGEST + 2).unwrap_or(u64::MAX);
    let mut line = Vec::new();
    BufReader::new(input.take(bound)).read_until(b'\n', &mut line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    }
    if line.is_empty() {
        return Err(Refusal::Empty);
    }
    if line.len() > LONGEST {
        return Err(Refusal::TooLong);
    }
    String::from_utf8(line).map_err(|_| Refusal::NotText)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &[u8]) -> Result<String, String> {
        first_line(input).map_err(|why| why.to_string())
    }

    #[test]
    fn one_line_is_read_without_its_end() {
        for input in ["hunter2", "hunter2\n", "hunter2\r\n", "hunter2\nmore"] {
            assert_eq!(
                read(input.as_bytes()),
                Ok("hunter2".to_owned()),
                "{input:?}"
            );
        }
        assert_eq!(read(b" spaces stay "), Ok(" spaces stay ".to_owned()));
        let longest = "x".repeat(LONGEST);
        assert_eq!(read(format!("{longest}\r\n").as_bytes()), Ok(longest));
    }

    #[test]
    fn what_cannot_be_a_password_is_refused_in_words() {
        let refused = |input: &[u8]| read(input).unwrap_err();
        assert_eq!(refused(b""), "the password is empty");
        assert_eq!(refused(b"\r\n"), "the password is empty");
        let long = "x".repeat(LONGEST + 1);
        assert_eq!(
            refused(long.as_bytes()),
            "the password has more than 1024 bytes"
        );
        assert!(refused(b"\xff\xfe\n").starts_with("the password is not UTF-8"));
    }
}
