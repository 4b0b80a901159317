//! Random bytes, and recordings of real sessions in which bytes were changed: 100,000 of them in all. Most are refused by
//! their first header; of those that get further, the front door hands on a hundred connections a second.

use opcua::types::{
    BrowseDescription, BrowseDirection, BrowseRequest, CreateSubscriptionRequest, ObjectId,
    PublishRequest, ReadRequest, ReadValueId, SecurityTokenRequestType, StatusCode,
    TimestampsToReturn, VariableId,
};

use super::raw::{Raw, encoded, hello};
use super::siege::Siege;

/// How many connections make noise, of these by default; `ATTACKS` may say another number for all of them.
fn attacks(by_default: usize) -> usize {
    let told = std::env::var("ATTACKS").ok();
    told.map_or(by_default, |told| {
        let all: usize = told.parse().expect("ATTACKS is a number");
        all * by_default / 100_000
    })
}

/// Numbers that are the same in each run, so that what has failed fails again.
struct Dice(fastrand::Rng);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.0.u8(..)).collect()
    }
}

/// Over four connections at a time.
fn noise(siege: &Siege, count: usize, make: impl Fn(&mut Dice, &str) -> Raw + Sync) {
    let (address, make) = (siege.address(), &make);
    std::thread::scope(|threads| {
        for thread in 0..4 {
            threads.spawn(move || {
                for n in 0..count / 4 {
                    let mut dice = Dice::new((thread * count + n) as u64);
                    make(&mut dice, address).finish();
                }
            });
        }
    });
}

/// A connection over which this is sent.
fn sent(address: &str, bytes: &[u8]) -> Raw {
    let mut raw = Raw::connect(address);
    raw.send(bytes);
    raw
}

#[test]
fn random_bytes() {
    let siege = Siege::open();
    noise(&siege, attacks(83_000), |dice, address| {
        let length = dice.0.usize(1..3_000);
        sent(address, &dice.bytes(length))
    });
    // After a greeting that is in order, and with a header that is.
    noise(&siege, attacks(3_000), |dice, address| {
        let kind = [*b"OPNF", *b"MSGF", *b"CLOF", *b"MSGC"][dice.0.usize(..4)];
        let length = dice.0.usize(0..2_000);
        let bytes = [hello(), super::raw::frame(&kind, &dice.bytes(length))].concat();
        sent(address, &bytes)
    });
    // As the content of a message.
    noise(&siege, attacks(3_000), |dice, address| {
        let mut raw = Raw::open(address);
        let length = dice.0.usize(0..2_000);
        let bytes = dice.bytes(length);
        let chunk = raw.chunk(b'F', &bytes);
        raw.send(&chunk);
        raw
    });
    siege.lift("random bytes");
}

/// What a client has sent, and in which session.
struct Recording {
    /// HEL and OPN, CreateSession and ActivateSession, and then what it is there for.
    messages: Vec<Vec<u8>>,
    /// The authentication token, as it stands in each request.
    token: Vec<u8>,
}

impl Recording {
    /// The messages from this one on, as if they were of this connection.
    fn of(&self, raw: &Raw, from: usize) -> Vec<Vec<u8>> {
        let mut messages = self.messages[from..].to_vec();
        for message in &mut messages {
            // An OPN has no TokenId there.
            let numbers = if message.starts_with(b"OPN") { 4 } else { 8 };
            message[8..8 + numbers].copy_from_slice(&raw.channel[..numbers]);
            let token = encoded(&raw.token);
            let windows = message.windows(self.token.len());
            if token.len() == self.token.len()
                && let Some(at) = windows.into_iter().position(|it| it == self.token)
            {
                message[at..at + token.len()].copy_from_slice(&token);
            }
        }
        messages
    }
}

