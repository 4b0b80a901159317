//! Faults that the checker must find: each mutates a sound space and names a part of the finding.

use opcua::types::{
    DataTypeId, LocalizedText, NodeClass, NodeId, ObjectId, ObjectTypeId, QualifiedName,
    ReferenceTypeId, StatusCode, VariableTypeId, Variant,
};

use super::space::{Forward, Node, Space};

pub struct Fault {
    pub name: &'static str,
    /// Injects the fault into the instance at the given root.
    pub inject: fn(&mut Space, &NodeId),
    /// Must stand in a finding.
    pub finding: &'static str,
}

pub const FAULTS: &[Fault] = &[
    Fault {
        name: "a mandatory member is missing",
        inject: |space, root| {
            let equipment = id(space, root, "Equipment");
            node(space, root, "")
                .references
                .retain(|r| r.target != equipment);
        },
        finding: "Mandatory member 10:Equipment is missing",
    },
    Fault {
        name: "a mandatory member of a declaration is missing",
        inject: |space, root| {
            let mode = id(space, root, "Monitoring/MachineTool/OperationMode");
            node(space, root, "Monitoring/MachineTool")
                .references
                .retain(|r| r.target != mode);
        },
        finding: "Mandatory member 10:OperationMode is missing",
    },
    Fault {
        name: "another type definition than declared",
        inject: |space, root| {
            set_type(
                space,
                root,
                "Identification",
                ObjectTypeId::FolderType.into(),
            );
        },
        finding: "Identification: is a FolderType, declared a 11:MachineIdentificationAMType",
    },
    Fault {
        name: "no type definition",
        inject: |space, root| {
            node(space, root, "Equipment")
                .references
                .retain(|r| r.reference_type != ReferenceTypeId::HasTypeDefinition);
        },
        finding: "Equipment: has 0 type definitions",
    },
    Fault {
        name: "another node class than declared",
        inject: |space, root| node(space, root, "Notification").class = NodeClass::Variable,
        finding: "Notification: is a Variable, declared a Object",
    },
    Fault {
        name: "another data type than declared",
        inject: |space, root| {
            node(space, root, "Identification/SerialNumber").data_type = DataTypeId::Int32.into();
        },
        finding: "SerialNumber: has data type i=6, declared i=12",
    },
    Fault {
        name: "an abstract data type",
        inject: |space, root| {
            node(space, root, ANALOG).data_type = DataTypeId::Number.into();
        },
        finding: "AnalogSignal: has the abstract data type i=26",
    },
    Fault {
        name: "another rank than declared",
        inject: |space, root| node(space, root, "Identification/SerialNumber").value_rank = 1,
        finding: "SerialNumber: has rank 1, declared -1",
    },
    Fault {
        name: "a browse name in the wrong namespace",
        inject: |space, root| {
            node(space, root, "Equipment").browse_name = QualifiedName::new(13, "Equipment");
        },
        finding: "Equipment: browse name is in namespace 13, declared in 10",
    },
    Fault {
        name: "a placeholder's child in the wrong namespace",
        inject: |space, root| {
            node(space, root, "Monitoring/Process/Tool0Temperature").browse_name =
                QualifiedName::new(11, "Tool0Temperature");
        },
        finding: "Tool0Temperature: is an instance named in namespace 11",
    },
    Fault {
        name: "no display name",
        inject: |space, root| {
            node(space, root, "Equipment").display_name = LocalizedText::null();
        },
        finding: "Equipment: has no display name",
    },
    Fault {
        name: "an empty mandatory placeholder",
        inject: |space, root| {
            node(space, root, "Identification/SoftwareIdentification")
                .references
                .retain(|r| r.reference_type == ReferenceTypeId::HasTypeDefinition);
        },
        finding: "MandatoryPlaceholder member 10:<SoftwareItem> is missing",
    },
    Fault {
        name: "two children of one name",
        inject: |space, root| {
            let serial = node(space, root, "Identification/SerialNumber")
                .browse_name
                .clone();
            node(space, root, "Identification/Manufacturer").browse_name = serial;
        },
        finding: "two children are named 2:SerialNumber",
    },
    Fault {
        name: "a member that nobody declares",
        inject: |space, root| {
            node(space, root, "Equipment/Tools").browse_name = QualifiedName::new(10, "Hammers");
        },
        finding: "Hammers: is no member of the type and fills no placeholder",
    },
    Fault {
        name: "another reference type than declared",
        inject: |space, root| {
            let equipment = id(space, root, "Equipment");
            for reference in &mut node(space, root, "").references {
                if reference.target == equipment {
                    reference.reference_type = ReferenceTypeId::Organizes.into();
                }
            }
        },
        finding: "Equipment: the reference is of another type than declared",
    },
    Fault {
        name: "a modelling rule on an instance",
        inject: |space, root| {
            node(space, root, "Equipment").references.push(Forward {
                reference_type: ReferenceTypeId::HasModellingRule.into(),
                target: ObjectId::ModellingRule_Mandatory.into(),
            });
        },
        finding: "Equipment: an instance has a modelling rule",
    },
    Fault {
        name: "Good without a value",
        inject: |space, root| {
            let value = &mut node(space, root, "Identification/SerialNumber").value;
            value.value = None;
            value.status = Some(StatusCode::Good);
        },
        finding: "SerialNumber: Good without a value",
    },
    Fault {
        name: "Bad with a value",
        inject: |space, root| {
            node(space, root, "Identification/SerialNumber")
                .value
                .status = Some(StatusCode::BadNoData);
        },
        finding: "SerialNumber: BadNoData with a value",
    },
    Fault {
        name: "a value of another built-in type",
        inject: |space, root| {
            node(space, root, "Identification/SerialNumber").value.value = Some(Variant::Int32(7));
        },
        finding: "SerialNumber: value Int32(7) is not of type i=12",
    },
    Fault {
        name: "an array in a scalar",
        inject: |space, root| {
            node(space, root, "Identification/SerialNumber").value.value =
                Some(Variant::from(vec!["a".to_owned()]));
        },
        finding: "SerialNumber: value rank -1 but array = true",
    },
    Fault {
        name: "a number that its enumeration does not name",
        inject: |space, root| {
            node(space, root, "Monitoring/MachineTool/OperationMode")
                .value
                .value = Some(Variant::Int32(99));
        },
        finding: "OperationMode: value Int32(99) is not of type",
    },
    Fault {
        name: "a state id of another type",
        inject: |space, root| {
            node(space, root, &format!("{STATE}/CurrentState/Id"))
                .value
                .value = Some(Variant::from(NodeId::from(ObjectId::Server)));
        },
        finding: "CurrentState/Id i=2253 is no state of the type",
    },
    Fault {
        name: "a state number of another state",
        inject: |space, root| {
            node(space, root, &format!("{STATE}/CurrentState/Number"))
                .value
                .value = Some(Variant::UInt32(77));
        },
        finding: "CurrentState/Number Some(UInt32(77)), type says",
    },
    Fault {
        name: "a state text of another state",
        inject: |space, root| {
            node(space, root, &format!("{STATE}/CurrentState"))
                .value
                .value = Some(Variant::from(LocalizedText::new("en", "Dancing")));
        },
        finding: "its Id 4:",
    },
    Fault {
        name: "a property that is none",
        inject: |space, root| {
            set_type(
                space,
                root,
                "Identification/SerialNumber",
                VariableTypeId::BaseDataVariableType.into(),
            );
        },
        finding: "SerialNumber: is a BaseDataVariableType, declared a PropertyType",
    },
    Fault {
        name: "a variable that nobody may read",
        inject: |space, root| node(space, root, "Identification/SerialNumber").access_level = 0,
        finding: "SerialNumber: is not readable",
    },
    Fault {
        name: "a mandatory method is missing",
        inject: |space, root| {
            let method = id(space, root, &by_id(""));
            node(space, root, RESULTS)
                .references
                .retain(|r| r.target != method);
        },
        finding: "Mandatory member 8:RequestJobResponseByJobOrderID is missing",
    },
    Fault {
        name: "a method without its arguments",
        inject: |space, root| node(space, root, &by_id("")).references.clear(),
        finding: "RequestJobResponseByJobOrderID: Mandatory member InputArguments is missing",
    },
    Fault {
        name: "other arguments than declared",
        inject: |space, root| {
            let other = node(space, root, &by_id("/InputArguments")).value.clone();
            node(space, root, &by_id("/OutputArguments")).value = other;
        },
        finding: "RequestJobResponseByJobOrderID: OutputArguments differ from the declaration's",
    },
];

const RESULTS: &str = "MachineryBuildingBlocks/JobManagement/JobOrderResults";
const ANALOG: &str = "Monitoring/Process/Tool0Temperature/AnalogSignal";
const STATE: &str = "MachineryBuildingBlocks/MachineryItemState";

fn by_id(member: &str) -> String {
    format!("{RESULTS}/RequestJobResponseByJobOrderID{member}")
}

fn id(space: &Space, root: &NodeId, path: &str) -> NodeId {
    let mut current = space.get(root).expect("root");
    for name in path.split('/').filter(|n| !n.is_empty()) {
        current = space
            .child(current, name)
            .unwrap_or_else(|| panic!("{path}: no {name}"));
    }
    current.id.clone()
}

fn node<'a>(space: &'a mut Space, root: &NodeId, path: &str) -> &'a mut Node {
    let id = id(space, root, path);
    space.nodes.get_mut(&id).expect("just found")
}

fn set_type(space: &mut Space, root: &NodeId, path: &str, type_definition: NodeId) {
    for reference in &mut node(space, root, path).references {
        if reference.reference_type == ReferenceTypeId::HasTypeDefinition {
            reference.target = type_definition.clone();
        }
    }
}
