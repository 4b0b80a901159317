//! The second pass over a blueprint: second references, and attributes that differ from the types'.

use opcua::types::NodeId;

use super::check::rank_is_within;
use super::draft::Draft;
use super::error::wrong_class;
use super::plan::{Adjustment, Alias, Link, join, split};
use super::{NodeKind, PlanError, VariableAttributes};

impl Draft<'_> {
    pub(super) fn add_alias(&mut self, alias: &Alias) -> Result<(), PlanError> {
        let target = self.index(&alias.existing)?;
        let parent = self.index(&alias.parent)?;
        let Some((original_parent, name)) = split(&alias.existing) else {
            return Err(PlanError::Duplicate {
                path: String::new(),
            });
        };
        let path = join(&alias.parent, name);
        if original_parent == &*alias.parent || self.by_path.contains_key(path.as_str()) {
            return Err(PlanError::Duplicate { path });
        }
        self.check_hierarchical(&path, &alias.reference_type)?;
        self.link(parent, target, &alias.reference_type);
        Ok(())
    }

    pub(super) fn add_link(&mut self, link: &Link) -> Result<(), PlanError> {
        let (from, to) = (self.index(&link.from)?, self.index(&link.to)?);
        self.link(from, to, &link.reference_type);
        Ok(())
    }

    pub(super) fn adjust(&mut self, path: &str, adjustment: &Adjustment) -> Result<(), PlanError> {
        let index = self.index(path)?;
        match (&mut self.nodes[index].kind, adjustment) {
            (NodeKind::Object { event_notifier, .. }, Adjustment::EventNotifier(bits)) => {
                *event_notifier = *bits;
            }
            (NodeKind::Variable(variable), Adjustment::Access(bits)) => {
                variable.access_level = *bits;
            }
            (NodeKind::Variable(variable), Adjustment::SamplingMs(ms)) => {
                variable.minimum_sampling_interval = f64::from(*ms);
            }
            (
                NodeKind::Variable(variable),
                Adjustment::Narrow {
                    data_type,
                    value_rank,
                },
            ) => {
                let mut narrowed = variable.clone();
                self.narrow(path, &mut narrowed, data_type, *value_rank)?;
                self.nodes[index].kind = NodeKind::Variable(narrowed);
            }
            (_, Adjustment::EventNotifier(_)) => {
                return Err(wrong_class(path, "an EventNotifier", "an object"));
            }
            (_, Adjustment::Access(_)) => {
                return Err(wrong_class(path, "an AccessLevel", "a variable"));
            }
            (_, Adjustment::SamplingMs(_)) => {
                return Err(wrong_class(path, "a sampling interval", "a variable"));
            }
            (_, Adjustment::Narrow { .. }) => {
                return Err(wrong_class(path, "a data type", "a variable"));
            }
        }
        Ok(())
    }

    /// Sets data type and rank, if they are within what the variable has.
    pub(super) fn narrow(
        &self,
        path: &str,
        variable: &mut VariableAttributes,
        data_type: &NodeId,
        value_rank: i32,
    ) -> Result<(), PlanError> {
        if !(self.catalogue).is_subtype_of(data_type, &variable.data_type) {
            return Err(PlanError::NotNarrower {
                path: path.to_owned(),
                declared: self.type_name(&variable.data_type),
                narrow: self.type_name(data_type),
            });
        }
        if !rank_is_within(value_rank, variable.value_rank) {
            return Err(PlanError::RankNotNarrower {
                path: path.to_owned(),
                declared: variable.value_rank,
                narrow: value_rank,
            });
        }
        if variable.value_rank != value_rank {
            variable.array_dimensions = None;
        }
        variable.data_type = data_type.clone();
        variable.value_rank = value_rank;
        Ok(())
    }

    fn index(&self, path: &str) -> Result<usize, PlanError> {
        match self.by_path.get(path) {
            Some(index) => Ok(usize::from(index.0)),
            None => Err(PlanError::UnknownPath {
                path: path.to_owned(),
            }),
        }
    }
}
