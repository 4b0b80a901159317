//! The structures themselves, field by field in the order of their DataTypeDefinitions, which is the order on the
//! wire.

use opcua::types::{
    BinaryDecodable, BinaryEncodable, DateTime, EUInformation, ExpandedMessageInfo, ExpandedNodeId,
    LocalizedText, NodeId, RelativePath, UAString, UaNullable, Variant, XmlEncodable, XmlType,
};

use super::list::List;
use crate::umati::ids::Numeric;
use crate::umati::namespaces as ns;

/// A structure whose bodies can be told by the NodeId of its encoding.
pub trait Structure: BinaryEncodable + BinaryDecodable {
    /// The DataType node.
    const DATA_TYPE: Numeric;
    /// Its `Default Binary`, which stands before a body on the wire.
    const BINARY: Numeric;
}

/// Declares the NodeIds of a structure: data type, Default Binary, Default XML, Default JSON.
macro_rules! identified {
    ($name:ident, $namespace:expr, $data_type:literal, $binary:literal, $xml:literal, $json:literal) => {
        impl Structure for $name {
            const DATA_TYPE: Numeric = Numeric($namespace, $data_type);
            const BINARY: Numeric = Numeric($namespace, $binary);
        }

        impl ExpandedMessageInfo for $name {
            fn full_type_id(&self) -> ExpandedNodeId {
                NodeId::from(Self::BINARY).into()
            }

            fn full_json_type_id(&self) -> ExpandedNodeId {
                NodeId::new($namespace, $json as u32).into()
            }

            fn full_xml_type_id(&self) -> ExpandedNodeId {
                NodeId::new($namespace, $xml as u32).into()
            }

            fn full_data_type_id(&self) -> ExpandedNodeId {
                NodeId::from(Self::DATA_TYPE).into()
            }
        }
    };
}

identified!(Property, ns::JOB_CONTROL, 3002, 5002, 5003, 5004);
identified!(Parameter, ns::JOB_CONTROL, 3003, 5005, 5006, 5007);
identified!(Equipment, ns::JOB_CONTROL, 3005, 5008, 5009, 5010);
identified!(State, ns::JOB_CONTROL, 3006, 5029, 5030, 5031);
identified!(WorkMaster, ns::JOB_CONTROL, 3007, 5011, 5012, 5013);
identified!(JobOrder, ns::JOB_CONTROL, 3008, 5014, 5015, 5016);
identified!(Material, ns::JOB_CONTROL, 3010, 5017, 5018, 5019);
identified!(Personnel, ns::JOB_CONTROL, 3011, 5020, 5021, 5022);
identified!(PhysicalAsset, ns::JOB_CONTROL, 3012, 5023, 5024, 5025);
identified!(JobResponse, ns::JOB_CONTROL, 3013, 5026, 5027, 5028);
identified!(JobOrderAndState, ns::JOB_CONTROL, 3015, 5032, 5033, 5034);
identified!(RunInfo, ns::ADDITIVE_MANUFACTURING, 3001, 5036, 5037, 5038);

/// ISA95PropertyDataType: a property of a resource.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Default,
    BinaryEncodable,
    BinaryDecodable,
    UaNullable,
    XmlEncodable,
    XmlType,
)]
#[opcua(rename = "ISA95PropertyDataType")]
pub struct Property {
    #[opcua(rename = "ID")]
    pub id: UAString,
    /// Any data type, scalar or array.
    pub value: Variant,
    #[opcua(optional)]
    pub description: Option<List<LocalizedText>>,
    #[opcua(optional)]
    pub engineering_units: Option<EUInformation>,
    #[opcua(optional)]
    pub subproperties: Option<List<Property>>,
}

/// ISA95ParameterDataType: a parameter of a job, or what is told of one.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Default,
    BinaryEncodable,
    BinaryDecodable,
    UaNullable,
    XmlEncodable,
    XmlType,
)]
#[opcua(rename = "ISA95ParameterDataType")]
pub struct Parameter {
    #[opcua(rename = "ID")]
    pub id: UAString,
    /// Any data type, scalar or array.
    pub value: Variant,
    #[opcua(optional)]
    pub description: Option<List<LocalizedText>>,
    #[opcua(optional)]
    pub engineering_units: Option<EUInformation>,
    #[opcua(optional)]
    pub subparameters: Option<List<Parameter>>,
}

