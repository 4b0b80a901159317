//! Messages that are larger than they may be, or say so.

use opcua::types::{ObjectId, StatusCode};

use super::raw::{BASIC256SHA256, Raw, claim, frame, hello, opening, refused, request};
use super::siege::Siege;

const TWO_GB: u32 = 0x7fff_fff0;

#[test]
fn two_gigabytes_are_claimed() {
    const TOO_LARGE: Option<StatusCode> = Some(StatusCode::BadTcpMessageTooLarge);
    let siege = Siege::open();
    let address = siege.address();
    for _ in 0..20 {
        assert_eq!(refused(address, &claim(b"HELF", TWO_GB)), TOO_LARGE);
        assert_eq!(refused(address, &claim(b"HELF", u32::MAX)), TOO_LARGE);
        let after_hello = [hello(), claim(b"OPNF", TWO_GB)].concat();
        assert_eq!(refused(address, &after_hello), TOO_LARGE);
        let mut raw = Raw::open(address);
        raw.send(&claim(b"MSGF", TWO_GB));
        assert_eq!(raw.end(), TOO_LARGE);
        // What is smaller than its header, or than the least.
        for size in [0, 7] {
            assert_eq!(refused(address, &claim(b"HELF", size)), TOO_LARGE);
        }
    }
    siege.lift("2 GB are claimed");
}

/// As many bytes as the socket takes, after a claim that was refused.
#[test]
fn what_follows_a_refused_claim_is_not_kept() {
    let siege = Siege::open();
    let flood = vec![0x41; 1 << 20];
    for _ in 0..20 {
        let mut raw = Raw::connect(siege.address());
        raw.send(&claim(b"HELF", TWO_GB));
        for _ in 0..8 {
            raw.send(&flood);
        }
        raw.end();
    }
    siege.lift("8 MB follow a refused claim");
}

#[test]
fn chunks_without_end() {
    let siege = Siege::open();
    let address = siege.address();
    for size in [1, 100, 8_000, 60_000] {
        for log_in in [false, true] {
            let mut raw = if log_in {
                Raw::log_in(address)
            } else {
                Raw::open(address)
            };
            let content = vec![0; size];
            // More than a megabyte, and more than there may be.
            for _ in 0..(2 << 20) / size.max(2_000) {
                let chunk = raw.chunk(b'C', &content);
                raw.send(&chunk);
            }
            assert_eq!(
                raw.end(),
                Some(StatusCode::BadRequestTooLarge),
                "chunks of {size} bytes, logged in: {log_in}"
            );
        }
    }
    siege.lift("chunks without end");
}

/// Many at once, each of which begins a request and never ends it.
#[test]
fn requests_that_are_never_whole() {
    let begin = |siege: &Siege| {
        let mut all: Vec<_> = (0..140).map(|_| Raw::open(siege.address())).collect();
        let before = siege.memory();
        for raw in &mut all {
            for _ in 0..3 {
                let chunk = raw.chunk(b'C', &[0; 8_000]);
                raw.send(&chunk);
            }
            // The last one stops in the middle.
            let service = ObjectId::GetEndpointsRequest_Encoding_DefaultBinary;
            let chunk = raw.chunk(b'F', &request(service, &[0; 8_000]));
            raw.send(&chunk[..4_000]);
        }
        siege.newcomer().is_served();
        let each = siege.memory().saturating_sub(before) / all.len();
        println!("{each} bytes for a request that is never whole");
        assert!(each < 128 << 10, "{each} bytes each");
    };
    let siege = Siege::open().rehearsed(begin);
    begin(&siege);
    siege.lift("140 requests that are never whole");
}

#[test]
fn chunks_out_of_place() {
    const NO_KIND: Option<StatusCode> = Some(StatusCode::BadTcpMessageTypeInvalid);
    let siege = Siege::open();
    let address = siege.address();
    for kind in [
        b"GET ", b"RHEF", b"HELC", b"ACKF", b"ERRF", b"OPNF", b"MSGF", b"CLOF",
    ] {
        assert_eq!(refused(address, &frame(kind, &[0; 24])), NO_KIND);
    }
    for kind in [b"HELF", b"ACKF", b"OPNC", b"MSGF", b"CLOF"] {
        let after_hello = [hello(), frame(kind, &[0; 24])].concat();
        assert_eq!(
            refused(address, &after_hello),
            NO_KIND,
            "{kind:?} after HEL"
        );
    }
    for kind in [
        b"HELF", b"ACKF", b"ERRF", b"OPNC", b"OPNA", b"CLOC", b"MSGX",
    ] {
        let mut raw = Raw::open(address);
        raw.send(&frame(kind, &[0; 24]));
        assert_eq!(raw.end(), NO_KIND, "{kind:?} in a channel");
    }
    siege.lift("chunks out of place");
}

#[test]
fn policies_that_are_not_served() {
    const REJECTED: Option<StatusCode> = Some(StatusCode::BadSecurityPolicyRejected);
    let siege = Siege::open();
    for policy in [
        "http://opcfoundation.org/UA/SecurityPolicy#Basic128Rsa15",
        "http://opcfoundation.org/UA/SecurityPolicy#Basic256",
        "http://opcfoundation.org/UA/SecurityPolicy#ECC_nistP256",
        "urn:nonsense",
    ] {
        let opening = [hello(), opening(policy, &[], &[0; 64])].concat();
        assert_eq!(refused(siege.address(), &opening), REJECTED, "{policy}");
    }
    // Not even later, on a channel that is open.
    let mut raw = Raw::open(siege.address());
    raw.send(&opening(BASIC256SHA256, &[], &[0; 64]));
    assert_eq!(raw.end(), Some(StatusCode::BadSecurityChecksFailed));
    drop(raw);
    siege.lift("policies that are not served");
}
