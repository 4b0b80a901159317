//! Values within values, tens of thousands deep: no decoder may run out of its stack. Without encryption, before and
//! after a login; what is sent over an encrypted channel is in `insiders`.

use opcua::types::{
    AttributeId, BrowsePath, NodeId, ObjectId, ObjectTypeId, RelativePath, RelativePathElement,
    TranslateBrowsePathsToNodeIdsRequest,
};

use umati_bridge::server::{MAX_REQUEST_SIZE, WORKER_STACK_SIZE};

use super::raw::{Answer, Raw, encoded};
use super::siege::Siege;

/// A WriteRequest of one value, whose encoded Variant this is.
fn write(raw: &Raw, variant: &[u8]) -> Vec<u8> {
    let mut request = encoded(&raw.header());
    request.extend(1_i32.to_le_bytes());
    request.extend(encoded(&NodeId::new(0, 2258)));
    request.extend((AttributeId::Value as u32).to_le_bytes());
    // No IndexRange; a DataValue with a value.
    request.extend([0xff; 4]);
    request.push(1);
    request.extend(variant);
    request
}

/// Variants, encoded, that hold themselves so often.
pub fn nested(levels: usize) -> Vec<(&'static str, Vec<u8>)> {
    const VARIANT_ARRAY: [u8; 5] = [0x80 | 24, 1, 0, 0, 0];
    let extension_objects = || {
        // The NodeId of an Argument, and a body that is an ExtensionObject: its length says how much is left.
        let level = 4 + 1 + 4;
        let mut bytes = vec![22];
        for left in (0..levels).rev() {
            bytes.extend([1, 0, 0x2a, 0x01, 1]);
            bytes.extend(u32::try_from(left * level).unwrap().to_le_bytes());
        }
        bytes
    };
    vec![
        ("DiagnosticInfo", {
            let mut bytes = vec![25];
            bytes.extend(vec![0x40; levels]);
            bytes.push(0);
            bytes
        }),
        ("DataValue", [23, 1].repeat(levels)),
        ("Variant", VARIANT_ARRAY.repeat(levels)),
        (
            "DataValue in Variant",
            [&[23, 1][..], &VARIANT_ARRAY].concat().repeat(levels),
        ),
        ("ExtensionObject", extension_objects()),
    ]
}

/// What a worker's stack has touched stays in use: so much for so many levels.
pub fn stacks(levels: usize) -> usize {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    workers * levels * (WORKER_STACK_SIZE / MAX_REQUEST_SIZE)
}

/// It is refused in words, or the connection is ended, and nothing else.
fn is_refused(answer: &Answer, what: &str) {
    let is_bad = answer.refusal().is_none_or(|status| status.is_bad());
    assert!(
        is_bad || matches!(answer, Answer::Chunk(..)),
        "{what}: {answer:?}"
    );
}

#[test]
fn values_in_values_before_a_login() {
    let siege = Siege::open();
    for levels in [100, 4_000, 30_000] {
        for (what, variant) in nested(levels) {
            let mut raw = Raw::open(siege.address());
            let request = write(&raw, &variant);
            let answer = raw.ask(ObjectId::WriteRequest_Encoding_DefaultBinary, &request);
            is_refused(&answer, what);
        }
    }
    siege.lift_with("30,000 levels before a login", stacks(30_000));
}

#[test]
fn values_in_values_after_a_login() {
    let siege = Siege::open();
    for (what, variant) in nested(60_000) {
        let mut raw = Raw::log_in(siege.address());
        let request = write(&raw, &variant);
        let answer = raw.ask_in_chunks(ObjectId::WriteRequest_Encoding_DefaultBinary, &request);
        is_refused(&answer, what);
    }
    siege.lift_with("60,000 levels after a login", stacks(60_000));
}

/// As deep as a request can be at all.
#[test]
fn a_megabyte_of_levels() {
    let siege = Siege::open();
    let mut raw = Raw::log_in(siege.address());
    let mut variant = vec![25];
    variant.extend(vec![0x40; 1_000_000]);
    variant.push(0);
    let request = write(&raw, &variant);
    let service = ObjectId::WriteRequest_Encoding_DefaultBinary;
    is_refused(&raw.ask_in_chunks(service, &request), "a megabyte");
    drop(raw);
    siege.lift_with("a megabyte of levels", stacks(1_000_000));
}

/// Operands of a filter that are ExtensionObjects with operands.
#[test]
fn operands_in_operands() {
    let siege = Siege::open();
    for levels in [1_000, 60_000] {
        let mut raw = Raw::log_in(siege.address());
        let filter = nested(levels).remove(4).1;
        let mut request = encoded(&raw.header());
        // Subscription, timestamps, one item: node, attribute, no range, no encoding, mode, handle, interval, filter.
        request.extend(1_u32.to_le_bytes());
        request.extend(2_u32.to_le_bytes());
        request.extend(1_i32.to_le_bytes());
        request.extend(encoded(&NodeId::from(ObjectId::Server)));
        request.extend((AttributeId::EventNotifier as u32).to_le_bytes());
        request.extend([0xff; 4]);
        request.extend([0, 0, 0xff, 0xff, 0xff, 0xff]);
        request.extend(2_u32.to_le_bytes());
        request.extend(1_u32.to_le_bytes());
        request.extend(0_f64.to_le_bytes());
        request.extend(&filter[1..]);
        request.extend([0; 5]);
        let service = ObjectId::CreateMonitoredItemsRequest_Encoding_DefaultBinary;
        is_refused(&raw.ask_in_chunks(service, &request), "operands");
    }
    siege.lift("operands in operands");
}

#[test]
fn paths_of_eight_thousand_elements() {
    let siege = Siege::open();
    let mut raw = Raw::log_in(siege.address());
    let element = RelativePathElement {
        reference_type_id: NodeId::new(0, 33),
        include_subtypes: true,
        target_name: opcua::types::QualifiedName::new(0, "Server"),
        ..RelativePathElement::default()
    };
    let path = BrowsePath {
        starting_node: ObjectTypeId::BaseObjectType.into(),
        relative_path: RelativePath {
            elements: Some(vec![element; 8_000]),
        },
    };
    for paths in [1, 4] {
        let asked = TranslateBrowsePathsToNodeIdsRequest {
            request_header: raw.header(),
            browse_paths: Some(vec![path.clone(); paths]),
        };
        let service = ObjectId::TranslateBrowsePathsToNodeIdsRequest_Encoding_DefaultBinary;
        let answer = raw.ask_in_chunks(service, &encoded(&asked));
        assert!(matches!(answer, Answer::Chunk(..)), "{answer:?}");
    }
    drop(raw);
    siege.lift("browse paths of 8,000 elements");
}
