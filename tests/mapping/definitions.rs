//! The structures have the fields, and the encodings, that the NodeSets define.

use std::io::Write;

use opcua::types::xml::{XmlEncodable, XmlStreamWriter};
use opcua::types::{Context, DecodingOptions, NamespaceMap, TypeLoaderCollection};
use roxmltree::{Document, Node};
use umati_bridge::machine::OrderState;
use umati_bridge::umati::isa95::types::*;
use umati_bridge::umati::isa95::{codec, states};

use crate::samples;

const JOB_CONTROL: &str = include_str!("../../nodesets/opc.ua.isa95-jobcontrol.nodeset2.xml");
const ADDITIVE: &str = include_str!("../../nodesets/Opc.Ua.AdditiveManufacturing.Nodeset2.xml");

/// The fields in the order in which a structure writes them. They must all be set.
fn written(structure: &impl XmlEncodable) -> Vec<String> {
    let (uris, loaders) = (NamespaceMap::new(), TypeLoaderCollection::new());
    let context = Context::new(&uris, &loaders, DecodingOptions::default());
    let mut xml = Vec::new();
    let mut writer = XmlStreamWriter::new(&mut xml as &mut dyn Write);
    writer.write_start("All").unwrap();
    XmlEncodable::encode(structure, &mut writer, &context).unwrap();
    writer.write_end("All").unwrap();
    let xml = String::from_utf8(xml).unwrap();
    let document = Document::parse(&xml).unwrap();
    let fields = document.root_element().children();
    let fields = fields.filter(Node::is_element);
    let names = fields.map(|field| field.tag_name().name().to_owned());
    names.filter(|name| name != "EncodingMask").collect()
}

fn assert_as_defined<T: Structure + XmlEncodable>(nodeset: &Document, name: &str, sample: &T) {
    let types = nodeset.root_element().children();
    let definition = types
        .filter(|node| node.tag_name().name() == "UADataType")
        .find(|node| node.attribute("BrowseName") == Some(&format!("1:{name}")))
        .unwrap_or_else(|| panic!("no {name}"));
    let id = definition.attribute("NodeId").unwrap();
    assert_eq!(id, format!("ns=1;i={}", T::DATA_TYPE.1), "{name}");

    let fields: Vec<Node> = definition
        .descendants()
        .filter(|node| node.tag_name().name() == "Field")
        .collect();
    let defined: Vec<_> = fields
        .iter()
        .map(|field| field.attribute("Name").unwrap().to_owned())
        .collect();
    assert_eq!(written(sample), defined, "{name}");
    let optional = fields
        .iter()
        .filter(|field| field.attribute("IsOptional") == Some("true"))
        .count();
    let body = codec::encode(sample).unwrap();
    if optional > 0 {
        let mask = u32::from_le_bytes(body[..4].try_into().unwrap());
        assert_eq!(mask, (1 << optional) - 1, "{name}: optional fields");
    }

    let encoding = format!("ns=1;i={}", T::BINARY.1);
    let mut objects = nodeset.root_element().children();
    let encoding = objects.find(|node| node.attribute("NodeId") == Some(&encoding));
    let encoding = encoding.unwrap_or_else(|| panic!("{name}: no encoding"));
    assert_eq!(encoding.attribute("BrowseName"), Some("Default Binary"));
    assert!(
        encoding.descendants().any(|node| node.text() == Some(id)),
        "{name} has another encoding"
    );
}

#[test]
fn structures_are_as_the_nodesets_define_them() {
    let jobs = Document::parse(JOB_CONTROL).unwrap();
    let order = samples::full_job_order("a");
    let parameter = order.job_order_parameters.as_ref().unwrap().last().unwrap();
    let equipment = order.equipment_requirements.as_ref().unwrap()[0].clone();
    let property = equipment.properties.as_ref().unwrap()[0].clone();
    let master = order.work_master_id.as_ref().unwrap()[0].clone();
    let personnel = order.personnel_requirements.as_ref().unwrap()[0].clone();
    let asset = order.physical_asset_requirements.as_ref().unwrap()[0].clone();
    let material = order.material_requirements.as_ref().unwrap()[0].clone();
    // A null BrowsePath is written as nothing.
    let state = states::states(OrderState::Ended).0.remove(1);
    let response = JobResponse {
        job_response_id: "r".into(),
        description: Some("d".into()),
        job_order_id: "a".into(),
        start_time: order.start_time,
        end_time: order.end_time,
        job_state: vec![state.clone()].into(),
        job_response_data: order.job_order_parameters.clone(),
        personnel_actuals: order.personnel_requirements.clone(),
        equipment_actuals: order.equipment_requirements.clone(),
        physical_asset_actuals: order.physical_asset_requirements.clone(),
        material_actuals: order.material_requirements.clone(),
    };
    let both = JobOrderAndState {
        job_order: order.clone(),
        state: vec![state.clone()].into(),
    };
    assert_as_defined(&jobs, "ISA95PropertyDataType", &property);
    assert_as_defined(&jobs, "ISA95ParameterDataType", parameter);
    assert_as_defined(&jobs, "ISA95EquipmentDataType", &equipment);
    assert_as_defined(&jobs, "ISA95StateDataType", &state);
    assert_as_defined(&jobs, "ISA95WorkMasterDataType", &master);
    assert_as_defined(&jobs, "ISA95JobOrderDataType", &order);
    assert_as_defined(&jobs, "ISA95MaterialDataType", &material);
    assert_as_defined(&jobs, "ISA95PersonnelDataType", &personnel);
    assert_as_defined(&jobs, "ISA95PhysicalAssetDataType", &asset);
    assert_as_defined(&jobs, "ISA95JobResponseDataType", &response);
    assert_as_defined(&jobs, "ISA95JobOrderAndStateDataType", &both);

    let additive = Document::parse(ADDITIVE).unwrap();
    let run = RunInfo {
        current_layer: Some(1),
        identifier: "r#1".into(),
        state,
        remaining_time: Some(1.0),
    };
    assert_as_defined(&additive, "RunInfoDataType", &run);
}
