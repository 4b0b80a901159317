//! A list of structures, written only when it differs.
//!
//! Each entry remembers a hash of what it was made from ([`Mark`]). Progress of a print changes at every poll: it
//! alone makes a list new at most every [`PROGRESS_EVERY`], everything else at once.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use opcua::types::{ExtensionObject, Variant, VariantScalarTypeId};

use super::super::render::Render;
use crate::umati::isa95::{Encoded, Mark};

/// How often progress alone changes a list.
const PROGRESS_EVERY: Duration = Duration::from_secs(10);

/// Writes the list at `path`. Entries that `encode` cannot make are left out.
pub(super) fn put<T>(
    out: &mut Render,
    path: &str,
    sources: Vec<(Mark, T)>,
    encode: impl Fn(T, Mark) -> Option<Encoded>,
) {
    let known = entries(out.current(path));
    let tells_progress = out.age(path).is_none_or(|age| age >= PROGRESS_EVERY);
    let is_same = |old: &Mark, new: &Mark| {
        old.content == new.content && (!tells_progress || old.progress == new.progress)
    };
    if let Some(known) = &known
        && known.len() == sources.len()
        && known
            .iter()
            .zip(&sources)
            .all(|(old, (new, _))| is_same(&old.mark(), new))
    {
        return;
    }
    let known: HashMap<Mark, &Encoded> = (known.into_iter().flatten())
        .map(|old| (old.mark(), old))
        .collect();
    let values = sources
        .into_iter()
        .filter_map(|(mark, source)| match known.get(&mark) {
            Some(&old) => Some(old.clone()),
            None => encode(source, mark),
        })
        .map(|entry| Variant::from(ExtensionObject::new(entry)))
        .collect();
    let list = super::array(VariantScalarTypeId::ExtensionObject, values);
    out.put(path, super::quality(list));
}

/// The entries of a list that was written here; `None` if there is none.
fn entries(list: Option<&Variant>) -> Option<Vec<&Encoded>> {
    let Some(Variant::Array(array)) = list else {
        return None;
    };
    array
        .values
        .iter()
        .map(|entry| match entry {
            Variant::ExtensionObject(object) => Encoded::of(object),
            _ => None,
        })
        .collect()
}

/// The hash of some facts, the same as long as the process runs.
pub(super) fn hash(facts: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    facts.hash(&mut hasher);
    hasher.finish()
}

/// A number whose every bit counts.
pub(super) fn bits(number: Option<f64>) -> Option<u64> {
    number.map(f64::to_bits)
}
