//! The API key: goes into one request header and nowhere else.

use std::fmt;

use reqwest::header::HeaderValue;

/// An OctoPrint API key. It has no way out but the request header, and does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(HeaderValue);

/// Why a text cannot be an API key. Does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    #[error("the API key is empty")]
    Empty,
    #[error(
        "the API key holds characters other than printable ASCII (a space, a line break, a quotation mark?)"
    )]
    NotPrintable,
}

impl ApiKey {
    /// Takes the key as OctoPrint shows it.
    ///
    /// # Errors
    /// If it is empty, or could not be sent as a header.
    pub fn new(key: &str) -> Result<Self, InvalidKey> {
        if key.is_empty() {
            return Err(InvalidKey::Empty);
        }
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidKey::NotPrintable);
        }
        let mut value = HeaderValue::from_str(key).map_err(|_| InvalidKey::NotPrintable)?;
        value.set_sensitive(true);
        Ok(Self(value))
    }

    pub(super) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "A0A00B123E454H122BD513FE58B5E9BC";

    #[test]
    fn a_key_does_not_print() {
        let key = ApiKey::new(KEY).unwrap();
        assert_eq!(format!("{key:?}"), "ApiKey(hidden)");
        assert_eq!(format!("{:?}", key.header()), "Sensitive");
    }

    #[test]
    fn what_cannot_be_sent_is_refused_without_repeating_it() {
        assert_eq!(ApiKey::new(""), Err(InvalidKey::Empty));
        for bad in ["key\nkey", "a key", "schlüssel", "nul\0"] {
            let error = ApiKey::new(bad).unwrap_err();
            assert_eq!(error, InvalidKey::NotPrintable);
            assert!(!error.to_string().contains(bad));
        }
    }
}