/// What a client sends that logs in, looks around and subscribes.
fn recording(address: &str) -> Recording {
    let mut raw = Raw::log_in(address);
    let browse = BrowseRequest {
        request_header: raw.header(),
        nodes_to_browse: Some(vec![BrowseDescription {
            node_id: ObjectId::ObjectsFolder.into(),
            browse_direction: BrowseDirection::Both,
            include_subtypes: true,
            result_mask: u32::MAX,
            ..BrowseDescription::default()
        }]),
        ..BrowseRequest::default()
    };
    raw.ask(
        ObjectId::BrowseRequest_Encoding_DefaultBinary,
        &encoded(&browse),
    );
    let read = ReadRequest {
        request_header: raw.header(),
        timestamps_to_return: TimestampsToReturn::Both,
        nodes_to_read: Some(vec![
            ReadValueId::new_value(
                VariableId::Server_ServerStatus.into()
            );
            3
        ]),
        ..ReadRequest::default()
    };
    raw.ask(
        ObjectId::ReadRequest_Encoding_DefaultBinary,
        &encoded(&read),
    );
    let subscribe = CreateSubscriptionRequest {
        request_header: raw.header(),
        requested_publishing_interval: 100.0,
        requested_lifetime_count: 60,
        requested_max_keep_alive_count: 20,
        publishing_enabled: true,
        ..CreateSubscriptionRequest::default()
    };
    let service = ObjectId::CreateSubscriptionRequest_Encoding_DefaultBinary;
    raw.ask(service, &encoded(&subscribe));
    let publish = PublishRequest {
        request_header: raw.header(),
        ..PublishRequest::default()
    };
    raw.put(
        ObjectId::PublishRequest_Encoding_DefaultBinary,
        &encoded(&publish),
    );
    let renewal = raw.opening(SecurityTokenRequestType::Renew);
    raw.send(&renewal);
    Recording {
        token: encoded(&raw.token),
        messages: std::mem::take(&mut raw.sent),
    }
}

/// Bytes are changed, cut out, doubled, or taken from elsewhere.
fn mutated(recording: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut messages = recording.to_vec();
    for _ in 0..dice.0.usize(1..6) {
        let at = dice.0.usize(..messages.len());
        let from = dice.0.usize(..messages.len());
        match dice.0.u8(..6) {
            0 => messages.swap(at, from),
            1 => {
                messages[at] = messages[from].clone();
            }
            2 => {
                let end = dice.0.usize(..=messages[at].len());
                messages[at].truncate(end);
            }
            _ if messages[at].is_empty() => {}
            3 => {
                let byte = dice.0.usize(..messages[at].len());
                messages[at][byte] ^= 1 << dice.0.u8(..8);
            }
            4 => {
                // A length that lies: most numbers of four bytes are one.
                let byte = dice.0.usize(..messages[at].len());
                let lie = [0_i32, -1, -2, 1, i32::MAX, i32::MIN, 70_000][dice.0.usize(..7)];
                let end = (byte + 4).min(messages[at].len());
                messages[at][byte..end].copy_from_slice(&lie.to_le_bytes()[..end - byte]);
            }
            _ => {
                let byte = dice.0.usize(..messages[at].len());
                let more = dice.bytes(4);
                messages[at].splice(byte..byte, more);
            }
        }
    }
    messages.concat()
}

#[test]
fn mutated_recordings() {
    let siege = Siege::open();
    let recording = &recording(siege.address());
    noise(&siege, attacks(5_000), |dice, address| {
        sent(address, &mutated(&recording.messages, dice))
    });
    // In a channel that is in order.
    noise(&siege, attacks(4_000), |dice, address| {
        let mut raw = Raw::open(address);
        let messages = recording.of(&raw, 2);
        raw.send(&mutated(&messages, dice));
        raw
    });
    // In a session that is. It would outlive its connection.
    noise(&siege, attacks(2_000), |dice, address| {
        let mut raw = Raw::log_in(address);
        let messages = recording.of(&raw, 4);
        raw.send(&mutated(&messages, dice));
        let token = raw.token.clone();
        raw.finish();
        let mut next = Raw::open(address);
        next.token = token;
        assert_eq!(next.close_session().refusal(), Some(StatusCode::Good));
        next
    });
    siege.lift("mutated recordings");
}
