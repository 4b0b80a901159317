//! A thousand connections that do nothing, in each of the states in which they can do nothing.

use opcua::types::StatusCode;

use super::raw::{Raw, hello};
use super::siege::Siege;

const CONNECTIONS: usize = 1_000;
/// So many are held at least.
const HELD: usize = 140;
/// What each of them may cost.
const EACH: usize = 128 << 10;

fn idle(attack: &str, connect: impl Fn(&str) -> Raw) {
    let come = |siege: &Siege| {
        let before = siege.memory();
        let mut idlers = Vec::new();
        for n in 0..CONNECTIONS {
            idlers.push(connect(siege.address()));
            if idlers.len() == HELD {
                let each = siege.memory().saturating_sub(before) / HELD;
                println!("{attack}: {each} bytes for each that is held");
                assert!(each < EACH, "{each} bytes each");
            }
            if n % 250 == 100 {
                siege.newcomer().is_served();
            }
        }
        let newcomer = siege.newcomer();
        newcomer.is_served();
        drop(newcomer);
        // The first have made room for the last, and were told so.
        assert_eq!(idlers[0].end(), Some(StatusCode::BadTcpServerTooBusy));
    };
    let siege = Siege::open().rehearsed(come);
    come(&siege);
    siege.lift(attack);
}

#[test]
fn silence() {
    idle("1,000 connections of silence", Raw::connect);
}

#[test]
fn half_a_greeting() {
    idle("1,000 connections of half a HEL", |address| {
        let mut raw = Raw::connect(address);
        raw.send(&hello()[..20]);
        raw
    });
}

#[test]
fn a_channel_and_nothing_else() {
    idle("1,000 idle channels", Raw::open);
}

/// What is not said in time is not waited for.
#[test]
fn deadlines() {
    let siege = Siege::open();
    let mut silent = Raw::connect(siege.address());
    let mut slow = Raw::connect(siege.address());
    slow.send(&hello()[..20]);
    let mut greeted = Raw::connect(siege.address());
    greeted.send(&hello());
    for (idler, what) in [
        (&mut silent, "nothing"),
        (&mut slow, "half a HEL"),
        (&mut greeted, "no OPN"),
    ] {
        assert_eq!(idler.end(), Some(StatusCode::BadTimeout), "{what}");
    }
    siege.lift("deadlines");
}
