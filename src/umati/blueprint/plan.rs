//! What a machine has beyond the mandatory nodes of its type.

use opcua::types::{NodeId, QualifiedName, ReferenceTypeId};

use crate::umati::namespaces;

/// Node id of the folder `Machines` (OPC 40001-1 §10).
const MACHINES: u32 = 1001;

/// The order for a blueprint. Equal plans give equal blueprints, so a plan is the key under which machines of one
/// shape share theirs.
///
/// Paths are browse names without namespace, joined by `/`; `""` is the root. The order of the calls does not
/// matter, but that children appear in the order in which they were added.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Plan {
    pub(super) type_definition: NodeId,
    pub(super) name_namespace: u16,
    pub(super) anchor: NodeId,
    pub(super) anchor_reference: NodeId,
    pub(super) includes: Vec<Box<str>>,
    pub(super) additions: Vec<Addition>,
    /// Path of an object, interface type.
    pub(super) interfaces: Vec<(Box<str>, NodeId)>,
    pub(super) aliases: Vec<Alias>,
    pub(super) links: Vec<Link>,
    pub(super) adjustments: Vec<(Box<str>, Adjustment)>,
    /// Paths of what only those may see who control the machine.
    pub(super) controls: Vec<Box<str>>,
}

/// A node that the types do not name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Addition {
    pub parent: Box<str>,
    pub name: QualifiedName,
    pub type_definition: NodeId,
    pub role: Role,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Role {
    /// An instance of a placeholder of the parent's type.
    Placeholder,
    /// An object or a variable beyond the type, as the type definition is of one or the other.
    Extra { reference_type: NodeId },
    /// A variable beyond the type with its own data type.
    ExtraVariable {
        reference_type: NodeId,
        data_type: NodeId,
        value_rank: i32,
    },
}

/// One node below two parents, for example the shared AddIns of MachineryBuildingBlocks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Alias {
    pub parent: Box<str>,
    pub existing: Box<str>,
    pub reference_type: NodeId,
}

/// A reference between two nodes that makes neither the parent of the other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Link {
    pub from: Box<str>,
    pub to: Box<str>,
    pub reference_type: NodeId,
}

/// An attribute that differs from what the type says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Adjustment {
    Narrow { data_type: NodeId, value_rank: i32 },
    Access(u8),
    SamplingMs(u32),
    EventNotifier(u8),
}

impl Plan {
    /// All mandatory nodes of a type, below `Machines`.
    pub fn new(type_definition: impl Into<NodeId>) -> Self {
        Self {
            type_definition: type_definition.into(),
            name_namespace: namespaces::INSTANCES,
            anchor: NodeId::new(namespaces::MACHINERY, MACHINES),
            anchor_reference: ReferenceTypeId::Organizes.into(),
            includes: Vec::new(),
            additions: Vec::new(),
            interfaces: Vec::new(),
            aliases: Vec::new(),
            links: Vec::new(),
            adjustments: Vec::new(),
            controls: Vec::new(),
        }
    }

    /// Where the root stands, if not `Machines --Organizes-->`.
    pub fn anchor(
        &mut self,
        folder: impl Into<NodeId>,
        reference_type: impl Into<NodeId>,
    ) -> &mut Self {
        self.anchor = folder.into();
        self.anchor_reference = reference_type.into();
        self
    }

    /// Namespace of the root's browse name, if not the one of the instances.
    pub fn named_in(&mut self, namespace: u16) -> &mut Self {
        self.name_namespace = namespace;
        self
    }

    /// An optional member, with each optional step on the way to it.
    pub fn include(&mut self, path: &str) -> &mut Self {
        self.includes.push(path.into());
        self
    }

    /// An optional member that only those may see who control the machine.
    pub fn include_control(&mut self, path: &str) -> &mut Self {
        self.controls.push(path.into());
        self.include(path)
    }

    /// An instance of a placeholder of the parent's type; the placeholder's reference type is used. The parent is
    /// included.
    pub fn add(
        &mut self,
        parent: &str,
        name: QualifiedName,
        type_definition: impl Into<NodeId>,
    ) -> &mut Self {
        self.push(parent, name, type_definition.into(), Role::Placeholder)
    }

