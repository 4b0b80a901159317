//! Bytes before they are certificates: DER values one after the other, and DER in PEM (RFC 7468).
//!
//! A signature is over the bytes as they came, so these are cut out and never encoded again.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// SEQUENCE, constructed (X.690 §8.9).
pub(super) const SEQUENCE: u8 = 0x30;

/// One value: what was cut off the front of some bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value<'a> {
    pub tag: u8,
    /// Header and content.
    pub whole: &'a [u8],
    pub content: &'a [u8],
}

/// The first value of `bytes` and what follows it; `None` if there is no whole one.
pub(super) fn first(bytes: &[u8]) -> Option<(Value<'_>, &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&short, rest) = rest.split_first()?;
    let (length, rest) = match short {
        0..=0x7f => (usize::from(short), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(short & 0x7f))?;
            let length = digits.iter().try_fold(0_usize, |length, &digit| {
                length.checked_mul(256)?.checked_add(usize::from(digit))
            });
            (length?, rest)
        }
        _ => return None,
    };
    let (content, after) = rest.split_at_checked(length)?;
    let whole = bytes.get(..bytes.len() - after.len())?;
    let value = Value {
        tag,
        whole,
        content,
    };
    Some((value, after))
}

/// The two parts of what X.509 calls SIGNED: what is signed, as it came, and the content of the algorithm.
pub(super) fn signed(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (outer, _) = first(bytes)?;
    let (signed, rest) = first(outer.content)?;
    let (algorithm, _) = first(rest)?;
    Some((signed.whole, algorithm.content))
}

/// What stands between the lines `-----BEGIN <label>-----` and `-----END <label>-----`, as often as they come; `None`
/// if one of them cannot be read.
pub(super) fn from_pem(text: &str, label: &str) -> Option<Vec<Vec<u8>>> {
    let (begin, end) = (
        format!("-----BEGIN {label}-----"),
        format!("-----END {label}-----"),
    );
    let blocks = text.split(begin.as_str()).skip(1);
    let blocks = blocks.map(|block| {
        let (base64, _) = block.split_once(end.as_str())?;
        let base64: String = base64.split_whitespace().collect();
        STANDARD.decode(base64).ok()
    });
    blocks.collect()
}

/// Whether the bytes are PEM of some kind, with or without words before it.
pub(super) fn pem_text(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    text.contains("-----BEGIN ").then_some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_cut_at_their_length() {
        let (value, rest) = first(&[0x30, 2, 5, 0, 0x02]).unwrap();
        assert_eq!(
            (value.tag, value.content, rest),
            (0x30, &[5, 0][..], &[2][..])
        );
        let mut long = vec![0x04, 0x82, 1, 0];
        long.extend([7; 256]);
        let (value, rest) = first(&long).unwrap();
        assert_eq!((value.content.len(), value.whole.len()), (256, 260));
        assert!(rest.is_empty());
        for bad in [
            &[][..],
            &[0x30],
            &[0x30, 3, 1],
            &[0x30, 0x80, 0, 0],
            &[0x30, 0x85, 0, 0, 0, 0, 0],
        ] {
            assert!(first(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn pem_is_read_with_words_around_it() {
        let text = "Subject: x\r\n-----BEGIN CERTIFICATE-----\r\nAQ\r\nID\r\n-----END CERTIFICATE-----\n\
                    -----BEGIN X509 CRL-----\nBA==\n-----END X509 CRL-----\n";
        assert_eq!(from_pem(text, "CERTIFICATE"), Some(vec![vec![1, 2, 3]]));
        assert_eq!(from_pem(text, "X509 CRL"), Some(vec![vec![4]]));
        assert_eq!(from_pem("-----BEGIN A-----\n*\n-----END A-----", "A"), None);
        assert_eq!(from_pem("-----BEGIN A-----\nAQID\n", "A"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Some((value, rest)) = first(&bytes) {
                prop_assert_eq!(value.whole.len() + rest.len(), bytes.len());
            }
            signed(&bytes);
        }
    }
}
