//! Sessions that are created and not activated: see also `lockout`.

use opcua::types::{ExtensionObject, ObjectId, StatusCode, UserNameIdentityToken};

use super::raw::{Answer, Raw};
use super::siege::Siege;

/// More than the table of the library holds, one after the other and side by side.
#[test]
fn sessions_that_nobody_activates() {
    let create = |siege: &Siege| {
        let mut open = Vec::new();
        for n in 0..600 {
            let mut raw = Raw::open(siege.address());
            for _ in 0..2 {
                let created = raw.create_session();
                assert_eq!(created.refusal(), Some(StatusCode::Good), "connection {n}");
            }
            // Half of them are gone at once, and half stay as long as they may.
            if n % 2 == 0 {
                open.push(raw);
            }
        }
        siege.newcomer().is_served();
        let mut third = Raw::open(siege.address());
        for _ in 0..2 {
            third.create_session();
        }
        assert_eq!(
            third.create_session(),
            Answer::Error(StatusCode::BadTooManySessions)
        );
    };
    let siege = Siege::open().rehearsed(create);
    create(&siege);
    siege.lift("1,200 sessions that nobody activates");
}

/// On a server that wants to know who you are, there is only discovery without encryption.
#[test]
fn a_closed_server_creates_no_session_without_encryption() {
    let siege = Siege::closed();
    for _ in 0..20 {
        let mut raw = Raw::open(siege.address());
        let endpoints = raw.ask(
            ObjectId::GetEndpointsRequest_Encoding_DefaultBinary,
            &super::raw::encoded(&opcua::types::GetEndpointsRequest {
                endpoint_url: "opc.tcp://127.0.0.1/".into(),
                ..opcua::types::GetEndpointsRequest::default()
            }),
        );
        assert_eq!(endpoints.refusal(), Some(StatusCode::Good));
        assert_eq!(
            raw.create_session(),
            Answer::Error(StatusCode::BadSecurityPolicyRejected)
        );
    }
    siege.lift("sessions without encryption on a closed server");
}

/// Who asks and asks without logging in.
#[test]
fn questions_without_a_login() {
    let siege = Siege::open();
    let mut raw = Raw::open(siege.address());
    let mut answers = 0;
    let refused = loop {
        let service = ObjectId::FindServersRequest_Encoding_DefaultBinary;
        let asked = super::raw::encoded(&opcua::types::FindServersRequest::default());
        match raw.ask(service, &asked) {
            Answer::Chunk(..) => answers += 1,
            Answer::Error(status) => break status,
            Answer::End => panic!("ended without a word"),
        }
        assert!(answers < 100);
    };
    assert_eq!(refused, StatusCode::BadTooManyOperations);
    siege.lift("questions without a login");
}

/// Tokens that no endpoint offers, of every size.
#[test]
fn tokens_of_every_size() {
    let siege = Siege::open();
    for size in [0, 1, 255, 256, 257, 4_096, 20_000, 100_000] {
        let mut raw = Raw::open(siege.address());
        raw.create_session();
        let token = UserNameIdentityToken {
            policy_id: "userpass_none".into(),
            user_name: "x".repeat(size).into(),
            password: vec![0xff; size].into(),
            encryption_algorithm: "http://www.w3.org/2001/04/xmlenc#rsa-oaep".into(),
        };
        let answer = raw.activate(ExtensionObject::from_message(token));
        let refusal = answer.refusal();
        assert!(refusal.is_none_or(|status| status.is_bad()), "{answer:?}");
    }
    siege.lift("tokens of every size");
}
