//! Who the machine is: `Identification` (40001-1 §8.4, 40501-1 §8.2, 40540 §8.5).
//!
//! | node | from |
//! |---|---|
//! | Manufacturer, SerialNumber, ProductInstanceUri | config; generated while config is silent, the same for ever |
//! | AMTechnologyIdentifier, DeviceClass | what every FDM printer is |
//! | ComponentName | the machine's name |
//! | Model | config, else the printer profile |
//! | ProductCode, YearOfConstruction, Location, AssetId | config |
//!
//! Always Good: none of it depends on a printer that answers. SoftwareRevision would be the firmware's, which
//! polling does not tell, so it is left out.

use opcua::types::{LocalizedText, Variant};
use sha2::{Digest, Sha256};

use super::quality::{Quality, View};
use super::render::Render;
use super::shape::{NameplatePart, Shape};
use crate::machine::Nameplate;
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
            Self::Location => "Identification/Location",
            Self::AssetId => "Identification/AssetId",
        }
    }
}

pub(super) fn plan(plan: &mut Plan, shape: &Shape) {
    plan.include("Identification/DeviceClass");
    plan.include("Identification/ComponentName");
    for part in &shape.nameplate {
        plan.include(part.path());
    }
}

pub(super) fn render(out: &mut Render, view: &View, shape: &Shape, application_uri: &str) {
    let plate = &view.machine.nameplate;
    let mut put = |path: &str, value: Variant| out.put(path, Quality::Good(value));
    put("Identification/AMTechnologyIdentifier", TECHNOLOGY.into());
    put("Identification/DeviceClass", DEVICE_CLASS.into());
    put("Identification/ComponentName", neutral(&plate.name).into());
    put("Identification/Manufacturer", manufacturer(plate).into());
    put(
        "Identification/SerialNumber",
        serial_number(plate, application_uri).into(),
    );
    put(
        "Identification/ProductInstanceUri",
        product_instance_uri(&plate.id, application_uri).into(),
    );
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
        NameplatePart::Location => text(&plate.location),
        NameplatePart::AssetId => text(&plate.asset_id),
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
fn product_instance_uri(id: &str, application_uri: &str) -> String {
    format!("{application_uri}:machine:{id}")
}

/// Without a real one: a name-based UUID (RFC 9562 version 8) of the ProductInstanceUri.
fn serial_number(plate: &Nameplate, application_uri: &str) -> String {
    if let Some(serial) = &plate.serial_number {
        return serial.clone();
    }
    let digest = Sha256::digest(product_instance_uri(&plate.id, application_uri));
    let mut hex: Vec<u8> = digest.iter().take(16).copied().collect();
    hex[6] = hex[6] & 0x0f | 0x80;
    hex[8] = hex[8] & 0x3f | 0x80;
    let mut serial = String::from("octoprint-");
    for (position, byte) in hex.iter().enumerate() {
        if matches!(position, 4 | 6 | 8 | 10) {
            serial.push('-');
        }
        serial.push_str(&format!("{byte:02x}"));
    }
    serial
}
