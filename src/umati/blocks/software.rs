//! What runs on the way to the machine: `Identification/SoftwareIdentification` (40501-1 §8.2).
//!
//! | item | from |
//! |---|---|
//! | Bridge | this program, always |
//! | OctoPrint | `/api/version`, once it was read |
//! | Firmware | what the printer's firmware calls itself, once it was told; only news tell it |
//!
//! Firmware writes name and version in one text (`Marlin 2.1.2`). The version is the first word with two numbers and
//! a dot between them, the name what stands before it; without such a word the text is both. It is
//! `Identification/SoftwareRevision` of the machine, too.

use opcua::types::QualifiedName;

use super::quality::{Quality, View};
use super::render::Render;
use super::shape::{Shape, ToldPart};
use crate::umati::blueprint::Plan;
use crate::umati::ids;
use crate::umati::namespaces::INSTANCES;

const SOFTWARE: &str = "Identification/SoftwareIdentification";
const BRIDGE: &str = "Bridge";
const OCTOPRINT: &str = "OctoPrint";
const FIRMWARE: &str = "Firmware";
const MACHINE_REVISION: &str = "Identification/SoftwareRevision";

pub(super) fn plan(plan: &mut Plan, shape: &Shape) {
    let mut add = |name: &str| {
        plan.add(
            SOFTWARE,
            QualifiedName::new(INSTANCES, name),
            ids::SOFTWARE_IDENTIFICATION_TYPE,
        );
    };
    add(BRIDGE);
    if shape.software {
        add(OCTOPRINT);
    }
    if shape.told.contains(&ToldPart::Firmware) {
        add(FIRMWARE);
        plan.include(MACHINE_REVISION);
    }
}

pub(super) fn render(out: &mut Render, view: &View, shape: &Shape, bridge_version: &str) {
    item(out, BRIDGE, "umati-bridge", bridge_version);
    let software = view.machine.software.as_ref();
    // A version that was known and is no longer keeps its last value.
    if let Some(version) = software.and_then(|s| s.server.as_deref())
        && shape.software
    {
        item(out, OCTOPRINT, "OctoPrint", version);
    }
    if let Some(name) = view.machine.firmware_name()
        && shape.told.contains(&ToldPart::Firmware)
    {
        let (name, version) = name_and_version(name);
        item(out, FIRMWARE, name, version);
        out.put(MACHINE_REVISION, Quality::Good(version));
    }
}

fn item(out: &mut Render, name: &str, identifier: &str, revision: &str) {
    let path = |member: &str| format!("{SOFTWARE}/{name}/{member}");
    out.put(&path("Identifier"), Quality::Good(identifier));
    out.put(&path("SoftwareRevision"), Quality::Good(revision));
}

/// What words are parted by, all of one byte.
const PARTING: [char; 10] = [' ', '\t', '(', ')', '[', ']', ',', ';', ':', '/'];

fn name_and_version(text: &str) -> (&str, &str) {
    let text = text.trim();
    let dotted = |three: &[u8]| matches!(three, [before, b'.', after] if before.is_ascii_digit() && after.is_ascii_digit());
    let Some(dot) = text.as_bytes().windows(3).position(dotted) else {
        return (text, text);
    };
    let start = text[..dot].rfind(PARTING).map_or(0, |at| at + 1);
    let end = text[dot..].find(PARTING).map_or(text.len(), |at| dot + at);
    let name = match text[..start].trim_end_matches(PARTING) {
        "" => text,
        name => name,
    };
    (name, &text[start..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_first_word_that_looks_like_one() {
        for (text, name, version) in [
            ("Virtual Marlin 1.0", "Virtual Marlin", "1.0"),
            ("Marlin 2.1.2.1 (Jul 13 2023 10:00:00)", "Marlin", "2.1.2.1"),
            ("Marlin bugfix-2.0.x (Github)", "Marlin", "bugfix-2.0.x"),
            (
                "Prusa-Firmware 3.13.2 based on Marlin 1.0.2",
                "Prusa-Firmware",
                "3.13.2",
            ),
            ("Marlin V1; (v1.1.9)", "Marlin V1", "v1.1.9"),
            ("Repetier_0.92.10", "Repetier_0.92.10", "Repetier_0.92.10"),
            (" Klipper ", "Klipper", "Klipper"),
            ("Düse 5.é 4.2é", "Düse 5.é", "4.2é"),
        ] {
            assert_eq!(name_and_version(text), (name, version), "{text}");
        }
    }
}
