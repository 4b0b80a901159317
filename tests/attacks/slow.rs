//! Clients that ask for much and take nothing.

use opcua::types::{
    BrowseDescription, BrowseDirection, BrowseRequest, NodeId, ObjectId, ReadRequest, ReadValueId,
    ReferenceTypeId, TimestampsToReturn, VariableId,
};

use super::raw::{Raw, encoded, request};
use super::siege::Siege;

/// What the answers may take that wait for a client: 250 may wait, and each has less than a megabyte here.
const WAITING: usize = 250 << 20;

/// Three that ask so again and again, one after the other.
fn take_nothing(attack: &str, ask: impl Fn(&Raw) -> (ObjectId, Vec<u8>)) {
    const MANY: usize = 5_000;
    let takes_nothing = |siege: &Siege| {
        let mut raw = Raw::log_in(siege.address());
        let (service, content) = ask(&raw);
        let before = siege.memory();
        let sent = raw.send_until_full(&request(service, &content), MANY);
        siege.newcomer().is_served();
        let more = siege.memory().saturating_sub(before);
        println!(
            "{sent} requests are taken, and {} MiB more for their answers",
            more >> 20
        );
        assert!(sent < MANY, "the client is told to wait by its own socket");
        assert!(more < WAITING, "{more} bytes");
    };
    // What is free between pieces that are in use the allocator cannot give back, and an answer has a million of them.
    // It is less than what has waited at most; if all of it leaked, the three left more.
    let siege = Siege::open().leaves(WAITING);
    for _ in 0..3 {
        takes_nothing(&siege);
    }
    siege.lift(attack);
}

/// Each answer has half a megabyte.
#[test]
fn answers_that_nobody_takes() {
    take_nothing("answers that nobody takes", |raw| {
        let build = NodeId::from(VariableId::Server_ServerStatus_BuildInfo);
        let asked = ReadRequest {
            request_header: raw.header(),
            timestamps_to_return: TimestampsToReturn::Both,
            nodes_to_read: Some(vec![ReadValueId::new_value(build); 5_000]),
            ..ReadRequest::default()
        };
        let service = ObjectId::ReadRequest_Encoding_DefaultBinary;
        (service, encoded(&asked))
    });
}

#[test]
fn browses_that_nobody_takes() {
    take_nothing("browses that nobody takes", |raw| {
        let everything = BrowseDescription {
            node_id: ObjectId::TypesFolder.into(),
            browse_direction: BrowseDirection::Both,
            reference_type_id: ReferenceTypeId::References.into(),
            include_subtypes: true,
            node_class_mask: 0,
            result_mask: u32::MAX,
        };
        let asked = BrowseRequest {
            request_header: raw.header(),
            nodes_to_browse: Some(vec![everything; 500]),
            ..BrowseRequest::default()
        };
        let service = ObjectId::BrowseRequest_Encoding_DefaultBinary;
        (service, encoded(&asked))
    });
}
