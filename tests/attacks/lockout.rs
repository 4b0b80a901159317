//! Who creates sessions and does not log in to them, again and again, to fill the table of the library with them: honest
//! clients come in all the same.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use opcua::types::{
    ObjectId, ReadValueId, SecurityTokenRequestType, StatusCode, TimestampsToReturn, VariableId,
};

use super::common::wait_until;
use super::honest::{Honest, Identity};
use super::insiders::create_session;
use super::raw::{NONE, Raw, opening, request};
use super::siege::Siege;

/// So many sessions are in the library's table at most; a part of them would keep everybody out for minutes.
const MANY: usize = 2_000;
const LOGINS: usize = 25;
/// How long a login may take while the attack goes on: far above what it takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// How a connection is left, so that the library would end it and nobody could close the session that waits in it.
const WAYS: &[fn(&mut Raw)] = &[
    // Without a word.
    |_| {},
    // A message again.
    |raw| {
        let again = raw.sent.last().unwrap().clone();
        raw.send(&again);
    },
    // A service that there is not.
    |raw| {
        let chunk = raw.chunk(b'F', &[1, 0, 0xff, 0xff, 0, 0]);
        raw.send(&chunk);
    },
    // A header that cannot be read.
    |raw| {
        let service = ObjectId::ReadRequest_Encoding_DefaultBinary;
        let chunk = raw.chunk(b'F', &request(service, &[0xff; 30]));
        raw.send(&chunk);
    },
    // Nothing in a chunk.
    |raw| {
        raw.send(&super::raw::frame(b"MSGF", &[]));
    },
    // A message of another kind.
    |raw| {
        let service = ObjectId::OpenSecureChannelRequest_Encoding_DefaultBinary;
        let chunk = raw.chunk(b'F', &request(service, &[0; 80]));
        raw.send(&chunk);
    },
    // The channel is closed.
    |raw| {
        let mut chunk = raw.chunk(b'F', &[1, 0, 0xc4, 1, 0, 0]);
        chunk[..3].copy_from_slice(b"CLO");
        raw.send(&chunk);
    },
    // Another channel.
    |raw| {
        let opening = raw.opening(SecurityTokenRequestType::Issue);
        raw.send(&opening);
    },
    // An OPN that is none.
    |raw| {
        raw.send(&opening(NONE, &[], &[0; 8]));
    },
    // A message that is broken off, with any number.
    |raw| {
        let mut chunk = raw.chunk(b'A', &[0; 8]);
        chunk[16..20].copy_from_slice(&77_u32.to_le_bytes());
        raw.send(&chunk);
    },
    // A message that is not whole.
    |raw| {
        for kind in [b'C', b'C'] {
            let chunk = raw.chunk(kind, &[0; 100]);
            raw.send(&chunk);
        }
    },
];

/// Creates one or two sessions and leaves; gives how many.
fn create_and_leave(address: &str, turn: usize) -> usize {
    let mut raw = Raw::open(address);
    let wanted = 1 + turn % 2;
    for _ in 0..wanted {
        let refusal = raw.create_session().refusal();
        assert_eq!(
            refusal,
            Some(StatusCode::Good),
            "session after {turn} turns"
        );
    }
    WAYS[turn % WAYS.len()](&mut raw);
    // The next one comes after this one has been ended.
    raw.finish();
    wanted
}

#[test]
fn nobody_is_locked_out() {
    let siege = Siege::open();
    let address = siege.address();
    let (is_over, created) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|threads| {
        for attacker in 0..4 {
            let (is_over, created) = (&is_over, &created);
            threads.spawn(move || {
                let mut turn = attacker * 1_000;
                while !is_over.load(Ordering::Relaxed) {
                    let more = create_and_leave(address, turn);
                    created.fetch_add(more, Ordering::Relaxed);
                    turn += 1;
                }
            });
        }
        let _end = OnDrop(|| is_over.store(true, Ordering::Relaxed));
        let mut longest = Duration::ZERO;
        let mut logins = 0;
        while logins < LOGINS || created.load(Ordering::Relaxed) < MANY {
            let begun = Instant::now();
            drop(siege.newcomer());
            longest = longest.max(begun.elapsed());
            assert!(longest < PATIENCE, "a login took {longest:?}");
            logins += 1;
        }
        println!(
            "{logins} logins, the longest in {longest:?}, beside {} sessions",
            created.load(Ordering::Relaxed)
        );
    });
    let honest = siege.newcomer();
    let count = VariableId::Server_ServerDiagnostics_ServerDiagnosticsSummary_CurrentSessionCount;
    let wanted = [ReadValueId::new_value(count.into())];
    wait_until("nothing is left of them", || {
        let read = honest
            .session
            .read(&wanted, TimestampsToReturn::Neither, 0.0);
        let count = honest.runtime.block_on(read).unwrap().remove(0).value;
        // The two honest ones.
        (count == Some(2_u32.into()))
            .then_some(())
            .ok_or(format!("{count:?} sessions"))
    });
    drop(honest);
    siege.lift("sessions that nobody can close");
}

/// A thread that panics ends the others, too.
struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Over encrypted channels the front door does not see them: each application has its own few.
#[test]
fn each_application_has_its_own_few() {
    let siege = Siege::open();
    for name in ["one", "two"] {
        let pair = siege.workshop.client(name);
        let attacker = Honest::start(siege.url(), Identity::Application(&pair));
        let certificate = pair.der();
        let mut created = 0;
        let refused = attacker.runtime.block_on(async {
            loop {
                match create_session(&attacker.session, &certificate).await {
                    Ok(_) => created += 1,
                    Err(status) => break status,
                }
                assert!(created < 100, "there is an end to it");
            }
        });
        println!("{name}: {created} sessions, and then {refused}");
        let honest = siege.workshop.client("honest");
        let begun = Instant::now();
        drop(Honest::start(siege.url(), Identity::Application(&honest)));
        assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    }
    siege.lift("sessions over encryption on an open server");
}
