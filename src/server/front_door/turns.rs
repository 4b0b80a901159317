//! Who goes next where something is dear. A connection that the library meets takes a processor for half a millisecond
//! and more: it has two sockets, and the library reads its key anew for each. A certificate takes several.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::bucket::Bucket;
use super::crowd::Origin;

/// Connections of one computer of the network that are listened to at once, and how soon another is: whoever is refused
/// and comes again at once is no faster, and takes 3 % of one processor.
const GREETINGS: u32 = 100;
const GREETING_EVERY: Duration = Duration::from_millis(5);
/// Connections of one computer that the library meets at once, and how soon it meets another: they take 3 to 6 % of
/// one processor.
const MEETINGS: u32 = 50;
const MEETING_EVERY: Duration = Duration::from_millis(20);
/// The same of this computer, from which many may come, through a proxy: 6 to 12 %.
const MEETINGS_HERE: u32 = 200;
const MEETING_HERE_EVERY: Duration = Duration::from_millis(10);

/// A queue before a bucket: whoever came first goes first. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Turns(Arc<tokio::sync::Mutex<Bucket>>);

impl Turns {
    pub(super) fn new(at_once: u32, every: Duration) -> Self {
        let bucket = Bucket::full(at_once, every, Instant::now());
        Self(Arc::new(tokio::sync::Mutex::new(bucket)))
    }

    /// Waits until it is one's turn. Who does not wait any more is not waited for.
    pub(super) async fn next(&self) {
        let mut bucket = self.0.lock().await;
        while let Err(wait) = bucket.take(Instant::now()) {
            tokio::time::sleep(wait).await;
        }
    }

    /// Whether nobody waits, and nobody had to for a while.
    fn is_idle(&self, now: Instant) -> bool {
        let alone = Arc::strong_count(&self.0) == 1;
        alone && self.0.try_lock().is_ok_and(|bucket| bucket.is_full(now))
    }
}

/// A queue for each computer: those of one wait for one another only.
#[derive(Debug)]
pub(super) struct Queues {
    /// How many go at once, and how soon there may be another.
    pace: fn(Origin) -> (u32, Duration),
    origins: Mutex<HashMap<Origin, Turns>>,
}

impl Queues {
    /// For the first bytes of connections from the network. This computer must not wait for those who say nothing.
    pub(super) fn greetings() -> Self {
        Self::new(|_| (GREETINGS, GREETING_EVERY))
    }

    /// For connections that are introduced to the library.
    pub(super) fn meetings() -> Self {
        Self::new(|origin| {
            if origin.is_this_computer() {
                (MEETINGS_HERE, MEETING_HERE_EVERY)
            } else {
                (MEETINGS, MEETING_EVERY)
            }
        })
    }

    fn new(pace: fn(Origin) -> (u32, Duration)) -> Self {
        Self {
            pace,
            origins: Mutex::default(),
        }
    }

    pub(super) async fn next(&self, origin: Origin) {
        let turns = self.of(origin, Instant::now());
        turns.next().await;
    }

    fn of(&self, origin: Origin, now: Instant) -> Turns {
        let mut origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        // Of whom nothing was heard for a while it is as if nothing had ever been.
        origins.retain(|_, turns| !turns.is_idle(now));
        let turns = origins.entry(origin).or_insert_with(|| {
            let (at_once, every) = (self.pace)(origin);
            Turns::new(at_once, every)
        });
        turns.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use futures_util::FutureExt;

    use super::*;

    fn origin(n: u8) -> Origin {
        Origin::of(IpAddr::from([192, 0, 2, n]))
    }

    /// Takes all the turns that there are at once.
    async fn exhaust(meetings: &Queues, origin: Origin) {
        for _ in 0..10 * MEETINGS_HERE {
            if meetings.next(origin).now_or_never().is_none() {
                return;
            }
        }
        panic!("there is no end to them");
    }

    #[tokio::test]
    async fn one_computer_waits_and_no_other() {
        let meetings = Queues::meetings();
        exhaust(&meetings, origin(1)).await;
        assert!(meetings.next(origin(2)).now_or_never().is_some());
        meetings.next(origin(1)).await;
    }

    #[tokio::test]
    async fn who_gives_up_holds_up_nobody() {
        let meetings = Queues::meetings();
        exhaust(&meetings, origin(1)).await;
        let turns = meetings.of(origin(1), Instant::now());
        for _ in 0..1000 {
            let _given_up = turns.next().now_or_never();
        }
        turns.next().await;
    }

    #[tokio::test]
    async fn who_is_not_heard_of_any_more_is_forgotten() {
        let meetings = Queues::meetings();
        meetings.next(origin(1)).await;
        meetings.of(origin(2), Instant::now() + MEETING_EVERY);
        assert_eq!(meetings.origins.lock().unwrap().len(), 1);
    }
}
