//! Values within values, tens of thousands deep: no decoder may run out of its stack. Without encryption, before and
//! after a login; the same over an encrypted channel is in `insiders`.

use opcua::types::{
    AttributeId, BrowsePath, NodeId, ObjectId, ObjectTypeId, RelativePath, RelativePathElement,
    TranslateBrowsePathsToNodeIdsRequest,
};

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

/// ExtensionObjects in one another. `begin`: what stands in the body of each before the next one.
fn extension_objects(id: ObjectId, begin: &[u8], levels: usize) -> Vec<u8> {
    let id = u16::try_from(id as u32).unwrap().to_le_bytes();
    // The NodeId of the type, and a body that is a ByteString: its length says how much is left.
    let level = 4 + 1 + 4 + begin.len();
    let mut bytes = Vec::with_capacity(levels * level);
    for left in (0..levels).rev() {
        let length = u32::try_from(left * level + begin.len()).unwrap();
        bytes.extend([1, 0, id[0], id[1], 1]);
        bytes.extend(length.to_le_bytes());
        bytes.extend(begin);
    }
    bytes
}

/// A LiteralOperand whose value is an ExtensionObject with a LiteralOperand ….
pub fn operands(levels: usize) -> Vec<u8> {
    let id = ObjectId::LiteralOperand_Encoding_DefaultBinary;
    extension_objects(id, &[22], levels)
}

/// An element of a filter with one operand, which is an element of a filter ….
pub fn elements(levels: usize) -> Vec<u8> {
    let id = ObjectId::ContentFilterElement_Encoding_DefaultBinary;
    extension_objects(id, &[0, 0, 0, 0, 1, 0, 0, 0], levels)
}

/// The content of an EventFilter, encoded: nothing is selected, and this is the one operand of its where clause.
pub fn event_filter(operand: &[u8]) -> Vec<u8> {
    let mut filter = vec![0xff; 4];
    // One element; its operator, and its operands.
    for number in [1_u32, 0, 1] {
        filter.extend(number.to_le_bytes());
    }
    filter.extend(operand);
    filter
}

/// Variants, encoded, that hold themselves so often.
pub fn nested(levels: usize) -> Vec<(&'static str, Vec<u8>)> {
    const VARIANT_ARRAY: [u8; 5] = [0x80 | 24, 1, 0, 0, 0];
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
        ("ExtensionObject", [vec![22], operands(levels)].concat()),
        (
            "ExtensionObject in array",
            [vec![22], elements(levels)].concat(),
        ),
    ]
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
    siege.lift_after("30,000 levels before a login", 30_000);
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
    siege.lift_after("60,000 levels after a login", 60_000);
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
    siege.lift_after("a megabyte of levels", 1_000_000);
}

#[test]
fn operands_in_operands() {
    let siege = Siege::open();
    for levels in [1_000, 60_000] {
        for operand in [operands(levels), elements(levels)] {
            let mut raw = Raw::log_in(siege.address());
            let filter = event_filter(&operand);
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
            let id = ObjectId::EventFilter_Encoding_DefaultBinary as u32;
            request.extend([1, 0]);
            request.extend(u16::try_from(id).unwrap().to_le_bytes());
            request.push(1);
            request.extend(super::raw::bytes(&filter));
            request.extend([0; 5]);
            let service = ObjectId::CreateMonitoredItemsRequest_Encoding_DefaultBinary;
            is_refused(&raw.ask_in_chunks(service, &request), "operands");
        }
    }
    siege.lift_after("operands in operands", 60_000);
}

/// Each holds as many elements as there are; encoded it has 160 kB.
pub fn browse_paths(paths: usize) -> Vec<BrowsePath> {
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
    vec![path; paths]
}

#[test]
fn paths_of_eight_thousand_elements() {
    let siege = Siege::open();
    let mut raw = Raw::log_in(siege.address());
    for paths in [1, 4] {
        let asked = TranslateBrowsePathsToNodeIdsRequest {
            request_header: raw.header(),
            browse_paths: Some(browse_paths(paths)),
        };
        let service = ObjectId::TranslateBrowsePathsToNodeIdsRequest_Encoding_DefaultBinary;
        let answer = raw.ask_in_chunks(service, &encoded(&asked));
        assert!(matches!(answer, Answer::Chunk(..)), "{answer:?}");
    }
    drop(raw);
    siege.lift("browse paths of 8,000 elements");
}
