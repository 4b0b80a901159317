//! The instances that one server serves, and how a NodeId finds its node.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use opcua::server::authenticator::UserToken;
use opcua::types::{Identifier, NodeId, ObjectId, ReferenceTypeId};

use crate::umati::blueprint::{NodeIndex, NodeKind, Target};
use crate::umati::instance::Instance;
use crate::umati::namespaces;

/// An instance that one task updates and the server reads.
///
/// Nobody holds the lock across an await, nor while calling into the server; see [`update`].
pub type SharedInstance = Arc<RwLock<Instance>>;

/// The instances of one server, in the order in which clients see them. Cheap to clone.
#[derive(Clone)]
pub struct Plant(Arc<Inner>);

struct Inner {
    instances: Vec<SharedInstance>,
    by_id: HashMap<Box<str>, usize>,
    anchored: HashMap<NodeId, Vec<Anchored>>,
}

/// A reference from a node of another node manager to the root of an instance.
#[derive(Debug)]
pub(super) struct Anchored {
    pub instance: usize,
    pub reference_type: NodeId,
}

/// Where a NodeId of ours leads.
pub(super) struct Found<'a> {
    pub instance: RwLockReadGuard<'a, Instance>,
    pub index: NodeIndex,
}

impl Plant {
    /// `instances` have distinct ids; of several with one id only the last could be addressed.
    ///
    /// What the roots hang from is read now: a root keeps its place for as long as the server runs.
    pub fn new(instances: Vec<SharedInstance>) -> Self {
        let mut by_id = HashMap::new();
        let mut anchored: HashMap<NodeId, Vec<Anchored>> = HashMap::new();
        for (position, shared) in instances.iter().enumerate() {
            let instance = read(shared);
            by_id.insert(Box::from(instance.id()), position);
            let root = instance.blueprint().node(NodeIndex::ROOT);
            let mut hang = |anchor: NodeId, reference_type: NodeId| {
                anchored.entry(anchor).or_default().push(Anchored {
                    instance: position,
                    reference_type,
                });
            };
            for reference in root.references.iter().filter(|r| !r.is_forward) {
                if let Target::Foreign(anchor) = &reference.target {
                    hang(anchor.node_id.clone(), reference.reference_type.clone());
                }
            }
            if is_notifier(&instance) {
                hang(ObjectId::Server.into(), ReferenceTypeId::HasNotifier.into());
            }
        }
        Self(Arc::new(Inner {
            instances,
            by_id,
            anchored,
        }))
    }

    /// How many instances there are.
    pub(super) fn len(&self) -> usize {
        self.0.instances.len()
    }

    /// The instance with this id, for the program itself: what clients may see, the others here decide.
    pub fn get(&self, id: &str) -> Option<&SharedInstance> {
        self.0
            .by_id
            .get(id)
            .map(|&position| &self.0.instances[position])
    }

    /// Whether a user sees an instance; all of its nodes share the answer. The one place where that is decided.
    fn is_visible(&self, _user: &UserToken, _position: usize) -> bool {
        true
    }

    /// The position of the instance that a NodeId belongs to, if there is one that the user may know of.
    fn position(&self, user: &UserToken, id: &NodeId) -> Option<usize> {
        let (machine, _) = split(id)?;
        let position = *self.0.by_id.get(machine)?;
        self.is_visible(user, position).then_some(position)
    }

    /// The node that a NodeId names, if it exists and the user may know of it.
    pub(super) fn find(&self, user: &UserToken, id: &NodeId) -> Option<Found<'_>> {
        let position = self.position(user, id)?;
        find_in(read(&self.0.instances[position]), id).ok()
    }

    /// Answers for each of `ids` what `answer` makes of its node; all nodes of one instance are seen at one instant.
    ///
    /// Instance by instance, so that never more than one lock is held: a second one could wait for a writer that
    /// waits for the first.
    pub(super) fn at_once<T>(
        &self,
        user: &UserToken,
        ids: &[&NodeId],
        mut answer: impl FnMut(usize, Option<&Found<'_>>) -> T,
    ) -> Vec<T> {
        let mut order: Vec<(Option<usize>, usize)> = ids
            .iter()
            .enumerate()
            .map(|(n, id)| (self.position(user, id), n))
            .collect();
        order.sort_unstable();
        let mut answers = Vec::with_capacity(ids.len());
        for nodes in order.chunk_by(|a, b| a.0 == b.0) {
            let mut held = nodes[0].0.map(|position| read(&self.0.instances[position]));
            for &(_, n) in nodes {
                let found = held.take().map(|instance| find_in(instance, ids[n]));
                answers.push((n, answer(n, found.as_ref().and_then(|f| f.as_ref().ok()))));
                held = found.map(|found| found.map_or_else(|instance| instance, |f| f.instance));
            }
        }
        answers.sort_unstable_by_key(|&(n, _)| n);
        answers.into_iter().map(|(_, answer)| answer).collect()
    }

    /// The references of a node of another manager to the roots that the user may know of.
    pub(super) fn anchored_at(
        &self,
        user: &UserToken,
        id: &NodeId,
    ) -> impl Iterator<Item = (RwLockReadGuard<'_, Instance>, &NodeId)> {
        self.0
            .anchored
            .get(id)
            .into_iter()
            .flatten()
            .filter(|anchored| self.is_visible(user, anchored.instance))
            .map(|anchored| {
                (
                    read(&self.0.instances[anchored.instance]),
                    &anchored.reference_type,
                )
            })
    }
}

/// The node of `instance` that a NodeId names, or the instance back.
fn find_in<'a>(
    instance: RwLockReadGuard<'a, Instance>,
    id: &NodeId,
) -> Result<Found<'a>, RwLockReadGuard<'a, Instance>> {
    match split(id).and_then(|(_, path)| instance.blueprint().find(path)) {
        Some(index) => Ok(Found { instance, index }),
        None => Err(instance),
    }
}

/// Machine and path of a NodeId: `<machine>/<path>`, or `<machine>` for the root.
pub(super) fn split(id: &NodeId) -> Option<(&str, &str)> {
    match &id.identifier {
        Identifier::String(name) if id.namespace == namespaces::INSTANCES => {
            let name = name.as_ref();
            // A trailing slash would be a second name of the root.
            match name.split_once('/') {
                Some((_, "")) => None,
                Some(parts) => Some(parts),
                None => Some((name, "")),
            }
        }
        _ => None,
    }
}

/// Whether an instance has events, so that it stands in the tree of notifiers below `Server` (OPC 10000-3 §7.17).
pub(super) fn is_notifier(instance: &Instance) -> bool {
    let root = &instance.blueprint().node(NodeIndex::ROOT).kind;
    matches!(root, NodeKind::Object { event_notifier, .. } if *event_notifier != 0)
}

/// Changes an instance. The lock ends with the call, so that it cannot be held any longer.
pub fn update<T>(instance: &RwLock<Instance>, change: impl FnOnce(&mut Instance) -> T) -> T {
    change(&mut instance.write().unwrap_or_else(PoisonError::into_inner))
}

/// Reads an instance. A task that panicked while writing left values behind that are as good as any other.
pub(super) fn read(instance: &RwLock<Instance>) -> RwLockReadGuard<'_, Instance> {
    instance.read().unwrap_or_else(PoisonError::into_inner)
}
