//! Compares an instance with its type definitions, from outside, as a strict client would.
//!
//! Pure over a downloaded [`Space`], so that faults can be injected into a copy of it. What is checked, and the
//! clause it comes from: mandatory members, node class, type, reference type, data type, rank, namespace of each
//! browse name, placeholders (OPC 10000-3 §6.2.6, §6.4.4), state ids and numbers (OPC 10000-16 §4.4), no Good null,
//! no duplicate browse name (OPC 10000-3 §6.3.3.2).

use std::collections::{HashMap, HashSet};

use opcua::types::{
    LocalizedText, NodeClass, NodeId, ObjectTypeId, QualifiedName, ReferenceTypeId, Variant,
};

use super::space::{Node, Space};

/// Namespaces in which an instance may have members that its type does not declare: our own types' and instances'.
pub struct Extension {
    pub vendor: u16,
    pub instances: u16,
}

/// A member that a type declares.
#[derive(Clone, Copy)]
struct Declared<'a> {
    node: &'a Node,
    reference: &'a NodeId,
    rule: Rule,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    Mandatory,
    Optional,
    MandatoryPlaceholder,
    OptionalPlaceholder,
}

/// Everything that is wrong with the instance at `root`, one line each; empty if it conforms.
pub fn check(space: &Space, root: &NodeId, extension: &Extension) -> Vec<String> {
    let mut check = Check {
        space,
        extension,
        findings: Vec::new(),
        seen: HashSet::new(),
        strangers: HashMap::new(),
    };
    match space.get(root) {
        Some(node) => check.instance(node, node.browse_name.name.as_ref(), &[]),
        None => check.findings.push(format!("{root} does not exist")),
    }
    let strangers = check.strangers.into_values();
    check.findings.extend(strangers);
    check.findings
}

pub(super) struct Check<'a> {
    pub(super) space: &'a Space,
    extension: &'a Extension,
    findings: Vec<String>,
    seen: HashSet<NodeId>,
    /// Children that no declaration knows so far, with the finding. A node with two parents is declared at both.
    strangers: HashMap<NodeId, String>,
}

impl<'a> Check<'a> {
    pub(super) fn find(&mut self, path: &str, finding: impl AsRef<str>) {
        self.findings.push(format!("{path}: {}", finding.as_ref()));
    }

