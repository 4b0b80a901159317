//! The attacker: a process that sends what the door is to hold off, as fast as the door lets it.
//!
//! It writes the number of its attempts for each line that it is sent, and ends with its input.

use std::collections::VecDeque;
use std::io::{BufRead, stdin};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use opcua::types::{ObjectId, SecurityTokenRequestType};

use super::raw::{BASIC256SHA256, Raw, claim, frame, hello, opening, refused, request};

const TWO_GB: u32 = 0x7fff_fff0;
/// More in all than the door has room for.
const IDLE_OF_ONE_THREAD: usize = 25;

/// One kind of attempts, again and again.
pub struct Flood {
    pub name: &'static str,
    /// What it is, for the row.
    pub what: &'static str,
    pub from: From,
    threads: usize,
    /// What one thread does, which keeps what it holds open.
    begin: fn(Target) -> Box<dyn FnMut()>,
}

/// Where an attacker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// At another address, before a server that wants to know everybody.
    Network,
    /// On the same computer, which an open server lets in.
    Here,
}

/// Whom, and with what.
#[derive(Clone)]
struct Target {
    address: Arc<str>,
    certificate: Arc<[u8]>,
}

pub const FLOODS: [Flood; 12] = [
    Flood {
        name: "silence",
        what: "connections of silence, 200 at a time",
        from: From::Network,
        threads: 8,
        begin: |target| idle(move || Raw::connect(&target.address)),
    },
    Flood {
        name: "half-hello",
        what: "connections of half a HEL, 200 at a time",
        from: From::Network,
        threads: 8,
        begin: |target| {
            idle(move || {
                let mut raw = Raw::connect(&target.address);
                raw.send(&hello()[..20]);
                raw
            })
        },
    },
    Flood {
        name: "idle-channels",
        what: "idle channels without encryption, 200 at a time",
        from: From::Network,
        threads: 8,
        begin: |target| idle(move || Raw::open(&target.address)),
    },
    Flood {
        name: "claims",
        what: "HEL that claims 2 GB",
        from: From::Network,
        threads: 8,
        begin: |target| Box::new(move || expect(refused(&target.address, &claim(b"HELF", TWO_GB)))),
    },
    Flood {
        name: "opening-claims",
        what: "HEL, and an OPN that claims 2 GB",
        from: From::Network,
        threads: 8,
        begin: claim_opening,
    },
    Flood {
        name: "opening-claims-here",
        what: "the same from this computer",
        from: From::Here,
        threads: 8,
        begin: claim_opening,
    },
    Flood {
        name: "chunks",
        what: "HEL, and chunks of 60 kB before a channel",
        from: From::Network,
        threads: 8,
        begin: |target| {
            let chunk = frame(b"MSGC", &[0; 60_000]);
            let bytes = [hello(), chunk.repeat(3)].concat();
            // What is still sent may reset the connection before its ERR is read.
            Box::new(move || {
                refused(&target.address, &bytes);
            })
        },
    },
    Flood {
        name: "foreign",
        what: "OPN with a certificate that is not trusted",
        from: From::Network,
        threads: 8,
        begin: open_with_certificate,
    },
    Flood {
        name: "stolen",
        what: "OPN with a certificate that is trusted, without its key",
        from: From::Network,
        threads: 8,
        begin: open_with_certificate,
    },
    Flood {
        name: "truncated",
        what: "requests that end in the middle",
        from: From::Network,
        threads: 8,
        begin: |target| {
            Box::new(move || {
                let mut raw = Raw::open(&target.address);
                let service = ObjectId::GetEndpointsRequest_Encoding_DefaultBinary;
                let chunk = raw.chunk(b'F', &request(service, &[0; 8_000]));
                raw.send(&chunk[..4_000]);
            })
        },
    },
    Flood {
        name: "sessions",
        what: "two sessions that are not activated, and gone",
        from: From::Here,
        threads: 8,
        begin: |target| {
            Box::new(move || {
                let mut raw = Raw::open(&target.address);
                raw.create_session();
                raw.create_session();
            })
        },
    },
    Flood {
        name: "renewals",
        what: "renewals without end, 64 sessions",
        from: From::Here,
        threads: 64,
        begin: |target| {
            let mut session = None;
            Box::new(move || {
                let session = session.get_or_insert_with(|| Raw::log_in(&target.address));
                session.open_channel(SecurityTokenRequestType::Renew);
            })
        },
    },
];

/// Connections that stay, of which the oldest makes room for the next.
fn idle(connect: impl Fn() -> Raw + 'static) -> Box<dyn FnMut()> {
    let mut connections = VecDeque::new();
    Box::new(move || {
        connections.push_back(connect());
        if connections.len() > IDLE_OF_ONE_THREAD {
            connections.pop_front();
        }
    })
}

fn claim_opening(target: Target) -> Box<dyn FnMut()> {
    let bytes = [hello(), claim(b"OPNF", TWO_GB)].concat();
    Box::new(move || expect(refused(&target.address, &bytes)))
}

fn open_with_certificate(target: Target) -> Box<dyn FnMut()> {
    let opening = opening(BASIC256SHA256, &target.certificate, &[0x5a; 256]);
    let bytes = [hello(), opening].concat();
    Box::new(move || {
        // The library ends a connection without a word.
        refused(&target.address, &bytes);
    })
}

/// Attempts so far, and those that went otherwise than they should.
static ATTEMPTS: AtomicU64 = AtomicU64::new(0);
static ODD: AtomicU64 = AtomicU64::new(0);

fn expect(refusal: Option<opcua::types::StatusCode>) {
    assert!(refusal.is_some(), "refused in words");
}

/// The process of an attacker.
pub fn run(name: &str, address: &str, certificate: &Path) {
    // An attempt that goes otherwise than it should is counted, and the next may go better.
    std::panic::set_hook(Box::new(|_| ()));
    let flood = FLOODS.iter().find(|it| it.name == name).expect("a flood");
    let target = Target {
        address: address.into(),
        certificate: std::fs::read(certificate).expect("a certificate").into(),
    };
    for _ in 0..flood.threads {
        let (target, begin) = (target.clone(), flood.begin);
        std::thread::spawn(move || {
            let mut attempt = begin(target);
            loop {
                if catch_unwind(AssertUnwindSafe(&mut attempt)).is_err() {
                    ODD.fetch_add(1, Ordering::Relaxed);
                }
                ATTEMPTS.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    for _ in stdin().lock().lines() {
        let [attempts, odd] = [&ATTEMPTS, &ODD].map(|count| count.load(Ordering::Relaxed));
        println!("{attempts} {odd}");
    }
}
