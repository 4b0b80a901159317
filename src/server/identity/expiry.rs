//! When the certificate ends, told early enough to bring a new one to every client.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::server::journal;

/// Time to have a new certificate accepted at every client.
const EARLY: TimeDelta = TimeDelta::days(30);
const DAILY: Duration = Duration::from_secs(24 * 60 * 60);

/// The end of the certificate that is served.
#[derive(Debug, Clone)]
pub struct Expiry {
    pub(super) certificate: PathBuf,
    pub(super) not_after: DateTime<Utc>,
}

/// What there is to tell about it.
#[derive(Debug, PartialEq, Eq)]
enum Notice {
    Nothing,
    /// In so many whole days.
    Soon(i64),
    /// It is served all the same: a client that looks at the date refuses it, and one that does not would be lost
    /// without reason.
    Expired,
}

impl Expiry {
    /// Warns at once and then daily, from 30 days before the end on. Never ends.
    pub async fn watch(self) {
        let mut tick = tokio::time::interval(DAILY);
        loop {
            tick.tick().await;
            match self.notice(Utc::now()) {
                Notice::Nothing => {}
                Notice::Soon(days) => journal::certificate_expires(&self.certificate, days),
                Notice::Expired => journal::certificate_expired(&self.certificate),
            }
        }
    }

    fn notice(&self, now: DateTime<Utc>) -> Notice {
        let left = self.not_after - now;
        if left < TimeDelta::zero() {
            Notice::Expired
        } else if left <= EARLY {
            Notice::Soon(left.num_days())
        } else {
            Notice::Nothing
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warning_begins_thirty_days_before_the_end() {
        let not_after = DateTime::from_timestamp(2_000_000_000, 0).unwrap();
        let expiry = Expiry {
            certificate: PathBuf::new(),
            not_after,
        };
        let at = |days| expiry.notice(not_after - TimeDelta::days(days));
        assert_eq!(at(31), Notice::Nothing);
        assert_eq!(at(30), Notice::Soon(30));
        assert_eq!(at(0), Notice::Soon(0));
        assert_eq!(at(-1), Notice::Expired);
    }
}
