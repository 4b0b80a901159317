//! How many connections there may be, and which one goes when there are too many.
//!
//! A connection without a login is a *stranger*. Strangers are few, and the next one takes the place of the oldest of
//! the crowd that has the most: who floods the port drives out their own. Who has logged in keeps their place.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use super::super::limits;

/// The computers that are counted as one: an IPv6 host has a whole /64 to itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Origin(IpAddr);

impl Origin {
    pub(super) fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) if !address.is_loopback() => {
                let [a, b, c, d, ..] = address.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
            address => address,
        })
    }

    /// Gateways on this computer, and everybody whom a proxy lets in, come from here.
    pub(super) fn is_this_computer(self) -> bool {
        self.0.is_loopback()
    }
}

/// One connection, in the order in which they came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    pub id: u64,
    pub origin: Origin,
    pub is_stranger: bool,
    /// It is being ended, and its place will be free in a moment.
    pub is_going: bool,
}

/// What is done about a new connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Admit,
    /// This one has to go for it.
    Replace(u64),
    Refuse,
}

/// How many there may be. `most` in all, which the open files of the process bound.
pub(super) fn judge(members: &[Member], newcomer: Origin, most: usize) -> Verdict {
    let staying = || members.iter().filter(|it| !it.is_going);
    // Those that are going still cost something.
    if members.len() >= most + limits::MAX_CONNECTIONS_GOING {
        return Verdict::Refuse;
    }
    if !newcomer.is_this_computer() {
        let siblings = || staying().filter(|it| it.origin == newcomer);
        let mut strangers = siblings().filter(|it| it.is_stranger);
        let is_crowded = siblings().count() >= limits::MAX_CONNECTIONS_OF_ONE_ADDRESS;
        if is_crowded || strangers.clone().count() >= limits::MAX_STRANGERS_OF_ONE_ADDRESS {
            return strangers
                .next()
                .map_or(Verdict::Refuse, |oldest| Verdict::Replace(oldest.id));
        }
    }
    let strangers = || staying().filter(|it| it.is_stranger);
    let is_full = staying().count() >= most;
    if !is_full && strangers().count() < limits::MAX_STRANGERS.min(most / 2) {
        return Verdict::Admit;
    }
    let mut crowds: HashMap<Origin, (usize, u64)> = HashMap::new();
    for stranger in strangers() {
        crowds.entry(stranger.origin).or_insert((0, stranger.id)).0 += 1;
    }
    let largest = crowds
        .into_values()
        .max_by_key(|(size, oldest)| (*size, u64::MAX - oldest));
    largest.map_or(Verdict::Refuse, |(_, oldest)| Verdict::Replace(oldest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(n: u8) -> Origin {
        Origin::of(IpAddr::from([192, 0, 2, n]))
    }

    fn member(id: usize, origin: Origin, is_stranger: bool) -> Member {
        Member {
            id: id as u64,
            origin,
            is_stranger,
            is_going: false,
        }
    }

    fn strangers(count: usize, from: impl Fn(usize) -> Origin) -> Vec<Member> {
        (0..count).map(|n| member(n, from(n), true)).collect()
    }

    #[test]
    fn who_floods_drives_out_their_own() {
        let most = limits::MAX_CONNECTIONS;
        // 3 of one, and all others of as many computers.
        let mut members = strangers(limits::MAX_STRANGERS, |n| origin((n % 200) as u8));
        for n in [7, 9, 11] {
            members[n].origin = origin(250);
        }
        assert_eq!(judge(&members, origin(251), most), Verdict::Replace(7));
        members[7].is_going = true;
        assert_eq!(judge(&members, origin(251), most), Verdict::Admit);
    }

    #[test]
    fn one_computer_has_its_bounds() {
        let most = limits::MAX_CONNECTIONS;
        let mut members = strangers(limits::MAX_STRANGERS_OF_ONE_ADDRESS, |_| origin(1));
        assert_eq!(judge(&members, origin(1), most), Verdict::Replace(0));
        assert_eq!(judge(&members, origin(2), most), Verdict::Admit);
        members = (0..limits::MAX_CONNECTIONS_OF_ONE_ADDRESS)
            .map(|n| member(n, origin(1), false))
            .collect();
        assert_eq!(judge(&members, origin(1), most), Verdict::Refuse);
        let here = Origin::of(IpAddr::from([127, 0, 0, 1]));
        members.iter_mut().for_each(|it| it.origin = here);
        assert_eq!(judge(&members, here, most), Verdict::Admit);
    }

    #[test]
    fn who_has_logged_in_keeps_their_place() {
        let most = limits::MAX_CONNECTIONS;
        let mut members: Vec<_> = (0..most)
            .map(|n| member(n, origin((n % 200) as u8), false))
            .collect();
        assert_eq!(judge(&members, origin(250), most), Verdict::Refuse);
        members[33].is_stranger = true;
        assert_eq!(judge(&members, origin(250), most), Verdict::Replace(33));
    }

    #[test]
    fn what_is_going_is_bounded_too() {
        let most = limits::MAX_CONNECTIONS;
        let mut members = strangers(most + limits::MAX_CONNECTIONS_GOING, |_| origin(1));
        members.iter_mut().for_each(|it| it.is_going = true);
        assert_eq!(judge(&members, origin(2), most), Verdict::Refuse);
    }

    #[test]
    fn a_host_of_ipv6_is_one_computer() {
        let of = |text: &str| Origin::of(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert!(of("::1").is_this_computer());
    }
}