    /// A component that the parent's type does not know.
    pub fn add_component(
        &mut self,
        parent: &str,
        name: QualifiedName,
        type_definition: impl Into<NodeId>,
    ) -> &mut Self {
        self.add_in(parent, name, ReferenceTypeId::HasComponent, type_definition)
    }

    /// An object (or variable, if the type is a variable type) that the parent's type does not know.
    pub fn add_in(
        &mut self,
        parent: &str,
        name: QualifiedName,
        reference_type: impl Into<NodeId>,
        type_definition: impl Into<NodeId>,
    ) -> &mut Self {
        let reference_type = reference_type.into();
        let role = Role::Extra { reference_type };
        self.push(parent, name, type_definition.into(), role)
    }

    /// A variable that the parent's type does not know. `value_rank` as in OPC 10000-3 §5.6.2.
    pub fn add_variable(
        &mut self,
        parent: &str,
        name: QualifiedName,
        reference_type: impl Into<NodeId>,
        type_definition: impl Into<NodeId>,
        data_type: impl Into<NodeId>,
        value_rank: i32,
    ) -> &mut Self {
        let role = Role::ExtraVariable {
            reference_type: reference_type.into(),
            data_type: data_type.into(),
            value_rank,
        };
        self.push(parent, name, type_definition.into(), role)
    }

    /// An interface that an object has beyond its type: its members become members of that object.
    pub fn implement(&mut self, path: &str, interface: impl Into<NodeId>) -> &mut Self {
        self.interfaces.push((path.into(), interface.into()));
        self
    }

    /// A second hierarchical reference to a node that stands elsewhere. The type's own member of that name and
    /// parent, if any, is thereby provided.
    pub fn alias(
        &mut self,
        parent: &str,
        existing: &str,
        reference_type: impl Into<NodeId>,
    ) -> &mut Self {
        self.aliases.push(Alias {
            parent: parent.into(),
            existing: existing.into(),
            reference_type: reference_type.into(),
        });
        self
    }

    /// A reference between two nodes that stand elsewhere, for example HasNotifier (OPC 10000-3 §7.17): it tells from
    /// where events come, and makes no child.
    pub fn link(&mut self, from: &str, to: &str, reference_type: impl Into<NodeId>) -> &mut Self {
        self.links.push(Link {
            from: from.into(),
            to: to.into(),
            reference_type: reference_type.into(),
        });
        self
    }

    /// A data type and rank within those that the type allows.
    pub fn narrow(
        &mut self,
        path: &str,
        data_type: impl Into<NodeId>,
        value_rank: i32,
    ) -> &mut Self {
        let data_type = data_type.into();
        self.adjust(
            path,
            Adjustment::Narrow {
                data_type,
                value_rank,
            },
        )
    }

    /// AccessLevel bits of a variable, OPC 10000-3 §8.57; without this, a variable can only be read.
    pub fn access(&mut self, path: &str, bits: u8) -> &mut Self {
        self.adjust(path, Adjustment::Access(bits))
    }

    /// MinimumSamplingInterval of a variable in milliseconds; without this, 0: changes are reported as they come.
    pub fn sampling(&mut self, path: &str, ms: u32) -> &mut Self {
        self.adjust(path, Adjustment::SamplingMs(ms))
    }

    /// Clients can subscribe to events of this object.
    pub fn event_notifier(&mut self, path: &str) -> &mut Self {
        const SUBSCRIBE_TO_EVENTS: u8 = 1;
        self.adjust(path, Adjustment::EventNotifier(SUBSCRIBE_TO_EVENTS))
    }

    fn push(
        &mut self,
        parent: &str,
        name: QualifiedName,
        type_definition: NodeId,
        role: Role,
    ) -> &mut Self {
        self.additions.push(Addition {
            parent: parent.into(),
            name,
            type_definition,
            role,
        });
        self
    }

    fn adjust(&mut self, path: &str, adjustment: Adjustment) -> &mut Self {
        self.adjustments.push((path.into(), adjustment));
        self
    }
}

/// Parent path and name → path.
pub(super) fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() {
        name.to_owned()
    } else {
        format!("{parent}/{name}")
    }
}

/// The parent's path and the last name of a path; the root has none.
pub(super) fn split(path: &str) -> Option<(&str, &str)> {
    if path.is_empty() {
        None
    } else {
        Some(path.rsplit_once('/').unwrap_or(("", path)))
    }
}
