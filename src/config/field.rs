//! A value of the file that knows its place, and the three things that a key can be: absent, wrong, given.

use super::keys::Key;
use super::mistake::{Place, Report};

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct At<T> {
    pub value: T,
    pub place: Place,
}

/// What an object holds under a key.
#[derive(Debug, Clone, Default)]
pub(super) enum Field<T> {
    #[default]
    Absent,
    /// Given, but unusable; that is reported.
    Wrong,
    Given(At<T>),
}

impl<T> Field<T> {
    pub(super) fn given(self) -> Option<At<T>> {
        match self {
            Self::Given(at) => Some(at),
            Self::Absent | Self::Wrong => None,
        }
    }

    pub(super) fn as_given(&self) -> Option<&At<T>> {
        match self {
            Self::Given(at) => Some(at),
            Self::Absent | Self::Wrong => None,
        }
    }

    pub(super) fn value(self) -> Option<T> {
        self.given().map(|at| at.value)
    }

    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    pub(super) fn map<U>(self, change: impl FnOnce(T) -> U) -> Field<U> {
        match self {
            Self::Absent => Field::Absent,
            Self::Wrong => Field::Wrong,
            Self::Given(At { value, place }) => Field::Given(At {
                value: change(value),
                place,
            }),
        }
    }

    /// The value; `None` is reported, at the latest here.
    pub(super) fn required(self, key: Key, owner: &Place, report: &mut Report) -> Option<At<T>> {
        if self.is_absent() {
            report.mistake(owner, format!("`{}` is missing", key.name), key.write_it());
        }
        self.given()
    }
}
