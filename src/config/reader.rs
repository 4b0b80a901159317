//! From the syntax tree to typed fields that know their place.
//!
//! A wrong type is reported here and becomes [`Field::Wrong`], so that nothing downstream reports it again; what
//! nobody asked for is reported as unknown when its object is opened.

use std::collections::HashMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use jsonc_parser::ast::{self, Value};
use jsonc_parser::common::Ranged;

use super::field::{At, Field};
use super::keys::{self, Key};
use super::mistake::{Place, Report, quoted, shown};
use super::source::Source;

/// A value that is not typed yet.
pub(super) type Node<'s> = At<&'s Value<'s>>;

/// What reading needs besides the tree.
pub(super) struct Reader<'s> {
    pub source: &'s Source,
    pub report: &'s mut Report,
}

impl Reader<'_> {
    pub(super) fn root<'s>(&self, value: &'s Value<'s>) -> Node<'s> {
        At {
            value,
            place: self.source.place(value.range().start, ""),
        }
    }

    /// The elements of a list, each with its index in its path.
    pub(super) fn elements<'s>(
        &self,
        list_place: &Place,
        list: &'s ast::Array<'s>,
    ) -> Vec<Node<'s>> {
        let path = &list_place.path;
        let element = |(index, value): (usize, &'s Value<'s>)| At {
            value,
            place: self
                .source
                .place(value.range().start, format!("{path}[{index}]")),
        };
        list.elements.iter().enumerate().map(element).collect()
    }

    fn wrong_type(&mut self, node: &Node<'_>, wanted: &str, remedy: String) {
        let what = format!("{wanted} is wanted here, but this is {}", kind(node.value));
        self.report.mistake(&node.place, what, remedy);
    }

    /// The value as an object of this kind; `None` is reported, as are keys that it does not know.
    pub(super) fn object<'s>(
        &mut self,
        node: &Node<'s>,
        kind: &keys::Section,
        remedy: String,
    ) -> Option<Section<'s>> {
        let Value::Object(object) = node.value else {
            self.wrong_type(node, "an object in { }", remedy);
            return None;
        };
        let section = Section {
            place: node.place.clone(),
            properties: &object.properties,
        };
        self.look_at_keys(&section, kind);
        Some(section)
    }

    fn look_at_keys(&mut self, section: &Section<'_>, kind: &keys::Section) {
        let mut lines = HashMap::new();
        for property in section.properties {
            let name = property.name.as_str();
            let place = self
                .source
                .place(property.name.range().start, section.path_of(name));
            if !kind.knows(name) {
                let what = format!("unknown key {}", quoted(name));
                self.report.warning(&place, what, kind.advise(name));
            }
            let line = place.position.map_or(0, |position| position.line);
            if let Some(first) = lines.insert(name, line) {
                let what = format!("{} is given twice, first in line {first}", quoted(name));
                self.report.mistake(&place, what, "remove one of the two");
            }
        }
    }

    /// A whole number within bounds; `None` is reported.
    fn number<T: Number>(
        &mut self,
        node: &Node<'_>,
        bounds: &RangeInclusive<T>,
        remedy: String,
    ) -> Option<T> {
        let wanted = format!("a whole number from {} to {}", bounds.start(), bounds.end());
        let Value::NumberLit(number) = node.value else {
            self.wrong_type(node, &wanted, remedy);
            return None;
        };
        let value = number.value.parse().ok().filter(|n| bounds.contains(n));
        if value.is_none() {
            let what = format!(
                "{wanted} is wanted here, but this is {}",
                shown(number.value)
            );
            self.report.mistake(&node.place, what, remedy);
        }
        value
    }
}

/// A type of number that a key may ask for.
pub(super) trait Number: FromStr + PartialOrd + Display {}

impl<T: FromStr + PartialOrd + Display> Number for T {}

/// An object whose keys are being read.
pub(super) struct Section<'s> {
    pub place: Place,
    properties: &'s [ast::ObjectProp<'s>],
}

