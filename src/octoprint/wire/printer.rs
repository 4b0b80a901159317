//! `GET /api/printer?history=true&limit=1`: temperatures and flags. 409 while the printer is not connected.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{clean, flag, instant, number, text};
use crate::machine::{
    MAX_SENSORS, SensorId, StateFlags, Temperature, TemperatureReport, Timestamp,
};

/// What `/api/printer` told.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::octoprint) struct PrinterAnswer {
    /// Empty if it was not told.
    pub state_text: String,
    pub flags: Option<StateFlags>,
    pub error: Option<String>,
    pub temperatures: TemperatureReport,
}

pub(in crate::octoprint) fn printer(answer: &Value) -> PrinterAnswer {
    let state = &answer["state"];
    let temperature = &answer["temperature"];
    PrinterAnswer {
        state_text: text(&state["text"]).unwrap_or_default(),
        flags: flags(&state["flags"]),
        error: text(&state["error"]),
        temperatures: TemperatureReport::Read {
            sensors: sensors(temperature),
            sampled: sampled(&temperature["history"]),
        },
    }
}

pub(super) fn flags(flags: &Value) -> Option<StateFlags> {
    flags.is_object().then(|| StateFlags {
        operational: flag(&flags["operational"]),
        printing: flag(&flags["printing"]),
        pausing: flag(&flags["pausing"]),
        paused: flag(&flags["paused"]),
        resuming: flag(&flags["resuming"]),
        cancelling: flag(&flags["cancelling"]),
        finishing: flag(&flags["finishing"]),
        ready: flag(&flags["ready"]),
        error: flag(&flags["error"]),
        // PrusaLink writes it `closedOnError`.
        closed_or_error: flag(&flags["closedOrError"]) || flag(&flags["closedOnError"]),
        sd_ready: flag(&flags["sdReady"]),
    })
}

/// Whatever the firmware reported, not what the profile says. The samples (`history`) stand in the same object.
pub(super) fn sensors(temperature: &Value) -> BTreeMap<SensorId, Temperature> {
    let Some(entries) = temperature.as_object() else {
        return BTreeMap::new();
    };
    let sensors: BTreeMap<_, _> = entries
        .iter()
        .filter(|(key, entry)| *key != "history" && entry.is_object())
        .map(|(key, entry)| {
            let temperature = Temperature {
                actual: number(&entry["actual"]),
                target: number(&entry["target"]),
                offset: number(&entry["offset"]),
            };
            (sensor(key), temperature)
        })
        .collect();
    sensors.into_iter().take(MAX_SENSORS).collect()
}

fn sensor(key: &str) -> SensorId {
    let tool = key
        .strip_prefix("tool")
        .and_then(|number| number.parse().ok())
        .map(SensorId::Tool);
    match (key, tool) {
        ("bed", _) => SensorId::Bed,
        ("chamber", _) => SensorId::Chamber,
        // `tool01` is not `tool1`.
        (_, Some(tool)) if tool.to_string() == key => tool,
        _ => SensorId::Extra(clean(key)),
    }
}

/// The newest sample's time, the only sign in the REST interface that the feed is alive.
fn sampled(history: &Value) -> Option<Timestamp> {
    history
        .as_array()?
        .iter()
        .filter_map(|sample| instant(&sample["time"]))
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(temperature: Value) -> (BTreeMap<SensorId, Temperature>, Option<Timestamp>) {
        match printer(&json!({"temperature": temperature})).temperatures {
            TemperatureReport::Read { sensors, sampled } => (sensors, sampled),
            TemperatureReport::NotAsked => panic!("it was asked"),
        }
    }

    #[test]
    fn tools_bed_chamber_and_what_only_the_firmware_knows() {
        let (sensors, sampled) = read(json!({
            "tool0": {"actual": -14.5, "target": null, "offset": 0},
            "tool12": {"actual": 999999.9, "target": 0.0},
            "tool01": {"actual": 1}, "tool300": {"actual": 2},
            "bed": {"actual": "60", "target": 60},
            "chamber": {}, "A": {"actual": 25.0}, "broken": 7, "none": null,
            "history": [{"time": 1795439486, "tool0": {"actual": 1.0}}, {"time": "x"}],
        }));
        let ids: Vec<_> = sensors.keys().map(ToString::to_string).collect();
        assert_eq!(
            ids,
            [
                "tool0", "tool12", "bed", "chamber", "A", "tool01", "tool300"
            ]
        );
        let tool0 = Temperature {
            actual: Some(-14.5),
            target: None,
            offset: Some(0.0),
        };
        assert_eq!(sensors[&SensorId::Tool(0)], tool0);
        assert_eq!(sensors[&SensorId::Tool(12)].actual, Some(999_999.9));
        assert_eq!(
            sensors[&SensorId::Bed],
            Temperature {
                target: Some(60.0),
                ..Temperature::default()
            }
        );
        assert_eq!(sampled.unwrap().timestamp(), 1_795_439_486);
    }

    #[test]
    fn no_temperatures_are_no_sensors() {
        for empty in [json!({}), json!(null), json!([1]), json!({"history": "x"})] {
            assert_eq!(read(empty.clone()), (BTreeMap::new(), None), "{empty}");
        }
    }

    #[test]
    fn a_flood_of_sensors_is_cut_and_the_tools_are_kept() {
        let mut flood: serde_json::Map<_, _> = (0..1000)
            .map(|n| (format!("A{n}"), json!({"actual": n})))
            .collect();
        flood.insert("tool1".to_owned(), json!({"actual": 20}));
        let (sensors, _) = read(Value::Object(flood));
        assert_eq!(sensors.len(), MAX_SENSORS);
        assert!(sensors.contains_key(&SensorId::Tool(1)));
    }

    #[test]
    fn flags_of_the_wrong_type_are_not_raised() {
        let answer = printer(&json!({"state": {"text": 1, "error": "", "flags": {
            "printing": "true", "operational": true, "closedOnError": true}}}));
        let flags = StateFlags {
            operational: true,
            closed_or_error: true,
            ..StateFlags::default()
        };
        assert_eq!(answer.flags, Some(flags));
        assert_eq!((answer.state_text.as_str(), answer.error), ("", None));
        assert_eq!(printer(&json!({"state": {"flags": []}})).flags, None);
    }
}
