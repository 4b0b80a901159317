//! Temperatures: as recorded, as the hardware has them, as a test wants them.

use serde_json::json;

use crate::recording::{assert_like, recorded};
use crate::stage::{Answer, Stage};

#[tokio::test]
async fn sensors_as_a_test_wants_them() {
    let stage = Stage::manual().await;
    let printer = stage.printer(1);
    printer.set_sensor("tool0", Some(-14.5), Some(0.0));
    printer.set_sensor("P", Some(999_999.9), None);
    printer.remove_sensor("bed");
    let path = "api/printer?exclude=state,sd";
    let expected = json!({ "temperature": {
        "P": { "actual": 999_999.9, "offset": 0, "target": null },
        "tool0": { "actual": -14.5, "offset": 0, "target": 0.0 },
    } });
    assert_eq!(stage.get(1, path).await.json(), expected);
    printer.withhold_temperatures();
    assert_eq!(
        stage.get(1, path).await.json(),
        json!({ "temperature": {} })
    );
    printer.restore_sensors();
    let sensors = stage.get(1, path).await.json()["temperature"].clone();
    let names: Vec<_> = sensors.as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["bed", "tool0"]);
}

#[tokio::test]
async fn each_printer_has_its_own_parts() {
    let stage = Stage::manual().await;
    let mut parts = Vec::new();
    for number in 1..=5 {
        let answer = stage
            .get(number, "api/printer?exclude=state,sd")
            .await
            .json();
        let sensors = answer["temperature"].as_object().unwrap();
        parts.push(sensors.keys().cloned().collect::<Vec<_>>().join(" "));
    }
    let expected = [
        "bed tool0",
        "bed tool0 tool1",
        "bed chamber tool0",
        "tool0",
        "bed tool0",
    ];
    assert_eq!(parts, expected);
}

#[tokio::test]
async fn temperatures_with_history() {
    let stage = Stage::manual().await;
    let path = "api/printer?history=true&limit=2";
    let recording = recorded("operational_history", "printer-history-true&limit-2");
    let answer = stage.get(1, path).await;
    assert_like(&answer, &recording);
    let time = |answer: &Answer| {
        answer.json()["temperature"]["history"][1]["time"]
            .as_i64()
            .unwrap()
    };
    let first = time(&answer);
    assert!((first - chrono::Utc::now().timestamp()).abs() < 60);
    stage.wait(4.0);
    assert_eq!(time(&stage.get(1, path).await), first + 4);
    stage.printer(1).freeze();
    stage.wait(60.0);
    assert_eq!(time(&stage.get(1, path).await), first + 4);
    let all = stage
        .get(1, "api/printer?history=true&exclude=state,sd")
        .await
        .json();
    assert!(all["temperature"]["history"].as_array().unwrap().len() > 5);
    assert_eq!(all.as_object().unwrap().len(), 1);
}
