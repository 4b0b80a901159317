//! What strangers make the server write to its log is bounded: a disk that is full is as good as a process that is gone.

use opcua::types::{ObjectId, StatusCode};

use super::raw::{Raw, claim};
use super::siege::Siege;

const TIMES: usize = 500;
/// Of one kind, while this test runs: 30 in 10 seconds, and it takes far less than a minute.
const MOST_OF_ONE_KIND: usize = 180;

/// A Read whose list is longer than the request is.
fn undecodable(raw: &mut Raw) -> Option<StatusCode> {
    let service = ObjectId::ReadRequest_Encoding_DefaultBinary;
    raw.ask(service, &[0xff; 8]).refusal()
}

#[test]
fn few_lines_whatever_strangers_do() {
    let siege = Siege::open();
    let before = siege.bridge().log().lines().count();
    for _ in 0..TIMES {
        // The library tells of each.
        let mut raw = Raw::open(siege.address());
        undecodable(&mut raw);
        // Is refused at the door: we tell of each.
        let mut raw = Raw::connect(siege.address());
        raw.send(&claim(b"HELF", u32::MAX));
        assert_eq!(raw.end(), Some(StatusCode::BadTcpMessageTooLarge));
    }
    siege.told(&["a connection is ended"]);
    let lines = siege.bridge().log_from(before);
    let count = |text: &str| lines.iter().filter(|line| line.contains(text)).count();
    let (ours, libraries) = (count(" umati_bridge::"), count(" opcua_"));
    println!("{TIMES} times: {ours} lines of ours, {libraries} of the library");
    assert!(ours > 0 && libraries > 0, "{lines:#?}");
    assert!(ours <= MOST_OF_ONE_KIND, "{lines:#?}");
    assert!(libraries <= MOST_OF_ONE_KIND, "{lines:#?}");
    siege.lift("lines");
}
