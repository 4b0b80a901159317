//! Lives of machines that may be told anything, at any time.

use std::time::Duration;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use umati_bridge::machine::{
    DataSource, Ending, Firmware, JobFile, KeyRejection, Machine, Nameplate, News, Observation,
    Patience, PrintNews, PrinterState, Progress, Report, Resends, SensorId, Temperature,
    TemperatureReport, Timestamp, Trouble, Unreachable, UnreachableCause,
};

const STATES: [PrinterState; 13] = [
    PrinterState::Offline,
    PrinterState::Connecting,
    PrinterState::Operational,
    PrinterState::Starting,
    PrinterState::Printing,
    PrinterState::Pausing,
    PrinterState::Paused,
    PrinterState::Resuming,
    PrinterState::Cancelling,
    PrinterState::Finishing,
    PrinterState::Transferring,
    PrinterState::Error,
    PrinterState::Unknown,
];

fn any_state() -> impl Strategy<Value = PrinterState> {
    prop_oneof![
        proptest::sample::select(&STATES[..]),
        // The states between which jobs live, more often.
        proptest::sample::select(vec![
            PrinterState::Operational,
            PrinterState::Printing,
            PrinterState::Paused,
        ]),
    ]
}

fn any_file() -> impl Strategy<Value = JobFile> {
    (0..2u8, option::of(0..2i64)).prop_map(|(n, date)| JobFile {
        origin: "local".into(),
        path: format!("{n}.gcode"),
        name: format!("{n}.gcode"),
        display: format!("{n}.gcode"),
        size: None,
        date: date.and_then(|seconds| Timestamp::from_timestamp(seconds, 0)),
    })
}

fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => 0.0..100.0f64,
        2 => Just(100.0),
        1 => proptest::num::f64::ANY,
    ]
}

fn any_progress() -> impl Strategy<Value = Progress> {
    let seconds = prop_oneof![4 => 0..20u64, 1 => 0..1_000_000u64, 1 => any::<u64>()];
    (option::of(any_number()), option::of(seconds)).prop_map(|(completion, seconds)| Progress {
        completion,
        print_time: seconds.map(Duration::from_secs),
        ..Progress::default()
    })
}

fn any_temperatures() -> impl Strategy<Value = TemperatureReport> {
    let sensor = prop_oneof![
        (0..3u8).prop_map(SensorId::Tool),
        Just(SensorId::Bed),
        "[A-C]".prop_map(SensorId::Extra),
    ];
    let temperature =
        (option::of(any_number()), option::of(any_number())).prop_map(|(actual, target)| {
            Temperature {
                actual,
                target,
                offset: None,
            }
        });
    let sampled = (0..3i64).prop_map(|seconds| Timestamp::from_timestamp(seconds, 0));
    let read = (
        btree_map(sensor, temperature, 0..4),
        option::of(sampled).prop_map(Option::flatten),
    )
        .prop_map(|(sensors, sampled)| TemperatureReport::Read { sensors, sampled });
    prop_oneof![Just(TemperatureReport::NotAsked), read]
}

fn any_report() -> impl Strategy<Value = Report> {
    (
        any_state(),
        option::of(any_file()),
        any_progress(),
        option::of("[a-z ]{0,3}"),
        any_temperatures(),
        any_push(),
    )
        .prop_map(
            |(state, file, progress, error, temperatures, push)| Report {
                state,
                state_text: String::new(),
                file,
                progress,
                error,
                temperatures,
                ..push
            },
        )
}

/// What only a source that tells by itself says, by a clock that may be wrong.
fn any_push() -> impl Strategy<Value = Report> {
    let resends = any_number().prop_map(|ratio| Resends {
        count: 1,
        transmitted: 1_000,
        ratio,
    });
    let ten = ten_o_clock().timestamp_millis();
    let told_at = prop_oneof![
        6 => (ten - 3_000..ten + 30_000).prop_map(Timestamp::from_timestamp_millis),
        1 => any::<i64>().prop_map(Timestamp::from_timestamp_millis),
    ];
    (
        option::of(any_number()),
        option::of(0..3u8),
        option::of(resends),
        option::of(told_at).prop_map(Option::flatten),
    )
        .prop_map(|(z, tool, resends, told_at)| Report {
            z,
            tool,
            resends,
            told_at,
            ..Report::default()
        })
}

pub fn unreachable() -> Observation {
    Observation::Unreachable(Unreachable {
        cause: UnreachableCause::Timeout,
        detail: String::new(),
    })
}

fn any_news() -> impl Strategy<Value = News> {
    let ending = prop_oneof![
        Just(Ending::Completed),
        Just(Ending::Cancelled),
        Just(Ending::FailedAsTold),
        option::of("[a-z]{1,3}").prop_map(|reason| Ending::Failed { reason }),
    ];
    let over = (option::of(any_file()), ending, option::of(0..20u64)).prop_map(
        |(file, ending, seconds)| PrintNews::Over {
            file,
            ending,
            print_time: seconds.map(Duration::from_secs),
        },
    );
    prop_oneof![
        4 => any_state().prop_map(|state| News::State { state, text: String::new() }),
        2 => any_file().prop_map(|file| News::Print(PrintNews::Started { file, user: None })),
        2 => over.prop_map(News::Print),
        1 => Just(News::Trouble(Trouble { text: "kill".into(), reason: None })),
        1 => Just(News::FilamentChange),
        1 => (0..3u8).prop_map(News::Tool),
        1 => "[a-z 1.]{0,6}".prop_map(|name| News::Firmware(Firmware { name, ..Firmware::default() })),
    ]
}

fn any_source() -> impl Strategy<Value = DataSource> {
    prop_oneof![
        2 => Just(DataSource::Push),
        1 => option::of(Just("no upgrade".to_owned())).prop_map(|why| DataSource::Poll { why }),
    ]
}

fn any_observation() -> impl Strategy<Value = Observation> {
    prop_oneof![
        8 => any_report().prop_map(|report| Observation::Report(Box::new(report))),
        8 => any_news().prop_map(Observation::News),
        1 => Just(Observation::Confirmed),
        1 => any_source().prop_map(Observation::Source),
        1 => Just(unreachable()),
        1 => Just(Observation::KeyRejected(KeyRejection::Unknown)),
        1 => Just(Observation::Software(Default::default())),
    ]
}

/// Milliseconds to the next observation; sometimes somebody sets the clock.
fn any_step() -> impl Strategy<Value = i64> {
    const DAY: i64 = 24 * 3600 * 1000;
    prop_oneof![
        12 => 0..3_000i64,
        2 => 0..600_000i64,
        1 => -10 * DAY..10 * DAY,
    ]
}

pub fn any_life() -> impl Strategy<Value = Vec<(Observation, i64)>> {
    vec((any_observation(), any_step()), 0..60)
}

pub fn ten_o_clock() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

pub fn new_machine() -> Machine {
    let patience = Patience {
        stale_after: Duration::from_secs(60),
        frozen_after: Duration::from_secs(5),
    };
    Machine::new(Nameplate::default(), patience)
}
