//! Engineering units and ranges as the structures that clients read.
//!
//! Units are UNECE codes (OPC 10000-8 §5.6.3.4); the number is the common code read as big-endian letters.

use opcua::types::{EUInformation, ExtensionObject, LocalizedText, Range, Variant};

use super::quality::Limits;

const UNECE: &str = "http://www.opcfoundation.org/UA/units/un/cefact";

/// A unit of measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Celsius,
    Percent,
    Millimetre,
    CubicCentimetre,
    Gram,
    Millisecond,
}

impl Unit {
    /// UNECE common code as a number, sign, English name.
    fn parts(self) -> (i32, &'static str, &'static str) {
        match self {
            Self::Celsius => (4_408_652, "°C", "degree Celsius"),
            Self::Percent => (20_529, "%", "percent"),
            Self::Millimetre => (5_066_068, "mm", "millimetre"),
            Self::CubicCentimetre => (4_410_705, "cm³", "cubic centimetre"),
            Self::Gram => (4_674_125, "g", "gram"),
            Self::Millisecond => (4_403_766, "ms", "millisecond"),
        }
    }
}

impl From<Unit> for EUInformation {
    fn from(unit: Unit) -> Self {
        let (unit_id, sign, name) = unit.parts();
        Self {
            namespace_uri: UNECE.into(),
            unit_id,
            display_name: LocalizedText::from(sign),
            description: LocalizedText::new("en", name),
        }
    }
}

impl From<Unit> for Variant {
    fn from(unit: Unit) -> Self {
        ExtensionObject::from_message(EUInformation::from(unit)).into()
    }
}

impl From<Limits> for Variant {
    fn from(Limits { low, high }: Limits) -> Self {
        ExtensionObject::from_message(Range { low, high }).into()
    }
}
