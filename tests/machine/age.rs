//! How old the knowledge of a machine is, and the instants at which only time changes it.

use std::time::Duration;

use umati_bridge::machine::{
    Freshness, KeyRejection, Link, Observation, PrinterState, Software, Timestamp,
};

use super::bench::*;

#[test]
fn a_machine_waits_until_the_first_report() {
    let mut bench = Bench::new();
    assert_eq!(bench.machine.freshness(bench.now), Freshness::Waiting);
    bench.lose_link();
    bench.wait(3600);
    assert_eq!(bench.machine.freshness(bench.now), Freshness::Waiting);
    assert_eq!(bench.machine.next_deadline(bench.now), None);
    assert_eq!(bench.machine.printer_state(), None);
    assert!(!bench.machine.is_printer_connected());

    bench.see(ready());
    assert_eq!(bench.machine.freshness(bench.now), Freshness::Live);
    assert_eq!(bench.machine.link, Link::Up { since: bench.now });
    assert!(bench.machine.is_printer_connected());
}

#[test]
fn values_of_a_lost_link_are_stale_and_then_lost() {
    let mut bench = Bench::ready();
    assert_eq!(bench.machine.next_deadline(bench.now), None);
    bench.lose_link();
    let lost_at = bench.now + STALE_AFTER;
    assert_eq!(bench.machine.next_deadline(bench.now), Some(lost_at));
    let just_before = lost_at - Duration::from_nanos(1);
    assert_eq!(bench.machine.freshness(just_before), Freshness::Stale);
    assert_eq!(bench.machine.freshness(lost_at), Freshness::Lost);
    assert_eq!(bench.machine.next_deadline(lost_at), None);

    bench.machine.tick(lost_at);
    assert_eq!(
        bench.machine.freshness(bench.now),
        Freshness::Lost,
        "a clock that is set back does not revive values"
    );

    bench.wait(100).see(ready());
    assert_eq!(bench.machine.freshness(bench.now), Freshness::Live);
}

#[test]
fn the_age_counts_from_the_loss_of_the_link_whatever_the_reasons_in_turn() {
    let mut bench = Bench::ready();
    bench.lose_link();
    let down = bench.now;
    bench.lose_link();
    assert!(matches!(bench.machine.link, Link::Unreachable { since, .. } if since == down));
    bench.observe(Observation::KeyRejected(KeyRejection::Unknown));
    let rejected = bench.now;
    bench.observe(Observation::KeyRejected(KeyRejection::Unexplained {
        status: 401,
    }));
    assert_eq!(
        bench.machine.link,
        Link::KeyRejected {
            since: rejected,
            why: KeyRejection::Unexplained { status: 401 }
        }
    );
    assert_eq!(
        bench.machine.next_deadline(bench.now),
        Some(down + STALE_AFTER)
    );
}

#[test]
fn patience_without_end_has_no_reachable_deadline() {
    let mut bench = Bench::ready();
    bench.machine.patience.stale_after = Duration::MAX;
    bench.lose_link();
    assert_eq!(
        bench.machine.next_deadline(bench.now),
        Some(Timestamp::MAX_UTC)
    );
}

#[test]
fn a_state_has_an_age() {
    let mut bench = Bench::ready();
    let since = bench.now;
    bench.see(selected("a.gcode"));
    assert_eq!(bench.machine.state_since, Some(since));
    bench.lose_link();
    bench.see(ready());
    assert_eq!(bench.machine.state_since, Some(since));
    bench.see(state(PrinterState::Offline));
    assert_eq!(bench.machine.state_since, Some(bench.now));
}

#[test]
fn slow_facts_are_kept_and_say_nothing_of_the_link() {
    let mut bench = Bench::new();
    let software = Software {
        server: Some("1.11.8".into()),
        ..Software::default()
    };
    let before = bench.machine.link.clone();
    assert_eq!(bench.observe(Observation::Software(software.clone())), []);
    bench.observe(Observation::Profile(Default::default()));
    assert_eq!(bench.machine.software, Some(software));
    assert_eq!(bench.machine.profile, Some(Default::default()));
    assert_eq!(bench.machine.link, before);
}
