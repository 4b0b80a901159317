//! Job orders in every state, and one in which each optional field is set.
#![allow(
    dead_code,
    reason = "each test crate that includes this module uses a part of it"
)]

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use opcua::types::{EUInformation, ExtensionObject, LocalizedText, Variant};
use umati_bridge::machine::*;
use umati_bridge::umati::isa95::codec;
use umati_bridge::umati::isa95::types::*;

pub const MES_ORDER: &str = "MES-0815";
pub const PRINT: &str = "octoprint:local/parts/bracket.gcode@2026-11-23T09:00:00Z";

/// `seconds` after the start of the samples' time.
pub fn at(seconds: i64) -> Timestamp {
    "2026-11-23T10:00:00Z".parse::<Timestamp>().unwrap() + TimeDelta::seconds(seconds)
}

fn texts(text: &str) -> Vec<LocalizedText> {
    vec![
        LocalizedText::new("en", text),
        LocalizedText::new("de", &format!("{text}, deutsch ö")),
    ]
}

fn unit() -> EUInformation {
    EUInformation {
        namespace_uri: "http://www.opcfoundation.org/UA/units/un/cefact".into(),
        unit_id: 4_674_125,
        display_name: "g".into(),
        description: LocalizedText::new("en", "gram"),
    }
}

fn property(id: &str) -> Property {
    Property {
        id: id.into(),
        value: Variant::from(vec![1_i32, 2, 3]),
        description: Some(texts("property").into()),
        engineering_units: Some(unit()),
        subproperties: Some(
            vec![Property {
                id: "inner".into(),
                value: true.into(),
                ..Property::default()
            }]
            .into(),
        ),
    }
}

fn parameter(id: &str, value: impl Into<Variant>) -> Parameter {
    Parameter {
        id: id.into(),
        value: value.into(),
        ..Parameter::default()
    }
}

/// Every optional field of every structure in it is set.
pub fn full_job_order(id: &str) -> JobOrder {
    let run = RunInfo {
        current_layer: Some(7),
        identifier: "run".into(),
        state: umati_bridge::umati::isa95::states::top_level(OrderState::Running),
        remaining_time: Some(1500.0),
    };
    JobOrder {
        job_order_id: id.into(),
        description: Some(texts("order").into()),
        work_master_id: Some(
            vec![WorkMaster {
                id: "local/parts/bracket.gcode".into(),
                description: Some(LocalizedText::new("en", "a bracket")),
                parameters: Some(vec![parameter("Infill", 0.2)].into()),
            }]
            .into(),
        ),
        start_time: Some(at(0).into()),
        end_time: Some(at(3600).into()),
        priority: Some(-3),
        job_order_parameters: Some(
            vec![
                parameter("JobName", texts("Bracket")),
                parameter("JobExecutionMode", 1_i32),
                parameter("OrderNumbers", vec!["A-1".to_owned(), "A-2".to_owned()]),
                parameter("LayersPlanned", 120_u32),
                parameter("Runs", vec![ExtensionObject::new(run)]),
                Parameter {
                    description: Some(texts("parameter").into()),
                    engineering_units: Some(unit()),
                    subparameters: Some(vec![parameter("Nested", "deep")].into()),
                    ..parameter("Weight", 12.5)
                },
            ]
            .into(),
        ),
        personnel_requirements: Some(
            vec![Personnel {
                id: "anna".into(),
                description: Some(texts("operator").into()),
                personnel_use: Some("operator".into()),
                quantity: Some("1".into()),
                engineering_units: Some(unit()),
                properties: Some(vec![property("skill")].into()),
            }]
            .into(),
        ),
        equipment_requirements: Some(
            vec![Equipment {
                id: "nozzle".into(),
                description: Some(texts("nozzle").into()),
                equipment_use: Some("tool".into()),
                quantity: Some("2".into()),
                engineering_units: Some(unit()),
                properties: Some(vec![property("diameter")].into()),
            }]
            .into(),
        ),
        physical_asset_requirements: Some(
            vec![PhysicalAsset {
                id: "plate".into(),
                description: Some(texts("build plate").into()),
                physical_asset_use: Some("carrier".into()),
                quantity: Some("3".into()),
                engineering_units: Some(unit()),
                properties: Some(vec![property("surface")].into()),
            }]
            .into(),
        ),
        material_requirements: Some(
            vec![Material {
                material_class_id: Some("PLA".into()),
                material_definition_id: Some("PLA black".into()),
                material_lot_id: Some("lot 1".into()),
                material_sublot_id: Some("spool 2".into()),
                description: Some(texts("filament").into()),
                material_use: Some("Material consumed".into()),
                quantity: Some("12.5".into()),
                engineering_units: Some(unit()),
                properties: Some(vec![property("colour")].into()),
            }]
            .into(),
        ),
    }
}