/// ISA95EquipmentDataType: equipment that a job needs or used.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Default,
    BinaryEncodable,
    BinaryDecodable,
    UaNullable,
    XmlEncodable,
    XmlType,
)]
#[opcua(rename = "ISA95EquipmentDataType")]
pub struct Equipment {
    #[opcua(rename = "ID")]
    pub id: UAString,
    #[opcua(optional)]
    pub description: Option<List<LocalizedText>>,
    #[opcua(optional)]
    pub equipment_use: Option<UAString>,
    /// DecimalString.
    #[opcua(optional)]
    pub quantity: Option<UAString>,
    #[opcua(optional)]
    pub engineering_units: Option<EUInformation>,
    #[opcua(optional)]
    pub properties: Option<List<Property>>,
}

/// ISA95PhysicalAssetDataType: a physical asset that a job needs or used.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Default,
    BinaryEncodable,
    BinaryDecodable,
    UaNullable,
    XmlEncodable,
    XmlType,
)]
#[opcua(rename = "ISA95PhysicalAssetDataType")]
pub struct PhysicalAsset {
    #[opcua(rename = "ID")]
    pub id: UAString,
    #[opcua(optional)]
    pub description: Option<List<LocalizedText>>,
    #[opcua(optional)]
    pub physical_asset_use: Option<UAString>,
    /// DecimalString.
    #[opcua(optional)]
    pub quantity: Option<UAString>,
    #[opcua(optional)]
    pub engineering_units: Option<EUInformation>,
    #[opcua(optional)]
    pub properties: Option<List<Property>>,
}

/// ISA95PersonnelDataType: people that a job needs or kept busy.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Default,
    BinaryEncodable,
    BinaryDecodable,
    UaNullable,
    XmlEncodable,
    XmlType,
)]
#[opcua(rename = "ISA95PersonnelDataType")]
pub struct Personnel {
    #[opcua(rename = "ID")]
    pub id: UAString,
    #[opcua(optional)]
    pub description: Option<List<LocalizedText>>,
    #[opcua(optional)]
    pub personnel_use: Option<UAString>,
    /// DecimalString.
    #[opcua(optional)]
    pub quantity: Option<UAString>,
    #[opcua(optional)]
    pub engineering_units: Option<EUInformation>,
    #[opcua(optional)]
    pub properties: Option<List<Property>>,
}

/// ISA95MaterialDataType: material that a job needs, consumed or produced.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Default,
    BinaryEncodable,
    BinaryDecodable,
    UaNullable,
    XmlEncodable,
    XmlType,
)]
#[opcua(rename = "ISA95MaterialDataType")]
pub struct Material {
    #[opcua(optional, rename = "MaterialClassID")]
    pub material_class_id: Option<UAString>,
    #[opcua(optional, rename = "MaterialDefinitionID")]
    pub material_definition_id: Option<UAString>,
    #[opcua(optional, rename = "MaterialLotID")]
    pub material_lot_id: Option<UAString>,
    #[opcua(optional, rename = "MaterialSublotID")]
    pub material_sublot_id: Option<UAString>,
    #[opcua(optional)]
    pub description: Option<List<LocalizedText>>,
    #[opcua(optional)]
    pub material_use: Option<UAString>,
    /// DecimalString.
    #[opcua(optional)]
    pub quantity: Option<UAString>,
    #[opcua(optional)]
    pub engineering_units: Option<EUInformation>,
    #[opcua(optional)]
    pub properties: Option<List<Property>>,
}

/// ISA95StateDataType: one state of a job order, top-level or sub-state.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Default,
    BinaryEncodable,
    BinaryDecodable,
    UaNullable,
    XmlEncodable,
    XmlType,
)]
#[opcua(rename = "ISA95StateDataType")]
pub struct State {
    /// Null for a top-level state, else the way to the state machine of the sub-states.
    pub browse_path: RelativePath,
    pub state_text: LocalizedText,
    pub state_number: u32,
}

