//! Clients that ask for much and take nothing.

use opcua::types::{
    BrowseDescription, BrowseDirection, BrowseRequest, NodeId, ObjectId, ReadRequest, ReadValueId,
    ReferenceTypeId, TimestampsToReturn, VariableId,
};

use super::raw::{Raw, encoded, request};
use super::siege::Siege;

/// More requests than may wait, each with an answer of a megabyte.
#[test]
fn answers_that_nobody_takes() {
    const AT_MOST: usize = 600 << 20;
    let siege = Siege::open();
    let mut raw = Raw::log_in(siege.address());
    let time = NodeId::from(VariableId::Server_ServerStatus_BuildInfo);
    let asked = ReadRequest {
        request_header: raw.header(),
        timestamps_to_return: TimestampsToReturn::Both,
        nodes_to_read: Some(vec![ReadValueId::new_value(time); 5_000]),
        ..ReadRequest::default()
    };
    let asked = request(
        ObjectId::ReadRequest_Encoding_DefaultBinary,
        &encoded(&asked),
    );
    let before = siege.memory();
    let sent = raw.send_until_full(&asked, 2_000);
    siege.newcomer().is_served();
    let more = siege.memory().saturating_sub(before);
    println!(
        "{sent} requests are taken, and {} MiB for their answers",
        more >> 20
    );
    assert!(sent < 2_000, "the client is told to wait by its own socket");
    assert!(more < AT_MOST, "{more} bytes");
    drop(raw);
    siege.lift("answers that nobody takes");
}

#[test]
fn browses_of_everything_that_nobody_takes() {
    let siege = Siege::open();
    let mut raw = Raw::log_in(siege.address());
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
        nodes_to_browse: Some(vec![everything; 2_000]),
        ..BrowseRequest::default()
    };
    let asked = request(
        ObjectId::BrowseRequest_Encoding_DefaultBinary,
        &encoded(&asked),
    );
    let before = siege.memory();
    let sent = raw.send_until_full(&asked, 1_000);
    siege.newcomer().is_served();
    let more = siege.memory().saturating_sub(before);
    println!(
        "{sent} requests are taken, and {} MiB for their answers",
        more >> 20
    );
    drop(raw);
    siege.lift("browses of everything that nobody takes");
}
