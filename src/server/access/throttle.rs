//! Wrong passwords are slowed: the more of them, the longer the next one waits.
//!
//! Counted by user and by address, and the longer of the two waits counts: so neither one password tried on many
//! users nor many tried on one from everywhere are quick. Nobody is locked out, the longest wait is [`LONGEST`], and
//! other users at other addresses wait for nothing.
//!
//! Always holds: an attempt counts as wrong from its beginning until it proves right, so attempts side by side are
//! not cheaper than one by one; the memory is bounded.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// Wrong passwords without a wait: people mistype.
const FREE: u32 = 3;
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);
/// After so long without an attempt all is forgotten.
const MEMORY: Duration = Duration::from_secs(15 * 60);
/// Users and addresses, each, that are remembered at a time.
const MOST: usize = 4096;
/// Characters of a user name that count; no configured name is longer.
const LONGEST_NAME: usize = 256;

/// What is remembered of failed logins. Time is passed in.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    users: Memory<String>,
    addresses: Memory<IpAddr>,
}

impl Throttle {
    /// Somebody sends a password: how long to wait before it is looked at.
    pub(super) fn attempt(
        &mut self,
        user: &str,
        address: Option<IpAddr>,
        now: Instant,
    ) -> Duration {
        let by_user = self.users.note(name(user), now);
        let by_address = address.map(|it| self.addresses.note(network(it), now));
        by_user.max(by_address.unwrap_or_default())
    }

    /// The password was right.
    pub(super) fn succeeded(&mut self, user: &str, address: Option<IpAddr>) {
        self.users.0.remove(&name(user));
        if let Some(address) = address {
            self.addresses.0.remove(&network(address));
        }
    }
}

fn name(user: &str) -> String {
    user.chars().take(LONGEST_NAME).collect()
}

/// Whoever has an IPv6 address has the 2^64 of its network.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6) >> 64 << 64).into(),
        v4 => v4,
    }
}

#[derive(Debug)]
struct Memory<K>(HashMap<K, Failures>);

impl<K> Default for Memory<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

impl<K: Hash + Eq + Clone> Memory<K> {
    /// Counts a failure and tells how long it has to wait because of those before.
    fn note(&mut self, key: K, now: Instant) -> Duration {
        if !self.0.contains_key(&key) && self.0.len() >= MOST {
            self.make_room(now);
        }
        let known = self.0.entry(key).or_insert(Failures {
            count: 0,
            last: now,
        });
        if known.is_forgotten(now) {
            known.count = 0;
        }
        let wait = wait_after(known.count);
        known.count = known.count.saturating_add(1);
        known.last = now;
        wait
    }

    /// Whoever invents names must not push out the one whose password is being guessed: the fewest failures go first.
    fn make_room(&mut self, now: Instant) {
        self.0.retain(|_, known| !known.is_forgotten(now));
        if self.0.len() < MOST {
            return;
        }
        let least = self.0.iter().min_by_key(|(_, it)| (it.count, it.last));
        if let Some(key) = least.map(|(key, _)| key.clone()) {
            self.0.remove(&key);
        }
    }
}

impl Failures {
    fn is_forgotten(self, now: Instant) -> bool {
        now.saturating_duration_since(self.last) >= MEMORY
    }
}

/// 0.1 s after the third failure, and twice as long with each further one.
fn wait_after(failures: u32) -> Duration {
    match failures.checked_sub(FREE) {
        None => Duration::ZERO,
        Some(more) => SHORTEST
            .saturating_mul(2_u32.saturating_pow(more))
            .min(LONGEST),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn here() -> Option<IpAddr> {
        "192.0.2.1".parse().ok()
    }

    fn there() -> Option<IpAddr> {
        "192.0.2.2".parse().ok()
    }

    /// The waits of so many attempts on one user from one address, in milliseconds.
    fn waits(throttle: &mut Throttle, user: &str, from: Option<IpAddr>, count: usize) -> Vec<u128> {
        let now = Instant::now();
        (0..count)
            .map(|_| throttle.attempt(user, from, now).as_millis())
            .collect()
    }

    #[test]
    fn the_wait_grows_after_the_third_failure_up_to_five_seconds() {
        let waits = waits(&mut Throttle::default(), "mes1", here(), 12);
        let expected = [0, 0, 0, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000];
        assert_eq!(waits, expected);
    }

    #[test]
    fn other_users_elsewhere_do_not_wait() {
        let mut throttle = Throttle::default();
        waits(&mut throttle, "mes1", here(), 20);
        assert_eq!(waits(&mut throttle, "mes2", there(), 3), [0, 0, 0]);
    }

    #[test]
    fn a_user_is_guessed_slowly_from_anywhere_and_an_address_guesses_slowly_at_anyone() {
        let mut throttle = Throttle::default();
        waits(&mut throttle, "mes1", here(), 20);
        assert_eq!(waits(&mut throttle, "mes1", there(), 1), [5000]);
        assert_eq!(waits(&mut throttle, "mes2", here(), 1), [5000]);
        assert_eq!(waits(&mut throttle, "mes2", None, 1), [0]);
    }

    #[test]
    fn success_resets_and_time_heals() {
        let mut throttle = Throttle::default();
        waits(&mut throttle, "mes1", here(), 20);
        throttle.succeeded("mes1", here());
        assert_eq!(waits(&mut throttle, "mes1", here(), 3), [0, 0, 0]);

        waits(&mut throttle, "mes1", here(), 20);
        let later = Instant::now() + MEMORY;
        let wait = throttle.attempt("mes1", here(), later);
        assert_eq!(wait, Duration::ZERO);
    }

    #[test]
    fn one_network_of_ipv6_is_one_address() {
        let mut throttle = Throttle::default();
        let address = |n: u16| Some(IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, n]));
        for n in 0..20 {
            waits(&mut throttle, &format!("user{n}"), address(n), 1);
        }
        assert_eq!(waits(&mut throttle, "mes1", address(99), 1), [5000]);
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
        waits(&mut throttle, "x", Some(mapped), 20);
        assert_eq!(waits(&mut throttle, "mes2", here(), 1), [5000]);
    }

    #[test]
    fn invented_names_do_not_make_a_guessed_one_forgotten() {
        let mut throttle = Throttle::default();
        waits(&mut throttle, "mes1", here(), 20);
        let now = Instant::now();
        for n in 0..2 * MOST {
            throttle.attempt(&format!("invented {n}"), None, now);
        }
        assert_eq!(throttle.users.0.len(), MOST);
        assert_eq!(waits(&mut throttle, "mes1", None, 1), [5000]);
        throttle.attempt(&"x".repeat(1 << 20), None, now);
        assert!(throttle.users.0.keys().all(|name| name.len() <= 1024));
    }

    proptest! {
        #[test]
        fn a_wait_never_shrinks_while_failures_follow_each_other(gaps in prop::collection::vec(0..800_u64, 1..40)) {
            let mut throttle = Throttle::default();
            let mut now = Instant::now();
            let mut before = Duration::ZERO;
            for gap in gaps {
                now += Duration::from_secs(gap);
                let wait = throttle.attempt("mes1", here(), now);
                prop_assert!((before..=LONGEST).contains(&wait));
                before = wait;
            }
        }
    }
}
