//! Texts that are no texts, lengths that lie, arrays without dimensions.

use opcua::types::{NodeId, ObjectId};

use super::raw::{Answer, Raw, encoded};
use super::siege::Siege;

/// The encoded bodies of requests that are not in order, after their header.
fn broken() -> Vec<(&'static str, ObjectId, Vec<u8>)> {
    const READ: ObjectId = ObjectId::ReadRequest_Encoding_DefaultBinary;
    const WRITE: ObjectId = ObjectId::WriteRequest_Encoding_DefaultBinary;
    const BROWSE: ObjectId = ObjectId::BrowseRequest_Encoding_DefaultBinary;
    const CALL: ObjectId = ObjectId::CallRequest_Encoding_DefaultBinary;
    let array = |length: i32, rest: &[u8]| [&length.to_le_bytes()[..], rest].concat();
    let read = |rest: &[u8]| [&0_f64.to_le_bytes(), &2_u32.to_le_bytes()[..], rest].concat();
    // One value to be written to a node.
    let write = |variant: &[u8]| {
        let node = encoded(&NodeId::new(0, 2258));
        let head = [&node[..], &13_u32.to_le_bytes(), &[0xff; 4], &[1]].concat();
        array(1, &[&head[..], variant].concat())
    };
    vec![
        ("a length of i32::MAX", READ, read(&array(i32::MAX, &[]))),
        ("a length of i32::MIN", READ, read(&array(i32::MIN, &[]))),
        ("a length of -2", READ, read(&array(-2, &[]))),
        ("more than there is", READ, read(&array(10_000, &[0; 40]))),
        (
            "a NodeId of an unknown form",
            READ,
            read(&array(1, &[0x3f; 40])),
        ),
        (
            "a text that is no UTF-8",
            READ,
            read(&array(1, &[3, 1, 0, 4, 0, 0, 0, 0xc3, 0x28, 0xff, 0xfe])),
        ),
        (
            "a text of 2 GB",
            READ,
            read(&array(1, &[3, 1, 0, 0xff, 0xff, 0xff, 0x7f, 0x41])),
        ),
        (
            "a text of -5 bytes",
            READ,
            read(&array(1, &[3, 1, 0, 0xfb, 0xff, 0xff, 0xff, 0x41])),
        ),
        (
            "a Variant of an unknown type",
            WRITE,
            write(&[0x3e, 0, 0, 0, 0]),
        ),
        (
            "an array of 2 GB",
            WRITE,
            write(&[0x80 | 11, 0xff, 0xff, 0xff, 0x7f]),
        ),
        (
            "an array of -7 elements",
            WRITE,
            write(&[0x80 | 11, 0xf9, 0xff, 0xff, 0xff]),
        ),
        (
            "dimensions of zero",
            WRITE,
            write(&[0xc0 | 6, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        ),
        (
            "dimensions that multiply to more than there is",
            WRITE,
            write(&[
                0xc0 | 3,
                1,
                0,
                0,
                0,
                7,
                2,
                0,
                0,
                0,
                0xff,
                0xff,
                0xff,
                0x7f,
                0xff,
                0xff,
                0xff,
                0x7f,
            ]),
        ),
        (
            "negative dimensions",
            WRITE,
            write(&[0xc0 | 3, 1, 0, 0, 0, 7, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]),
        ),
        (
            "dimensions without an array",
            WRITE,
            write(&[0x40 | 3, 1, 0, 0, 0, 7, 1, 0, 0, 0]),
        ),
        (
            "a date of i64::MAX",
            WRITE,
            write(&[&[13][..], &[0xff; 7], &[0x7f]].concat()),
        ),
        ("a mask of everything", BROWSE, [0xff; 60].to_vec()),
        ("methods without arguments", CALL, array(100, &[0; 100])),
        ("nothing", CALL, Vec::new()),
    ]
}

#[test]
fn encodings_that_are_not_in_order() {
    let siege = Siege::open();
    for (what, service, body) in broken() {
        for log_in in [false, true] {
            let mut raw = if log_in {
                Raw::log_in(siege.address())
            } else {
                Raw::open(siege.address())
            };
            let request = [encoded(&raw.header()), body.clone()].concat();
            // A fault, an answer that says what is wrong with each, or an end.
            match raw.ask(service, &request) {
                Answer::Error(status) => assert!(status.is_bad(), "{what}"),
                Answer::Chunk(..) | Answer::End => {}
            }
        }
    }
    siege.lift("encodings that are not in order");
}

/// A hundred at a time, each cut off at another place.
#[test]
fn requests_that_are_cut_off() {
    let siege = Siege::open();
    let address = siege.address();
    std::thread::scope(|threads| {
        for thread in 0..4 {
            threads.spawn(move || {
                for n in 0..50 {
                    let mut raw = Raw::log_in(address);
                    let (_, service, body) = broken().remove(n % 8);
                    let request = [encoded(&raw.header()), body].concat();
                    let chunk = raw.chunk(b'F', &super::raw::request(service, &request));
                    let end = (thread * 7 + n * 3) % chunk.len();
                    raw.send(&chunk[..end]);
                    raw.finish();
                }
            });
        }
    });
    siege.lift("200 requests that are cut off");
}