impl<'s> Section<'s> {
    fn path_of(&self, name: &str) -> String {
        let name = name.escape_debug();
        match self.place.path.as_str() {
            "" => name.to_string(),
            parent => format!("{parent}.{name}"),
        }
    }

    fn node(&self, key: Key, reader: &Reader<'_>) -> Option<Node<'s>> {
        let property = self
            .properties
            .iter()
            .find(|p| p.name.as_str() == key.name)?;
        Some(At {
            value: &property.value,
            place: reader
                .source
                .place(property.value.range().start, self.path_of(key.name)),
        })
    }

    fn field<T>(
        &self,
        key: Key,
        reader: &mut Reader<'_>,
        read: impl FnOnce(&Node<'s>, &mut Reader<'_>) -> Option<T>,
    ) -> Field<T> {
        let Some(node) = self.node(key, reader) else {
            return Field::Absent;
        };
        match read(&node, reader) {
            Some(value) => Field::Given(At {
                value,
                place: node.place,
            }),
            None => Field::Wrong,
        }
    }

    pub(super) fn text(&self, key: Key, reader: &mut Reader<'_>) -> Field<String> {
        self.field(key, reader, |node, reader| match node.value {
            Value::StringLit(text) => Some(text.value.to_string()),
            _ => {
                reader.wrong_type(node, "text in double quotes", key.write_it());
                None
            }
        })
    }

    pub(super) fn flag(&self, key: Key, reader: &mut Reader<'_>) -> Field<bool> {
        self.field(key, reader, |node, reader| match node.value {
            Value::BooleanLit(flag) => Some(flag.value),
            _ => {
                reader.wrong_type(node, "true or false", key.write_it());
                None
            }
        })
    }

    pub(super) fn number<T: Number>(
        &self,
        key: Key,
        bounds: RangeInclusive<T>,
        reader: &mut Reader<'_>,
    ) -> Field<T> {
        self.field(key, reader, |node, reader| {
            reader.number(node, &bounds, key.write_it())
        })
    }

    /// One whole number, or a list of them.
    pub(super) fn numbers<T: Number>(
        &self,
        key: Key,
        bounds: RangeInclusive<T>,
        reader: &mut Reader<'_>,
    ) -> Field<Vec<T>> {
        self.field(key, reader, |node, reader| match node.value {
            Value::Array(list) => {
                let elements = reader.elements(&node.place, list);
                // Every element is looked at before the first wrong one spoils the list.
                let numbers: Vec<_> = elements
                    .iter()
                    .map(|element| reader.number(element, &bounds, key.write_it()))
                    .collect();
                numbers.into_iter().collect()
            }
            Value::NumberLit(_) => {
                let number = reader.number(node, &bounds, key.write_it())?;
                Some(vec![number])
            }
            _ => {
                reader.wrong_type(node, "a list of whole numbers", key.write_it());
                None
            }
        })
    }

    pub(super) fn list(&self, key: Key, reader: &mut Reader<'_>) -> Field<Vec<Node<'s>>> {
        self.field(key, reader, |node, reader| match node.value {
            Value::Array(list) => Some(reader.elements(&node.place, list)),
            _ => {
                reader.wrong_type(node, "a list in [ ]", key.write_it());
                None
            }
        })
    }

    pub(super) fn section(
        &self,
        key: Key,
        kind: &keys::Section,
        reader: &mut Reader<'_>,
    ) -> Field<Section<'s>> {
        self.field(key, reader, |node, reader| {
            reader.object(node, kind, key.write_it())
        })
    }
}

fn kind(value: &Value<'_>) -> &'static str {
    match value {
        Value::StringLit(_) => "text",
        Value::NumberLit(_) => "a number",
        Value::BooleanLit(ast::BooleanLit { value: true, .. }) => "true",
        Value::BooleanLit(_) => "false",
        Value::Object(_) => "an object",
        Value::Array(_) => "a list",
        Value::NullKeyword(_) => "null",
    }
}
