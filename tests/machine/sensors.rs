//! Sensors appear, vanish and freeze.

use std::time::Duration;

use umati_bridge::machine::{
    JobEvent, MAX_SENSORS, Outcome, PrinterState, Report, SensorId, SensorReading, Temperature,
    TemperatureReport,
};

use super::bench::*;

const TOOL0: SensorId = SensorId::Tool(0);
const TOOL1: SensorId = SensorId::Tool(1);

fn reading(bench: &Bench, id: &SensorId) -> SensorReading {
    bench.machine.sensors[id].reading
}

#[test]
fn vanishing_tools_stay_without_data() {
    let mut bench = Bench::new();
    let sampled = time("07:00:00");
    bench.see(warm(&[(TOOL0, 20.0), (TOOL1, 21.0)], Some(sampled)));
    bench.see(warm(
        &[(TOOL0, 22.0)],
        Some(sampled + Duration::from_secs(1)),
    ));
    assert_eq!(reading(&bench, &TOOL0), SensorReading::Present);
    assert_eq!(reading(&bench, &TOOL1), SensorReading::Missing);
    assert_eq!(bench.machine.sensors[&TOOL1].last, degrees(21.0));
    assert_eq!(bench.machine.sensors[&TOOL1].sampled, sampled);

    bench.see(warm(&[(TOOL1, 23.0)], Some(sampled)));
    assert_eq!(reading(&bench, &TOOL1), SensorReading::Present);
    assert_eq!(reading(&bench, &TOOL0), SensorReading::Missing);
}

#[test]
fn empty_temperatures_leave_every_sensor_without_data() {
    let mut bench = Bench::new();
    bench.see(warm(&[], Some(time("10:00:00"))));
    assert!(bench.machine.sensors.is_empty());
    bench.see(warm(&[(TOOL0, 20.0)], None));
    assert_eq!(
        bench.machine.sensors[&TOOL0].sampled, bench.now,
        "received now"
    );
    bench.see(warm(&[], None));
    assert_eq!(reading(&bench, &TOOL0), SensorReading::Missing);
}

#[test]
fn temperatures_that_were_not_asked_for_say_nothing() {
    let mut bench = Bench::new();
    bench.see(warm(&[(TOOL0, 20.0)], None));
    bench.see(state(PrinterState::Offline));
    assert_eq!(reading(&bench, &TOOL0), SensorReading::Present);
}

#[test]
fn a_sensor_without_a_number_has_no_data() {
    let mut bench = Bench::new();
    let told = |temperature| Report {
        temperatures: TemperatureReport::Read {
            sensors: [(TOOL0, temperature)].into(),
            sampled: None,
        },
        ..ready()
    };
    let nothing = Temperature {
        offset: Some(0.0),
        ..Temperature::default()
    };
    bench.see(told(nothing));
    assert!(bench.machine.sensors.is_empty());
    bench.see(told(degrees(20.0)));
    bench.see(told(nothing));
    assert_eq!(reading(&bench, &TOOL0), SensorReading::Missing);
    assert_eq!(bench.machine.sensors[&TOOL0].last, degrees(20.0));
}

#[test]
fn sample_times_do_not_run_backwards() {
    let mut bench = Bench::new();
    let sampled = time("12:00:00");
    bench.see(warm(&[(TOOL0, 20.0)], Some(sampled)));
    bench.see(warm(&[(TOOL0, 21.0)], Some(time("07:00:00"))));
    assert_eq!(bench.machine.sensors[&TOOL0].sampled, sampled);
    assert_eq!(bench.machine.sensors[&TOOL0].last, degrees(21.0));
}

#[test]
fn garbled_sensor_names_do_not_fill_the_memory() {
    let mut bench = Bench::new();
    for n in 0..2 * MAX_SENSORS {
        bench.see(warm(&[(SensorId::Extra(format!("X{n}")), 1.0)], None));
    }
    assert_eq!(bench.machine.sensors.len(), MAX_SENSORS);
}

#[test]
fn a_feed_is_frozen_when_reports_repeat_one_sample() {
    let mut bench = Bench::new();
    // OctoPrint's clock is hours away from ours: only its standing still counts.
    let sample = time("03:00:00");
    let same = || warm(&[(TOOL0, 20.0)], Some(sample));
    bench.see(same());
    let frozen_at = bench.now + FROZEN_AFTER;
    assert_eq!(
        bench.machine.next_deadline(bench.now),
        None,
        "one report repeats nothing"
    );
    bench.see(same());
    assert_eq!(bench.machine.next_deadline(bench.now), Some(frozen_at));

    bench.machine.tick(frozen_at - Duration::from_nanos(1));
    assert_eq!(reading(&bench, &TOOL0), SensorReading::Present);
    bench.machine.tick(frozen_at);
    assert_eq!(reading(&bench, &TOOL0), SensorReading::Frozen);
    assert_eq!(bench.machine.next_deadline(frozen_at), None);

    bench.wait(20).see(same());
    assert_eq!(reading(&bench, &TOOL0), SensorReading::Frozen);
    bench.see(warm(
        &[(TOOL0, 20.0)],
        Some(sample + Duration::from_secs(1)),
    ));
    assert_eq!(reading(&bench, &TOOL0), SensorReading::Present);
}

#[test]
fn a_feed_that_is_polled_rarely_is_not_frozen() {
    let mut bench = Bench::new();
    let mut sample = time("10:00:00");
    for _ in 0..5 {
        sample += Duration::from_secs(100);
        bench.wait(100).see(warm(&[(TOOL0, 20.0)], Some(sample)));
        bench.machine.tick(bench.now + FROZEN_AFTER);
        assert_eq!(reading(&bench, &TOOL0), SensorReading::Present);
    }
}

#[test]
fn a_feed_does_not_freeze_while_nobody_can_look() {
    let sample = Some(time("10:00:00"));
    let interruptions: [fn(&mut Bench); 2] = [Bench::lose_link, |bench| {
        bench.see(state(PrinterState::Connecting));
    }];
    for interrupt in interruptions {
        let mut bench = Bench::new();
        bench.see(warm(&[(TOOL0, 20.0)], sample));
        bench.see(warm(&[(TOOL0, 20.0)], sample));
        interrupt(&mut bench);
        bench.wait(3600).see(warm(&[(TOOL0, 20.0)], sample));
        assert_eq!(reading(&bench, &TOOL0), SensorReading::Present);
    }
}

#[test]
fn an_awol_printer_freezes_and_then_fails_its_job() {
    let mut bench = Bench::ready();
    let still = || Report {
        temperatures: warm(&[(TOOL0, 205.0)], Some(time("10:00:02"))).temperatures,
        ..printing("a.gcode", 40.0, 100)
    };
    for _ in 0..24 {
        bench.see(still());
    }
    assert_eq!(reading(&bench, &TOOL0), SensorReading::Frozen);
    assert!(bench.machine.active_job().is_some());

    let error = "Too many consecutive timeouts, printer still connected and alive?";
    let events = bench.see(failed(error));
    assert_eq!(
        outcome(ended(&events)),
        &Outcome::Failed {
            reason: error.into()
        }
    );
    assert_eq!(ended(&events).file, Some(file("a.gcode")));
}

#[test]
fn an_awol_printer_that_comes_back_goes_on_with_its_job() {
    let mut bench = Bench::ready();
    bench.see(printing("a.gcode", 4.0, 0));
    for _ in 0..120 {
        assert_eq!(bench.see(printing("a.gcode", 40.0, 100)), []);
    }
    let events: Vec<JobEvent> = bench.see(printing("a.gcode", 41.0, 221));
    assert_eq!(events, []);
}
