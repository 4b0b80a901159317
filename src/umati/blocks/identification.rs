//! Who the machine is: `Identification` (40001-1 §8.4, 40501-1 §8.2, 40540 §8.5).
//!
//! | node | from |
//! |---|---|
//! | Manufacturer, SerialNumber, ProductInstanceUri | config; generated while config is silent, the same for ever |
//! | AMTechnologyIdentifier, DeviceClass | what every FDM printer is |
//! | ComponentName, Location, AssetId | what a client wrote, else config; empty while nobody said |
//! | Model | config, else the printer profile |
//! | ProductCode, YearOfConstruction | config |
//! | SoftwareRevision | the firmware of the printer (`software`) |
//!
//! Always Good: none of it depends on a printer that answers.

use opcua::types::{LocalizedText, Variant};

use super::names::name_based_uuid;
use super::quality::{Quality, View};
use super::render::Render;
use super::shape::{NameplatePart, Shape};
use crate::machine::{Nameplate, Tag};
use crate::umati::blueprint::Plan;

/// Material extrusion, ISO/ASTM 52900.
const TECHNOLOGY: &str = "MEX";
/// 40540 §8.5: shall be this text.
const DEVICE_CLASS: &str = "Additive Manufacturing machine";

impl NameplatePart {
    fn path(self) -> &'static str {
        match self {
            Self::Model => "Identification/Model",
            Self::ProductCode => "Identification/ProductCode",
            Self::YearOfConstruction => "Identification/YearOfConstruction",
        }
    }
}

/// The properties that 40001-1 §8.4 declares writable.
const TAGS: [(&str, Tag); 3] = [
    ("Identification/AssetId", Tag::AssetId),
    ("Identification/ComponentName", Tag::ComponentName),
    ("Identification/Location", Tag::Location),
];

/// AccessLevel bits CurrentRead and CurrentWrite, OPC 10000-3 §8.57.
const READ_AND_WRITE: u8 = 3;

/// The writable property at a path, if there is one.
pub fn tag_at(path: &str) -> Option<Tag> {
    TAGS.iter()
        .find(|(known, _)| *known == path)
        .map(|(_, tag)| *tag)
}

pub(super) fn plan(plan: &mut Plan, shape: &Shape) {
    plan.include("Identification/DeviceClass");
    for (path, _) in TAGS {
        plan.include(path).access(path, READ_AND_WRITE);
    }
    for part in &shape.nameplate {
        plan.include(part.path());
    }
}

pub(super) fn render(out: &mut Render, view: &View, shape: &Shape, application_uri: &str) {
    let plate = &view.machine.nameplate;
    out.constant("Identification/AMTechnologyIdentifier", || {
        TECHNOLOGY.into()
    });
    out.constant("Identification/DeviceClass", || DEVICE_CLASS.into());
    out.constant("Identification/Manufacturer", || manufacturer(plate).into());
    out.constant("Identification/SerialNumber", || {
        serial_number(plate, application_uri).into()
    });
    out.constant("Identification/ProductInstanceUri", || {
        product_instance_uri(&plate.id, application_uri).into()
    });
    let mut put = |path: &str, value: Variant| out.put(path, Quality::Good(value));
    for (path, tag) in TAGS {
        let text = view.machine.tag(tag).unwrap_or_default();
        let value = match tag {
            Tag::ComponentName => neutral(text).into(),
            Tag::AssetId | Tag::Location => text.into(),
        };
        put(path, value);
    }
    for part in &shape.nameplate {
        // A part that was known and is no longer (a profile that was edited) keeps its last value.
        if let Some(value) = known(*part, view) {
            put(part.path(), value);
        }
    }
}

fn known(part: NameplatePart, view: &View) -> Option<Variant> {
    let plate = &view.machine.nameplate;
    let text = |text: &Option<String>| text.as_deref().map(Variant::from);
    match part {
        NameplatePart::Model => {
            let profile = view.machine.profile.as_ref();
            let model = plate.model.as_ref();
            model
                .or_else(|| profile?.model.as_ref())
                .map(|model| neutral(model).into())
        }
        NameplatePart::ProductCode => text(&plate.product_code),
        NameplatePart::YearOfConstruction => plate.year_of_construction.map(Variant::from),
    }
}

/// A name is the same in every language: no locale.
fn neutral(text: &str) -> LocalizedText {
    LocalizedText::from(text)
}

/// A mandatory text that OPC UA cannot transport empty.
fn manufacturer(plate: &Nameplate) -> LocalizedText {
    match &plate.manufacturer {
        Some(name) => neutral(name),
        None => LocalizedText::new("en", "unknown"),
    }
}

/// `<ApplicationUri>:machine:<id>`.
pub(in crate::umati) fn product_instance_uri(id: &str, application_uri: &str) -> String {
    format!("{application_uri}:machine:{id}")
}

/// Without a real one: a name-based UUID (RFC 9562 version 8) of the ProductInstanceUri.
fn serial_number(plate: &Nameplate, application_uri: &str) -> String {
    if let Some(serial) = &plate.serial_number {
        return serial.clone();
    }
    format!(
        "octoprint-{}",
        name_based_uuid(&product_instance_uri(&plate.id, application_uri))
    )
}