    /// `declarations`: the declarations of this node in the types of its parents, nearest last.
    fn instance(&mut self, node: &'a Node, path: &str, declarations: &[&'a Node]) {
        if !self.seen.insert(node.id.clone()) {
            return self.declared_elsewhere(node, path, declarations);
        }
        if node.class == NodeClass::Method {
            return self.method(node, path, declarations);
        }
        let types: Vec<&Node> = self
            .space
            .targets(node, ReferenceTypeId::HasTypeDefinition)
            .collect();
        let [type_definition] = types[..] else {
            return self.find(path, format!("has {} type definitions", types.len()));
        };
        if self
            .space
            .targets(node, ReferenceTypeId::HasModellingRule)
            .next()
            .is_some()
        {
            self.find(path, "an instance has a modelling rule");
        }
        if node.display_name.text.is_empty() {
            self.find(path, "has no display name");
        }
        if node.class == NodeClass::Variable {
            self.value(node, path);
        }
        let declared = self.declared(node, Some(type_definition), declarations);
        self.members(node, path, &declared);
        self.state_machine(node, path, type_definition);
    }

    /// A node that another parent has, too, and what that parent's declaration says of its children.
    fn declared_elsewhere(&mut self, node: &'a Node, path: &str, declarations: &[&'a Node]) {
        let declared = self.declared(node, None, declarations);
        for (reference, child) in self.children(node) {
            let known = (declared.iter()).find(|d| d.node.browse_name == child.browse_name);
            if let Some(declaration) = known
                && self.strangers.remove(&child.id).is_some()
            {
                let path = format!("{path}/{}", child.browse_name.name);
                self.compare(&path, reference, child, declaration);
            }
        }
    }

    fn children(&self, node: &'a Node) -> Vec<(&'a NodeId, &'a Node)> {
        let held = node.references.iter();
        held.filter(|r| is_hierarchical(self.space, &r.reference_type))
            .filter_map(|r| Some((&r.reference_type, self.space.get(&r.target)?)))
            .collect()
    }

    /// A method has no type; its arguments are those of its declaration (OPC 10000-3 §5.7).
    fn method(&mut self, node: &'a Node, path: &str, declarations: &[&'a Node]) {
        if type_of(self.space, node).is_some() {
            self.find(path, "a method has a type definition");
        }
        let declared = self.declared(node, None, declarations);
        self.members(node, path, &declared);
        for member in &declared {
            let own = self
                .space
                .child(node, member.node.browse_name.name.as_ref());
            if own.is_some_and(|own| own.value.value != member.node.value.value) {
                let name = &member.node.browse_name;
                self.find(path, format!("{name} differ from the declaration's"));
            }
        }
    }

    /// All members that the type, its supertypes, its interfaces and the parents' declarations ask for; the most
    /// specific declaration of a browse name wins.
    fn declared(
        &self,
        node: &'a Node,
        type_definition: Option<&'a Node>,
        declarations: &[&'a Node],
    ) -> Vec<Declared<'a>> {
        let mut sources: Vec<&Node> = declarations.iter().rev().copied().collect();
        let mut types = type_definition.map_or_else(Vec::new, |t| self.space.supertypes(&t.id));
        for owner in std::iter::once(node).chain(types.clone()) {
            for interface in self.space.targets(owner, ReferenceTypeId::HasInterface) {
                types.extend(self.space.supertypes(&interface.id));
            }
        }
        sources.extend(types);
        let mut known: HashMap<&QualifiedName, usize> = HashMap::new();
        let mut members: Vec<Declared> = Vec::new();
        for source in sources {
            for member in self.own_members(source) {
                match known.get(&member.node.browse_name) {
                    None => {
                        known.insert(&member.node.browse_name, members.len());
                        members.push(member);
                    }
                    // A subtype may leave a member optional that its supertype makes mandatory only by mistake.
                    Some(&at) if member.rule == Rule::Mandatory => members[at].rule = member.rule,
                    Some(_) => {}
                }
            }
        }
        members
    }

    fn own_members(&self, source: &'a Node) -> impl Iterator<Item = Declared<'a>> {
        let space = self.space;
        source.references.iter().filter_map(move |reference| {
            if !is_hierarchical(space, &reference.reference_type) {
                return None;
            }
            let node = space.get(&reference.target)?;
            let rule = space
                .targets(node, ReferenceTypeId::HasModellingRule)
                .next()?;
            let rule = match rule.browse_name.name.as_ref() {
                "Mandatory" => Rule::Mandatory,
                "Optional" => Rule::Optional,
                "MandatoryPlaceholder" => Rule::MandatoryPlaceholder,
                "OptionalPlaceholder" => Rule::OptionalPlaceholder,
                _ => return None,
            };
            Some(Declared {
                node,
                reference: &reference.reference_type,
                rule,
            })
        })
    }

    fn members(&mut self, node: &'a Node, path: &str, declared: &[Declared<'a>]) {
        let children = self.children(node);

        let mut names = HashSet::new();
        for (_, child) in &children {
            if !names.insert(&child.browse_name) {
                self.find(
                    path,
                    format!("two children are named {}", child.browse_name),
                );
            }
        }
        for member in declared {
            let present = children.iter().any(|(_, child)| match member.rule {
                Rule::Mandatory => child.browse_name == member.node.browse_name,
                Rule::MandatoryPlaceholder => self.fits(child, member.node),
                Rule::Optional | Rule::OptionalPlaceholder => true,
            });
            let needed = matches!(member.rule, Rule::Mandatory | Rule::MandatoryPlaceholder);
            if needed && !present {
                let name = &member.node.browse_name;
                self.find(path, format!("{:?} member {name} is missing", member.rule));
            }
        }
        for (reference, child) in children {
            let child_path = format!("{path}/{}", child.browse_name.name);
            let declarations: Vec<&Declared> = declared
                .iter()
                .filter(|d| d.node.browse_name == child.browse_name)
                .collect();
            match declarations.first() {
                Some(declaration) => self.compare(&child_path, reference, child, declaration),
                None => self.undeclared(&child_path, node, reference, child, declared),
            }
            let nodes: Vec<&Node> = declarations.iter().map(|d| d.node).collect();
            self.instance(child, &child_path, &nodes);
        }
    }

    /// A child that stands in for a declared member.
    fn compare(&mut self, path: &str, reference: &NodeId, child: &Node, declared: &Declared) {
        let space = self.space;
        if !space.is_subtype(reference, declared.reference) {
            self.find(path, "the reference is of another type than declared");
        }
        if child.class != declared.node.class {
            return self.find(
                path,
                format!(
                    "is a {:?}, declared a {:?}",
                    child.class, declared.node.class
                ),
            );
        }
        if let (Some(own), Some(wanted)) = (type_of(space, child), type_of(space, declared.node))
            && !space.is_subtype(&own.id, &wanted.id)
        {
            self.find(
                path,
                format!(
                    "is a {}, declared a {}",
                    own.browse_name, wanted.browse_name
                ),
            );
        }
        if child.class == NodeClass::Variable {
            if !space.is_subtype(&child.data_type, &declared.node.data_type) {
                self.find(
                    path,
                    format!(
                        "has data type {}, declared {}",
                        child.data_type, declared.node.data_type
                    ),
                );
            }
            if !rank_allows(declared.node.value_rank, child.value_rank) {
                self.find(
                    path,
                    format!(
                        "has rank {}, declared {}",
                        child.value_rank, declared.node.value_rank
                    ),
                );
            }
        }
    }

    /// A child that no member declares by name: it must fill a placeholder or be an extension of ours.
    fn undeclared(
        &mut self,
        path: &str,
        parent: &Node,
        reference: &NodeId,
        child: &Node,
        declared: &[Declared],
    ) {
        let space = self.space;
        let namespace = child.browse_name.namespace_index;
        if let Some(twin) = declared
            .iter()
            .find(|d| d.node.browse_name.name == child.browse_name.name)
        {
            return self.find(
                path,
                format!(
                    "browse name is in namespace {namespace}, declared in {}",
                    twin.node.browse_name.namespace_index
                ),
            );
        }
        let fills_placeholder = declared.iter().any(|d| {
            matches!(
                d.rule,
                Rule::MandatoryPlaceholder | Rule::OptionalPlaceholder
            ) && self.fits(child, d.node)
                && space.is_subtype(reference, d.reference)
        });
        // A folder's type declares no members at all; what it holds is said in prose (OPC 10000-5 §6.6).
        let stands_in_folder =
            type_of(space, parent).is_some_and(|t| t.id == ObjectTypeId::FolderType);
        if fills_placeholder || stands_in_folder {
            if namespace != self.extension.instances && !self.is_building_block(child) {
                self.find(
                    path,
                    format!("is an instance named in namespace {namespace}"),
                );
            }
        } else if namespace != self.extension.vendor && !self.is_building_block(child) {
            let finding = format!("{path}: is no member of the type and fills no placeholder");
            self.strangers.insert(child.id.clone(), finding);
        }
    }

    /// Building blocks may be added anywhere as AddIns under their default name (OPC 40001-1, OPC 10000-3 §4.10).
    fn is_building_block(&self, child: &Node) -> bool {
        type_of(self.space, child)
            .and_then(|t| self.space.child(t, "DefaultInstanceBrowseName"))
            .is_some_and(|p| match &p.value.value {
                Some(Variant::QualifiedName(name)) => **name == child.browse_name,
                _ => false,
            })
    }

    fn fits(&self, child: &Node, placeholder: &Node) -> bool {
        child.class == placeholder.class
            && match (type_of(self.space, child), type_of(self.space, placeholder)) {
                (Some(own), Some(wanted)) => self.space.is_subtype(&own.id, &wanted.id),
                _ => false,
            }
    }

    /// CurrentState, Id and Number must agree with a state of the machine's type.
    fn state_machine(&mut self, node: &'a Node, path: &str, type_definition: &Node) {
        let space = self.space;
        let finite = space
            .supertypes(&type_definition.id)
            .iter()
            .any(|t| t.browse_name == QualifiedName::new(0, "FiniteStateMachineType"));
        if !finite {
            return;
        }
        let Some(current) = space.child(node, "CurrentState") else {
            return self.find(path, "a state machine without CurrentState");
        };
        let member = |name: &str| space.child(current, name).map(|n| n.value.value.as_ref());
        let Some(Some(Variant::NodeId(id))) = member("Id") else {
            return self.find(path, "CurrentState/Id is not a NodeId");
        };
        let states: Vec<&Node> = space
            .supertypes(&type_definition.id)
            .iter()
            .flat_map(|t| t.references.iter())
            .filter_map(|r| space.get(&r.target))
            .filter(|n| {
                type_of(space, n).is_some_and(|t| {
                    space
                        .supertypes(&t.id)
                        .iter()
                        .any(|t| t.browse_name == QualifiedName::new(0, "StateType"))
                })
            })
            .collect();
        let Some(state) = states.iter().find(|s| s.id == **id) else {
            return self.find(
                path,
                format!("CurrentState/Id {id} is no state of the type"),
            );
        };
        let number = space.child(state, "StateNumber").map(|n| &n.value.value);
        if let Some(told) = member("Number")
            && told != number.and_then(Option::as_ref)
        {
            self.find(
                path,
                format!("CurrentState/Number {told:?}, type says {number:?}"),
            );
        }
        let text = match &current.value.value {
            Some(Variant::LocalizedText(text)) => (**text).clone(),
            _ => LocalizedText::null(),
        };
        if text.text != state.browse_name.name {
            self.find(
                path,
                format!("CurrentState is {text:?}, its Id {}", state.browse_name),
            );
        }
    }
}

fn type_of<'a>(space: &'a Space, node: &'a Node) -> Option<&'a Node> {
    space
        .targets(node, ReferenceTypeId::HasTypeDefinition)
        .next()
}

fn is_hierarchical(space: &Space, reference: &NodeId) -> bool {
    let notifies = [
        ReferenceTypeId::HasEventSource,
        ReferenceTypeId::HasNotifier,
    ];
    space.is_subtype(reference, &ReferenceTypeId::HierarchicalReferences.into())
        && !notifies
            .iter()
            .any(|n| space.is_subtype(reference, &NodeId::from(*n)))
}

/// OPC 10000-3 §5.6.2: what an instance's rank may be where the declaration has `declared`.
fn rank_allows(declared: i32, own: i32) -> bool {
    match declared {
        -3 => own == -1 || own == 1 || own == -3,
        -2 => true,
        0 => own >= 0,
        exact => own == exact,
    }
}