pub fn file(path: &str) -> JobFile {
    JobFile {
        origin: "local".into(),
        path: path.into(),
        name: path.rsplit('/').next().unwrap().into(),
        display: "bracket ö.gcode".into(),
        size: Some(4096),
        date: Some(at(-86_400)),
    }
}

pub fn filament() -> ToolFilament {
    ToolFilament::from_iter([(
        "tool0".to_owned(),
        Filament {
            length: Some(1234.5),
            volume: Some(2.5),
            weight: None,
        },
    )])
}

pub fn job(id: &str, phase: JobPhase) -> Job {
    Job {
        id: JobId(id.to_owned()),
        file: Some(file("parts/bracket.gcode")),
        start: JobStart::Seen(at(-3600)),
        phase,
        progress: Progress {
            completion: Some(100.0),
            print_time: Some(Duration::from_secs(3000)),
            print_time_left: Some(Duration::from_secs(900)),
            ..Progress::default()
        },
    }
}

/// A print that nobody ordered, in this phase.
pub fn printed(id: &str, phase: JobPhase) -> Order {
    let state = match &phase {
        JobPhase::Running => OrderState::Running,
        JobPhase::Paused(_) => OrderState::Interrupted(Interruption::Held),
        JobPhase::Ended { outcome, .. } if *outcome == Outcome::Completed => OrderState::Ended,
        JobPhase::Ended { .. } => OrderState::Aborted,
    };
    Order {
        id: OrderId(id.to_owned()),
        origin: OrderOrigin::Internal,
        file: FileRef::parse("local/parts/bracket.gcode"),
        document: None,
        priority: 0,
        state,
        created_at: at(-3600),
        state_since: at(-60),
        asked_at: None,
        reason: None,
        job: Some(job(id, phase)),
        filament: filament(),
    }
}

pub fn completed(id: &str) -> Order {
    let outcome = Outcome::Completed;
    printed(
        id,
        JobPhase::Ended {
            at: at(-60),
            outcome,
        },
    )
}

/// An order of the MES that waits.
pub fn ordered(order: &JobOrder) -> Order {
    let document: Arc<[u8]> = codec::encode(order).unwrap().into();
    Order {
        id: OrderId(order.job_order_id.to_string()),
        origin: OrderOrigin::Mes,
        document: Some(document),
        priority: order.priority.unwrap_or_default(),
        state: OrderState::AllowedToStart,
        job: None,
        filament: Default::default(),
        ..completed("unused")
    }
}

pub fn printable(path: &str) -> PrintableFile {
    PrintableFile {
        file: file(path),
        estimates: Estimates {
            print_time: Some(Duration::from_secs(1200)),
            filament: filament(),
            ..Estimates::default()
        },
        dimensions: Some([10.0, 20.0, 30.5]),
    }
}

/// A machine with a finished print, an order of the MES, and a file that could be printed.
pub fn machine() -> Machine {
    let nameplate = Nameplate {
        id: "prusa-01".into(),
        name: "Prusa 01".into(),
        control: true,
        ..Nameplate::default()
    };
    let patience = Patience {
        stale_after: Duration::from_secs(60),
        frozen_after: Duration::from_secs(15),
    };
    let mut machine = Machine::new(nameplate, patience);
    machine.book = Book::from_orders(vec![completed(PRINT), ordered(&full_job_order(MES_ORDER))]);
    machine.files = Some(vec![printable("parts/bracket.gcode")]);
    machine
}
