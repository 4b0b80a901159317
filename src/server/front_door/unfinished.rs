//! Sessions that are created over encrypted channels and never activated: the library keeps each for its timeout, and
//! has a table of bounded size. So nobody may begin too many that they do not finish.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::bucket::Bucket;
use super::crowd::Origin;

/// What may be begun at once; a login gives it back.
const AT_ONCE: u32 = 20;
/// After this long one more may be begun. With the longest timeout of a session, 10 minutes, the library holds at
/// most 50 unfinished ones of one applicant.
const PERIOD: Duration = Duration::from_secs(20);

/// Who answers for a session before somebody has logged in to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Applicant {
    /// The thumbprint of an application's certificate.
    Certificate([u8; 32]),
    /// Where every certificate is accepted, on other computers.
    Origin(Origin),
}

/// Who has begun what.
#[derive(Debug, Default)]
pub(super) struct Unfinished(HashMap<Applicant, Bucket>);

impl Unfinished {
    /// A session may be created. `false`: it is one too many.
    pub(super) fn begin(&mut self, who: Applicant, now: Instant) -> bool {
        // Who has a full bucket is as good as unknown.
        self.0.retain(|_, bucket| !bucket.is_full(now));
        let bucket = self
            .0
            .entry(who)
            .or_insert_with(|| Bucket::full(AT_ONCE, PERIOD, now));
        bucket.take(now).is_ok()
    }

    /// Whether [`Self::begin`] would succeed.
    pub(super) fn may_begin(&self, who: &Applicant, now: Instant) -> bool {
        self.0.get(who).is_none_or(|bucket| bucket.has_one(now))
    }

    /// Somebody has logged in.
    pub(super) fn finish(&mut self, who: Applicant, now: Instant) {
        if let Some(bucket) = self.0.get_mut(&who) {
            bucket.give_back(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MES: Applicant = Applicant::Certificate([1; 32]);
    const OTHER: Applicant = Applicant::Certificate([2; 32]);

    #[test]
    fn who_never_finishes_has_to_wait_and_nobody_else() {
        let (mut unfinished, now) = (Unfinished::default(), Instant::now());
        for _ in 0..AT_ONCE {
            assert!(unfinished.begin(MES, now));
        }
        assert!(!unfinished.may_begin(&MES, now));
        assert!(!unfinished.begin(MES, now));
        assert!(unfinished.begin(OTHER, now));
        assert!(unfinished.begin(MES, now + PERIOD));
    }

    #[test]
    fn who_finishes_may_begin_as_often_as_they_like() {
        let (mut unfinished, now) = (Unfinished::default(), Instant::now());
        for _ in 0..10 * AT_ONCE {
            assert!(unfinished.begin(MES, now));
            unfinished.finish(MES, now);
        }
    }

    #[test]
    fn who_is_not_heard_of_any_more_is_forgotten() {
        let (mut unfinished, now) = (Unfinished::default(), Instant::now());
        unfinished.begin(MES, now);
        unfinished.begin(OTHER, now + PERIOD);
        assert_eq!(unfinished.0.len(), 1);
    }
}
