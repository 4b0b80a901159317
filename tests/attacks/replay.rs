//! Messages that come again, out of order, or in the name of somebody else; channels that are renewed without end.

use opcua::types::{
    ObjectId, ReadRequest, ReadValueId, SecurityTokenRequestType, StatusCode, VariableId,
};

use super::raw::{Answer, Raw, encoded, request};
use super::siege::Siege;

const READ: ObjectId = ObjectId::ReadRequest_Encoding_DefaultBinary;

fn read(raw: &Raw) -> Vec<u8> {
    let node = VariableId::Server_ServerStatus_CurrentTime;
    encoded(&ReadRequest {
        request_header: raw.header(),
        timestamps_to_return: opcua::types::TimestampsToReturn::Both,
        nodes_to_read: Some(vec![ReadValueId::new_value(node.into())]),
        ..ReadRequest::default()
    })
}

/// A read whose header was changed is refused with this status.
fn is_refused(siege: &Siege, change: impl Fn(&mut [u8]), status: StatusCode) {
    let mut raw = Raw::log_in(siege.address());
    let content = read(&raw);
    assert_eq!(raw.ask(READ, &content).refusal(), Some(StatusCode::Good));
    let mut message = raw.chunk(b'F', &request(READ, &content));
    change(&mut message);
    raw.send(&message);
    assert_eq!(raw.answer(), Answer::Error(status));
}

fn add(number: &mut [u8], difference: i32) {
    let before = u32::from_le_bytes(number[..4].try_into().unwrap());
    let after = before.wrapping_add_signed(difference);
    number[..4].copy_from_slice(&after.to_le_bytes());
}

#[test]
fn numbers_that_are_not_those_of_the_channel() {
    let siege = Siege::open();
    for difference in [-1, 1, 1_000, i32::MIN] {
        let unknown = StatusCode::BadTcpSecureChannelUnknown;
        is_refused(&siege, |it| add(&mut it[8..], difference), unknown);
        let unknown = StatusCode::BadSecureChannelTokenUnknown;
        is_refused(&siege, |it| add(&mut it[12..], difference), unknown);
        let invalid = StatusCode::BadSequenceNumberInvalid;
        is_refused(&siege, |it| add(&mut it[16..], difference), invalid);
    }
    siege.lift("numbers that are not those of the channel");
}

#[test]
fn a_message_that_comes_again() {
    let siege = Siege::open();
    for _ in 0..50 {
        let mut raw = Raw::log_in(siege.address());
        let content = read(&raw);
        let message = raw.chunk(b'F', &request(READ, &content));
        raw.send(&message);
        assert_eq!(raw.answer().refusal(), Some(StatusCode::Good));
        raw.send(&message);
        assert_eq!(
            raw.answer(),
            Answer::Error(StatusCode::BadSequenceNumberInvalid)
        );
    }
    // Nor an OPN.
    let mut raw = Raw::log_in(siege.address());
    let renewal = raw.opening(SecurityTokenRequestType::Renew);
    raw.send(&renewal);
    assert!(matches!(raw.answer(), Answer::Chunk(kind, _) if kind == *b"OPNF"));
    raw.send(&renewal);
    assert_eq!(
        raw.answer(),
        Answer::Error(StatusCode::BadSequenceNumberInvalid)
    );
    drop(raw);
    siege.lift("a message that comes again");
}

/// The old token counts until the new one is used.
#[test]
fn a_token_that_was_replaced() {
    let siege = Siege::open();
    let mut raw = Raw::log_in(siege.address());
    let content = read(&raw);
    let old = raw.channel;
    raw.open_channel(SecurityTokenRequestType::Renew);
    let new = std::mem::replace(&mut raw.channel, old);
    assert_ne!(old, new);
    for channel in [old, new] {
        raw.channel = channel;
        assert_eq!(raw.ask(READ, &content).refusal(), Some(StatusCode::Good));
    }
    raw.channel = old;
    assert_eq!(
        raw.ask(READ, &content),
        Answer::Error(StatusCode::BadSecureChannelTokenUnknown)
    );
    drop(raw);
    siege.lift("a token that was replaced");
}

/// A session belongs to its channel.
#[test]
fn a_session_of_another_channel() {
    let siege = Siege::open();
    let owner = Raw::log_in(siege.address());
    let mut thief = Raw::log_in(siege.address());
    let content = read(&owner);
    assert_eq!(
        thief.ask(READ, &content).refusal(),
        Some(StatusCode::BadSecureChannelIdInvalid)
    );
    drop((owner, thief));
    siege.lift("a session of another channel");
}

/// Ten at once, and then one a second: more are not refused, but wait.
#[test]
fn renewals_without_end() {
    let siege = Siege::open();
    let mut raw = Raw::log_in(siege.address());
    let mut flood = Vec::new();
    for _ in 0..2_000 {
        flood.extend(raw.opening(SecurityTokenRequestType::Renew));
    }
    let mut renewing = Raw::log_in(siege.address());
    for _ in 0..9 {
        renewing.open_channel(SecurityTokenRequestType::Renew);
    }
    let content = read(&renewing);
    assert_eq!(
        renewing.ask(READ, &content).refusal(),
        Some(StatusCode::Good)
    );
    raw.send(&flood);
    // The first is answered; the others would take half an hour.
    assert!(matches!(raw.answer(), Answer::Chunk(kind, _) if kind == *b"OPNF"));
    siege.newcomer().is_served();
    drop((raw, renewing));
    siege.lift("2,000 renewals");
}

/// Each Issue makes a new channel on the same connection.
#[test]
fn another_channel_on_the_same_connection() {
    let siege = Siege::open();
    let mut raw = Raw::log_in(siege.address());
    raw.open_channel(SecurityTokenRequestType::Issue);
    let content = read(&raw);
    assert_eq!(
        raw.ask(READ, &content).refusal(),
        Some(StatusCode::BadSecureChannelIdInvalid)
    );
    drop(raw);
    siege.lift("another channel on the same connection");
}
