//! The structures of job management as the foreign clients print them: fields under the names of the specification.

use opcua::types::{DateTime, EUInformation, ExtensionObject, LocalizedText, UAString, Variant};
use serde_json::{Value, json};
use umati_bridge::umati::isa95::List;
use umati_bridge::umati::isa95::types::*;

pub trait Json {
    fn json(&self) -> Value;
}

impl<T: Json> Json for Option<T> {
    fn json(&self) -> Value {
        self.as_ref().map_or(Value::Null, Json::json)
    }
}

impl<T: Json> Json for List<T> {
    fn json(&self) -> Value {
        self.iter().map(Json::json).collect()
    }
}

impl Json for UAString {
    fn json(&self) -> Value {
        self.value().as_deref().into()
    }
}

impl Json for DateTime {
    fn json(&self) -> Value {
        self.as_chrono().to_rfc3339().into()
    }
}

impl Json for i16 {
    fn json(&self) -> Value {
        (*self).into()
    }
}

impl Json for LocalizedText {
    fn json(&self) -> Value {
        json!({ "locale": self.locale.json(), "text": self.text.json() })
    }
}

impl Json for EUInformation {
    fn json(&self) -> Value {
        json!({
            "structure": "EUInformation",
            "NamespaceUri": self.namespace_uri.json(),
            "UnitId": self.unit_id,
            "DisplayName": self.display_name.json(),
            "Description": self.description.json(),
        })
    }
}

impl Json for Variant {
    fn json(&self) -> Value {
        match self {
            Self::Empty => Value::Null,
            Self::Boolean(value) => (*value).into(),
            Self::Int32(value) => (*value).into(),
            Self::UInt32(value) => (*value).into(),
            Self::Double(value) => (*value).into(),
            Self::String(text) => text.json(),
            Self::LocalizedText(text) => text.json(),
            Self::ExtensionObject(object) => object.json(),
            Self::Array(array) => array.values.iter().map(Json::json).collect(),
            other => panic!("{other:?} is in no sample"),
        }
    }
}

/// The only structure that stands in a parameter.
impl Json for ExtensionObject {
    fn json(&self) -> Value {
        let run: &RunInfo = self.inner_as().unwrap();
        json!({
            "structure": "RunInfoDataType",
            "CurrentLayer": run.current_layer,
            "Identifier": run.identifier.json(),
            "State": run.state.json(),
            "RemainingTime": run.remaining_time,
        })
    }
}

impl Json for State {
    fn json(&self) -> Value {
        let elements = self.browse_path.elements.iter().flatten();
        let elements: Vec<Value> = elements
            .map(|e| {
                json!({
                    "structure": "RelativePathElement",
                    "ReferenceTypeId": e.reference_type_id.to_string(),
                    "IsInverse": e.is_inverse,
                    "IncludeSubtypes": e.include_subtypes,
                    "TargetName": format!("{}:{}", e.target_name.namespace_index, e.target_name.name),
                })
            })
            .collect();
        json!({
            "structure": "ISA95StateDataType",
            "BrowsePath": { "structure": "RelativePath", "Elements": elements },
            "StateText": self.state_text.json(),
            "StateNumber": self.state_number,
        })
    }
}

/// A structure whose fields all know their JSON.
macro_rules! fields {
    ($structure:ident, $name:literal, { $($field:literal: $member:ident),* $(,)? }) => {
        impl Json for $structure {
            fn json(&self) -> Value {
                json!({ "structure": $name, $($field: self.$member.json()),* })
            }
        }
    };
}

fields!(Property, "ISA95PropertyDataType", {
    "ID": id, "Value": value, "Description": description,
    "EngineeringUnits": engineering_units, "Subproperties": subproperties,
});
fields!(Parameter, "ISA95ParameterDataType", {
    "ID": id, "Value": value, "Description": description,
    "EngineeringUnits": engineering_units, "Subparameters": subparameters,
});
fields!(Personnel, "ISA95PersonnelDataType", {
    "ID": id, "Description": description, "PersonnelUse": personnel_use, "Quantity": quantity,
    "EngineeringUnits": engineering_units, "Properties": properties,
});
fields!(Equipment, "ISA95EquipmentDataType", {
    "ID": id, "Description": description, "EquipmentUse": equipment_use, "Quantity": quantity,
    "EngineeringUnits": engineering_units, "Properties": properties,
});
fields!(PhysicalAsset, "ISA95PhysicalAssetDataType", {
    "ID": id, "Description": description, "PhysicalAssetUse": physical_asset_use,
    "Quantity": quantity, "EngineeringUnits": engineering_units, "Properties": properties,
});
fields!(Material, "ISA95MaterialDataType", {
    "MaterialClassID": material_class_id, "MaterialDefinitionID": material_definition_id,
    "MaterialLotID": material_lot_id, "MaterialSublotID": material_sublot_id,
    "Description": description, "MaterialUse": material_use, "Quantity": quantity,
    "EngineeringUnits": engineering_units, "Properties": properties,
});
fields!(WorkMaster, "ISA95WorkMasterDataType", {
    "ID": id, "Description": description, "Parameters": parameters,
});
fields!(JobOrder, "ISA95JobOrderDataType", {
    "JobOrderID": job_order_id, "Description": description, "WorkMasterID": work_master_id,
    "StartTime": start_time, "EndTime": end_time, "Priority": priority,
    "JobOrderParameters": job_order_parameters, "PersonnelRequirements": personnel_requirements,
    "EquipmentRequirements": equipment_requirements,
    "PhysicalAssetRequirements": physical_asset_requirements,
    "MaterialRequirements": material_requirements,
});
fields!(JobOrderAndState, "ISA95JobOrderAndStateDataType", {
    "JobOrder": job_order, "State": state,
});
fields!(JobResponse, "ISA95JobResponseDataType", {
    "JobResponseID": job_response_id, "Description": description, "JobOrderID": job_order_id,
    "StartTime": start_time, "EndTime": end_time, "JobState": job_state,
    "JobResponseData": job_response_data, "PersonnelActuals": personnel_actuals,
    "EquipmentActuals": equipment_actuals, "PhysicalAssetActuals": physical_asset_actuals,
    "MaterialActuals": material_actuals,
});

/// What two clients print of one value, made equal: a null, an empty text and an empty array are the same, and so
/// are the ways to write a time or a NodeId of the core. The encoding mask that one client shows is no field.
pub fn normal(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(name, _)| name != "Encoding")
            .map(|(name, value)| {
                let value = if name.ends_with("Time") && value.is_string() {
                    value.as_str().map(|text| text[..19].to_owned()).into()
                } else {
                    normal(value)
                };
                (name, value)
            })
            .filter(|(_, value)| !value.is_null())
            .collect(),
        Value::Array(elements) if !elements.is_empty() => {
            elements.into_iter().map(normal).collect()
        }
        Value::Array(_) => Value::Null,
        Value::String(text) if text.is_empty() => Value::Null,
        Value::String(text) => text.strip_prefix("ns=0;").unwrap_or(&text).into(),
        Value::Number(number) => number.as_f64().into(),
        other => other,
    }
}
