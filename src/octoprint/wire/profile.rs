//! `GET /api/printerprofiles`: the printer as its owner described it. Needs the CONNECTION permission.

use serde_json::Value;

use super::{count, number, text};
use crate::machine::{BuildVolume, PrinterProfile};

/// The profile in use, else the default one, else nothing.
pub(in crate::octoprint) fn profile(answer: &Value) -> Option<PrinterProfile> {
    let profiles = answer["profiles"].as_object()?;
    let flagged = |flag: &str| {
        profiles
            .values()
            .find(|profile| super::flag(&profile[flag]))
    };
    flagged("current").or_else(|| flagged("default")).map(read)
}

fn read(profile: &Value) -> PrinterProfile {
    let extruder = &profile["extruder"];
    PrinterProfile {
        name: text(&profile["name"]),
        model: text(&profile["model"]),
        extruder_count: count(&extruder["count"]).and_then(|count| u8::try_from(count).ok()),
        nozzle_diameter: number(&extruder["nozzleDiameter"]),
        heated_bed: profile["heatedBed"].as_bool(),
        heated_chamber: profile["heatedChamber"].as_bool(),
        volume: volume(&profile["volume"]),
    }
}

/// A volume is only useful whole.
fn volume(volume: &Value) -> Option<BuildVolume> {
    Some(BuildVolume {
        width: number(&volume["width"])?,
        depth: number(&volume["depth"])?,
        height: number(&volume["height"])?,
        form_factor: text(&volume["formFactor"])?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn named(name: &str, flag: &str) -> Value {
        json!({"name": name, flag: true})
    }

    #[test]
    fn the_profile_in_use_wins_over_the_default() {
        let name = |answer: Value| profile(&answer).and_then(|profile| profile.name);
        let both = json!({"profiles": {"a": named("A", "default"), "b": named("B", "current")}});
        assert_eq!(name(both).as_deref(), Some("B"));
        assert_eq!(
            name(json!({"profiles": {"a": named("A", "default"), "b": 1}})).as_deref(),
            Some("A")
        );
        assert_eq!(
            profile(&json!({"profiles": {"a": named("A", "other")}})),
            None
        );
        assert_eq!(profile(&json!([])), None);
    }

    #[test]
    fn a_wrong_type_costs_that_field() {
        let answer = json!({"profiles": {"a": {
            "current": true, "name": 5, "model": "MK4", "extruder": {"count": 300, "nozzleDiameter": "0.4"},
            "heatedBed": 1, "heatedChamber": false, "volume": {"width": 250, "depth": null, "height": 210},
        }}});
        let expected = PrinterProfile {
            model: Some("MK4".to_owned()),
            heated_chamber: Some(false),
            ..PrinterProfile::default()
        };
        assert_eq!(profile(&answer), Some(expected));
    }
}