/// ISA95WorkMasterDataType: something that can be ordered, here a printable file.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Default,
    BinaryEncodable,
    BinaryDecodable,
    UaNullable,
    XmlEncodable,
    XmlType,
)]
#[opcua(rename = "ISA95WorkMasterDataType")]
pub struct WorkMaster {
    #[opcua(rename = "ID")]
    pub id: UAString,
    #[opcua(optional)]
    pub description: Option<LocalizedText>,
    #[opcua(optional)]
    pub parameters: Option<List<Parameter>>,
}

/// ISA95JobOrderDataType: what is to be done.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Default,
    BinaryEncodable,
    BinaryDecodable,
    UaNullable,
    XmlEncodable,
    XmlType,
)]
#[opcua(rename = "ISA95JobOrderDataType")]
pub struct JobOrder {
    #[opcua(rename = "JobOrderID")]
    pub job_order_id: UAString,
    #[opcua(optional)]
    pub description: Option<List<LocalizedText>>,
    #[opcua(optional, rename = "WorkMasterID")]
    pub work_master_id: Option<List<WorkMaster>>,
    #[opcua(optional)]
    pub start_time: Option<DateTime>,
    #[opcua(optional)]
    pub end_time: Option<DateTime>,
    #[opcua(optional)]
    pub priority: Option<i16>,
    #[opcua(optional)]
    pub job_order_parameters: Option<List<Parameter>>,
    #[opcua(optional)]
    pub personnel_requirements: Option<List<Personnel>>,
    #[opcua(optional)]
    pub equipment_requirements: Option<List<Equipment>>,
    #[opcua(optional)]
    pub physical_asset_requirements: Option<List<PhysicalAsset>>,
    #[opcua(optional)]
    pub material_requirements: Option<List<Material>>,
}

/// ISA95JobOrderAndStateDataType: an entry of JobOrderList.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Default,
    BinaryEncodable,
    BinaryDecodable,
    UaNullable,
    XmlEncodable,
    XmlType,
)]
#[opcua(rename = "ISA95JobOrderAndStateDataType")]
pub struct JobOrderAndState {
    pub job_order: JobOrder,
    /// The top-level state first, then its sub-state if it has one.
    pub state: List<State>,
}

/// ISA95JobResponseDataType: what became of a job order, an entry of JobOrderResponseList.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Default,
    BinaryEncodable,
    BinaryDecodable,
    UaNullable,
    XmlEncodable,
    XmlType,
)]
#[opcua(rename = "ISA95JobResponseDataType")]
pub struct JobResponse {
    #[opcua(rename = "JobResponseID")]
    pub job_response_id: UAString,
    #[opcua(optional)]
    pub description: Option<LocalizedText>,
    #[opcua(rename = "JobOrderID")]
    pub job_order_id: UAString,
    #[opcua(optional)]
    pub start_time: Option<DateTime>,
    #[opcua(optional)]
    pub end_time: Option<DateTime>,
    /// The top-level state first, then its sub-state if it has one.
    pub job_state: List<State>,
    #[opcua(optional)]
    pub job_response_data: Option<List<Parameter>>,
    #[opcua(optional)]
    pub personnel_actuals: Option<List<Personnel>>,
    #[opcua(optional)]
    pub equipment_actuals: Option<List<Equipment>>,
    #[opcua(optional)]
    pub physical_asset_actuals: Option<List<PhysicalAsset>>,
    #[opcua(optional)]
    pub material_actuals: Option<List<Material>>,
}

/// am:RunInfoDataType: one run of a job (40540 §11.6).
#[derive(
    Debug,
    Clone,
    PartialEq,
    Default,
    BinaryEncodable,
    BinaryDecodable,
    UaNullable,
    XmlEncodable,
    XmlType,
)]
#[opcua(rename = "RunInfoDataType")]
pub struct RunInfo {
    #[opcua(optional)]
    pub current_layer: Option<u32>,
    pub identifier: UAString,
    pub state: State,
    /// A Duration: milliseconds (OPC 10000-3 §8.13), although the text of 40540 says seconds.
    #[opcua(optional)]
    pub remaining_time: Option<f64>,
}
