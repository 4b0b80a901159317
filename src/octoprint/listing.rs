//! When to read the list of files again, and whether it differs from what was told.
//!
//! OctoPrint does one thing at a time: a list of 500 files keeps a Raspberry Pi for seconds, in which it feeds no
//! printer. So the list may take a hundredth of its time at most, and a list that has not changed is not sent again.

use std::fmt::{self, Write};
use std::hash::{DefaultHasher, Hasher};
use std::time::Duration;

use reqwest::header::HeaderValue;
use tokio::time::Instant;

use crate::machine::PrintableFile;

/// What is known of a server's list. Only its digest is kept: the model holds the list itself.
#[derive(Debug, Default)]
pub(super) struct Listing {
    due: Due,
    /// Of the list as it was last read.
    pub(super) tag: Option<HeaderValue>,
    told: Option<u64>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Due {
    #[default]
    AtOnce,
    At(Instant),
    /// Not before the connection or the key is another one.
    Never,
}

/// Whether what was read has to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Novelty {
    New,
    Known,
}

impl Listing {
    /// The server may be another one now, or the key have other rights.
    pub(super) fn reconnected(&mut self) {
        self.due = Due::AtOnce;
        self.tag = None;
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        match self.due {
            Due::AtOnce => true,
            Due::At(at) => now >= at,
            Due::Never => false,
        }
    }

    /// It was asked for, at `asked`; `took` is until the answer, or until there was none.
    pub(super) fn asked(&mut self, asked: Instant, took: Duration, interval: Duration) {
        self.due = Due::At(asked + interval.max(took * 100));
    }

    /// The key may not list files, or there is no such list.
    pub(super) fn close(&mut self) {
        self.due = Due::Never;
    }

    /// Compares with what was told before, and takes `files` for told.
    pub(super) fn compare(&mut self, files: &[PrintableFile]) -> Novelty {
        let digest = Some(digest(files));
        if self.told == digest {
            return Novelty::Known;
        }
        self.told = digest;
        Novelty::New
    }

    pub(super) fn was_told(&self) -> bool {
        self.told.is_some()
    }
}

fn digest(files: &[PrintableFile]) -> u64 {
    let mut digest = Digest(DefaultHasher::new());
    // Hashing cannot fail.
    let _ = write!(digest, "{files:?}");
    digest.0.finish()
}

struct Digest(DefaultHasher);

impl Write for Digest {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_list_is_read_seldom() {
        let now = Instant::now();
        let minute = Duration::from_secs(60);
        let due = |took| {
            let mut listing = Listing::default();
            assert!(listing.is_due(now));
            listing.asked(now, took, minute);
            move |after: u64| listing.is_due(now + Duration::from_secs(after))
        };
        let quick = due(Duration::from_millis(180));
        assert!(!quick(59) && quick(60));
        let slow = due(Duration::from_secs(4));
        assert!(!slow(399) && slow(400));
    }

    #[test]
    fn a_closed_list_opens_with_the_next_connection() {
        let mut listing = Listing::default();
        listing.close();
        assert!(!listing.is_due(Instant::now() + Duration::from_secs(1 << 20)));
        listing.reconnected();
        assert!(listing.is_due(Instant::now()));
    }

    #[test]
    fn the_same_list_is_told_once() {
        let mut listing = Listing::default();
        assert!(!listing.was_told());
        assert_eq!(listing.compare(&[]), Novelty::New);
        assert_eq!(listing.compare(&[]), Novelty::Known);
        assert!(listing.was_told());
        listing.reconnected();
        assert_eq!(listing.compare(&[]), Novelty::Known);
    }
}
