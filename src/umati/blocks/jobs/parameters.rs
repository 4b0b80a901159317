//! Parameters of orders, responses and work masters, by the names that 40001-3 §7.2 and 40540 §9.1 give them.

use opcua::types::{LocalizedText, UAString, Variant};

use super::super::units::Unit;
use crate::machine::Filament;
use crate::umati::isa95::types::Parameter;

pub(super) const JOB_NAME: &str = "JobName";
pub(super) const JOB_EXECUTION_MODE: &str = "JobExecutionMode";
pub(super) const RUNS_PLANNED: &str = "RunsPlanned";

/// Enumeration JobExecutionMode (40001-3 §9.1): a workpiece is made.
pub(super) const PRODUCTION_MODE: i32 = 2;

/// A parameter without a unit.
pub(super) fn parameter(id: &str, value: impl Into<Variant>) -> Parameter {
    Parameter {
        id: id.into(),
        value: value.into(),
        ..Parameter::default()
    }
}

/// A measure.
pub(super) fn measure(id: &str, value: f64, unit: Unit) -> Parameter {
    Parameter {
        engineering_units: Some(unit.into()),
        ..parameter(id, value)
    }
}

/// A text in every language there is of it: one, without a locale.
pub(super) fn texts(text: &str) -> Vec<LocalizedText> {
    vec![LocalizedText::from(text)]
}

/// A file is what is printed; its name is the job's.
pub(super) fn job_name(name: &str) -> Parameter {
    parameter(JOB_NAME, texts(name))
}

/// `tool0` → `Tool0`, as the nodes of the tool are called.
pub(super) fn tool_of(key: &str) -> String {
    let mut letters = key.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// Every measure of an amount of filament that is known, the length first.
pub(super) fn measures(
    filament: &Filament,
) -> impl Iterator<Item = (&'static str, f64, Unit)> + use<> {
    [
        ("Length", filament.length, Unit::Millimetre),
        ("Volume", filament.volume, Unit::CubicCentimetre),
        ("Weight", filament.weight, Unit::Gram),
    ]
    .into_iter()
    .filter_map(|(name, value, unit)| Some((name, value.filter(|v| v.is_finite())?, unit)))
}

/// A DecimalString (OPC 10000-3 §8.52): digits and a point, no exponent.
pub(super) fn decimal(number: f64) -> UAString {
    format!("{number}").into()
}
