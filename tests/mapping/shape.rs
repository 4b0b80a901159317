//! Which nodes there are, when they come, and who shares them.

use std::sync::Arc;

use umati_bridge::machine::*;

use crate::support::*;

const NODE_VERSION: &str = "Equipment/Tools/NodeVersion";

#[test]
fn machines_of_one_shape_share_one_blueprint() {
    let a = instance(&machine_in(PrinterState::Printing), 0);
    let mut other = machine_in(PrinterState::Operational);
    other.nameplate.id = "prusa-02".into();
    let b = instance(&other, 0);
    assert!(Arc::ptr_eq(a.blueprint(), b.blueprint()));
    let c = instance(&full_machine(), 0);
    assert!(!Arc::ptr_eq(a.blueprint(), c.blueprint()));
}

#[test]
fn a_machine_that_was_never_read_has_one_tool_and_its_temperature() {
    let instance = instance(&machine(), 0);
    for there in [
        "Equipment/Tools/Tool0",
        "Monitoring/Process/Tool0Temperature",
        "OctoPrint/Filament/Tool0",
        "Identification/SoftwareIdentification/Bridge",
    ] {
        assert!(instance.resolve(there).is_some(), "{there}");
    }
    for missing in [
        "Equipment/Tools/Tool1",
        "Equipment/Feedstock",
        "Monitoring/Process/BedTemperature",
        "Monitoring/Process/ChamberTemperature",
        "Monitoring/Health/SerialResendRatio",
        "Monitoring/Stacklight",
        "Identification/Model",
        "Identification/SoftwareRevision",
        "Identification/SoftwareIdentification/OctoPrint",
        "Identification/SoftwareIdentification/Firmware",
        "OctoPrint/BuildVolume",
        "OctoPrint/HeatedBed",
        "OctoPrint/CurrentZ",
        "OctoPrint/CurrentTool",
        "OctoPrint/ResendCount",
        "OctoPrint/TransmittedLines",
        "OctoPrint/LastError/Reason",
    ] {
        assert!(instance.resolve(missing).is_none(), "{missing}");
    }
}

#[test]
fn what_only_news_tell_becomes_nodes_when_they_do() {
    let mut machine = machine_in(PrinterState::Printing);
    let mut instance = instance(&machine, 0);
    let mut learn = |machine: &Machine, at: i64, nodes: &[&str]| {
        let is_there = |instance: &umati_bridge::umati::instance::Instance| {
            nodes
                .iter()
                .map(|path| instance.resolve(path).is_some())
                .collect::<Vec<_>>()
        };
        assert_eq!(is_there(&instance), vec![false; nodes.len()], "{nodes:?}");
        assert!(
            mapping().refresh(&mut instance, machine, t(at)).reshaped,
            "{nodes:?}"
        );
        assert_eq!(is_there(&instance), vec![true; nodes.len()], "{nodes:?}");
    };
    push(&mut machine, 1);
    learn(
        &machine,
        1,
        &["OctoPrint/CurrentZ", "OctoPrint/LastError/Reason"],
    );
    let mut told = report(PrinterState::Printing);
    told.resends = Some(Resends::default());
    see(&mut machine, told, 2);
    learn(
        &machine,
        2,
        &[
            "OctoPrint/ResendCount",
            "OctoPrint/TransmittedLines",
            "Monitoring/Health/SerialResendRatio/AnalogSignal",
        ],
    );
    // A tool that is in use is there, whatever the profile says and whether it has a sensor or not.
    hear(&mut machine, News::Tool(3), 3);
    learn(
        &machine,
        3,
        &["OctoPrint/CurrentTool", "Equipment/Tools/Tool3"],
    );
    hear(&mut machine, News::Firmware(firmware("Klipper")), 4);
    learn(
        &machine,
        4,
        &[
            "Identification/SoftwareRevision",
            "Identification/SoftwareIdentification/Firmware",
        ],
    );
    // A firmware without a name is none.
    let mut nameless = machine_in(PrinterState::Operational);
    hear(&mut nameless, News::Firmware(firmware(" ")), 1);
    let nameless = mapping().instantiate(&nameless, t(1)).unwrap();
    assert!(
        nameless
            .resolve("Identification/SoftwareRevision")
            .is_none()
    );
}

