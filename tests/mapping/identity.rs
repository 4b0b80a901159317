//! Who a machine is: from config, else generated, the same for ever.

use opcua::types::{LocalizedText, Variant};
use umati_bridge::machine::*;
use umati_bridge::umati::Mapping;

use crate::support::*;

const SERIAL: &str = "Identification/SerialNumber";
const URI: &str = "Identification/ProductInstanceUri";

#[test]
fn the_nameplate_of_config_is_served_as_it_is() {
    let instance = instance(&full_machine(), 0);
    let neutral = |text: &str| Variant::from(LocalizedText::from(text));
    for (member, expected) in [
        ("Manufacturer", neutral("Prusa Research")),
        ("Model", neutral("MK4")),
        ("ComponentName", neutral("Prusa 01")),
        ("SerialNumber", "SN-4711".into()),
        ("ProductCode", "PRI-MK4".into()),
        ("YearOfConstruction", Variant::UInt16(2025)),
        ("Location", "N 51.257315 E 6.740885".into()),
        ("AssetId", "INV-0815".into()),
        ("AMTechnologyIdentifier", "MEX".into()),
        ("DeviceClass", "Additive Manufacturing machine".into()),
        (
            "ProductInstanceUri",
            "urn:shop-floor:umati-bridge:machine:prusa-01".into(),
        ),
        (
            "SoftwareIdentification/Bridge/Identifier",
            "umati-bridge".into(),
        ),
        (
            "SoftwareIdentification/Bridge/SoftwareRevision",
            VERSION.into(),
        ),
        (
            "SoftwareIdentification/OctoPrint/Identifier",
            "OctoPrint".into(),
        ),
        (
            "SoftwareIdentification/OctoPrint/SoftwareRevision",
            "1.11.8".into(),
        ),
        (
            "SoftwareIdentification/Firmware/Identifier",
            "Marlin".into(),
        ),
        (
            "SoftwareIdentification/Firmware/SoftwareRevision",
            "2.1.2".into(),
        ),
        ("SoftwareRevision", "2.1.2".into()),
    ] {
        let path = format!("Identification/{member}");
        assert_eq!(value(&instance, &path), &expected, "{path}");
    }
}

#[test]
fn the_profile_names_the_model_while_config_does_not() {
    let mut machine = machine();
    machine.apply(Observation::Profile(profile()), t(0));
    assert_eq!(
        text(&instance(&machine, 0), "Identification/Model"),
        "Generic RepRap"
    );
    machine.nameplate.model = Some("MK4".into());
    assert_eq!(text(&instance(&machine, 0), "Identification/Model"), "MK4");
}

#[test]
fn a_manufacturer_that_nobody_told_is_unknown_and_not_empty() {
    let instance = instance(&machine(), 0);
    let unknown = Variant::from(LocalizedText::new("en", "unknown"));
    assert_eq!(value(&instance, "Identification/Manufacturer"), &unknown);
}

#[test]
fn generated_identities_are_stable_and_unique() {
    let identity = |mapping: &Mapping, id: &str| {
        let mut machine = machine();
        machine.nameplate.id = id.to_owned();
        let instance = mapping.instantiate(&machine, t(0)).unwrap();
        (text(&instance, SERIAL), text(&instance, URI))
    };
    // Pinned: a change here would give every machine in the field a new serial number.
    let expected = (
        "octoprint-30c7dd39-1188-8b59-84f5-cb79348ff2b9".to_owned(),
        "urn:shop-floor:umati-bridge:machine:prusa-01".to_owned(),
    );
    assert_eq!(identity(mapping(), "prusa-01"), expected);

    let elsewhere = Mapping::load("urn:other-floor:umati-bridge", "9.9").unwrap();
    let others = [
        identity(mapping(), "prusa-02"),
        identity(&elsewhere, "prusa-01"),
    ];
    for other in &others {
        assert_ne!(other.0, expected.0);
        assert_ne!(other.1, expected.1);
    }
    assert_ne!(others[0], others[1]);
}

#[test]
fn what_a_client_wrote_counts_more_than_config() {
    let mut machine = full_machine();
    for (tag, text) in [
        (Tag::AssetId, "WRITTEN"),
        (Tag::ComponentName, "The left one"),
        (Tag::Location, ""),
    ] {
        let written = WrittenTag {
            text: text.to_owned(),
            instead_of: None,
        };
        machine.tags.insert(tag, written);
    }
    let instance = instance(&machine, 0);
    assert_eq!(text(&instance, "Identification/AssetId"), "WRITTEN");
    assert_eq!(
        text(&instance, "Identification/ComponentName"),
        "The left one"
    );
    assert_eq!(text(&instance, "Identification/Location"), "");
}

#[test]
fn tags_that_nobody_set_are_empty() {
    let instance = instance(&machine(), 0);
    for path in ["Identification/AssetId", "Identification/Location"] {
        assert_eq!(text(&instance, path), "");
    }
}