#[test]
fn tools_and_sensors_that_appear_later_become_nodes() {
    let mut machine = machine_in(PrinterState::Operational);
    let mut instance = instance(&machine, 0);
    let version = text(&instance, NODE_VERSION);
    assert_eq!(version, "2026-11-23T10:00:00.000Z");
    let marker = instance
        .resolve("Monitoring/Process/Tool0Temperature")
        .unwrap();
    let node_id = instance.node_id(marker).to_string();

    let mut report = report(PrinterState::Operational);
    report.temperatures = temperatures(&[
        (SensorId::Tool(0), 205.5),
        (SensorId::Bed, 60.0),
        (SensorId::Extra("P".into()), 22.0),
    ]);
    see(&mut machine, report.clone(), 10);
    let delta = mapping().refresh(&mut instance, &machine, t(10));
    assert!(delta.reshaped);
    assert!(
        instance
            .resolve("Monitoring/Process/PTemperature")
            .is_some()
    );
    assert_eq!(text(&instance, NODE_VERSION), version, "no tool was added");

    if let TemperatureReport::Read { sensors, .. } = &mut report.temperatures {
        sensors.insert(
            SensorId::Tool(1),
            Temperature {
                actual: Some(21.0),
                ..Temperature::default()
            },
        );
    }
    see(&mut machine, report, 20);
    let delta = mapping().refresh(&mut instance, &machine, t(20));
    assert!(delta.reshaped);
    let new: Vec<_> = delta
        .values
        .iter()
        .map(|index| instance.blueprint().node(*index).path.to_string())
        .collect();
    assert!(new.contains(&"Monitoring/Process/Tool1Temperature/AnalogSignal".to_owned()));
    assert!(new.contains(&"Equipment/Tools/Tool1/ControlIdentifier1".to_owned()));
    assert!(!new.contains(&"Equipment/Tools/Tool0/ControlIdentifier1".to_owned()));
    assert_eq!(text(&instance, NODE_VERSION), "2026-11-23T10:00:20.000Z");

    let moved = instance
        .resolve("Monitoring/Process/Tool0Temperature")
        .unwrap();
    assert_eq!(
        instance.node_id(moved).to_string(),
        node_id,
        "a NodeId never changes"
    );
}

#[test]
fn what_the_profile_promises_becomes_nodes() {
    let mut machine = machine_in(PrinterState::Operational);
    let mut instance = instance(&machine, 0);
    machine.apply(Observation::Profile(profile()), t(1));
    machine.apply(Observation::Software(software()), t(1));
    assert!(mapping().refresh(&mut instance, &machine, t(1)).reshaped);
    for there in [
        "Equipment/Tools/Tool1",
        "Identification/Model",
        "Identification/SoftwareIdentification/OctoPrint",
        "OctoPrint/BuildVolume/Width/EngineeringUnits",
    ] {
        assert!(instance.resolve(there).is_some(), "{there}");
    }
    // Two extruders may share a nozzle, and this profile has no heated chamber.
    for missing in ["Tool1Temperature", "ChamberTemperature"] {
        assert!(
            instance
                .resolve(&format!("Monitoring/Process/{missing}"))
                .is_none()
        );
    }
}

#[test]
fn a_shape_never_shrinks() {
    let mut machine = full_machine();
    machine.nameplate.model = None;
    let mut instance = instance(&machine, 0);
    let blueprint = Arc::clone(instance.blueprint());
    assert_eq!(text(&instance, "Identification/Model"), "Generic RepRap");

    machine.apply(Observation::Profile(PrinterProfile::default()), t(10));
    machine.apply(Observation::Software(Software::default()), t(10));
    see(&mut machine, report(PrinterState::Offline), 10);
    let delta = mapping().refresh(&mut instance, &machine, t(10));
    assert!(!delta.reshaped);
    assert!(Arc::ptr_eq(instance.blueprint(), &blueprint));
    assert_eq!(text(&instance, "Identification/Model"), "Generic RepRap");
}

#[test]
fn noise_on_the_serial_line_makes_no_nodes() {
    let mut machine = machine();
    let mut report = report(PrinterState::Operational);
    report.temperatures = temperatures(&[
        (SensorId::Extra("x".repeat(65)), 1.0),
        (SensorId::Extra("W/1".into()), 30.0),
    ]);
    see(&mut machine, report, 0);
    let instance = instance(&machine, 0);
    let sensors: Vec<_> = instance
        .blueprint()
        .iter()
        .filter_map(|(_, node)| node.path.strip_prefix("Monitoring/Process/"))
        .filter(|path| !path.contains('/'))
        .collect();
    assert_eq!(sensors, ["Tool0Temperature", "W_2F1Temperature"]);
}

#[test]
fn events_are_subscribed_at_the_machine_and_where_they_come_from() {
    use umati_bridge::umati::blueprint::NodeKind;
    let instance = instance(&machine(), 0);
    let subscribable: Vec<_> = instance
        .blueprint()
        .iter()
        .filter(|(_, node)| {
            matches!(
                node.kind,
                NodeKind::Object {
                    event_notifier: 1,
                    ..
                }
            )
        })
        .map(|(_, node)| node.path.to_string())
        .collect();
    assert_eq!(
        subscribable,
        [
            "",
            "Notification/Messages",
            "MachineryBuildingBlocks/JobManagement/JobOrderResults"
        ]
    );
}

#[test]
fn only_the_tags_of_the_machine_can_be_written() {
    use umati_bridge::umati::blueprint::NodeKind;
    for (_, node) in instance(&full_machine(), 0).blueprint().iter() {
        if let NodeKind::Variable(variable) = &node.kind {
            let tag = umati_bridge::umati::calls::tag_at(&node.path);
            let bits = if tag.is_some() { 3 } else { 1 };
            assert_eq!(variable.access_level, bits, "{}", node.path);
        }
    }
}
