//! The printer, its OctoPrint or the link to it goes away; the bridge looks for the first time.

use std::borrow::Cow;

use std::time::Duration;

use umati_bridge::machine::{JobEvent, JobStart, Outcome, PrinterState, Report};

use super::bench::*;

const FORGOTTEN: Outcome = Outcome::Unknown {
    why: Cow::Borrowed("the print is not known there any more, as after a restart"),
};
const REPLACED: Outcome = Outcome::Unknown {
    why: Cow::Borrowed("another print took its place"),
};

#[test]
fn octoprint_restarted_mid_print() {
    let mut bench = Bench::ready();
    bench.see(printing("a.gcode", 4.0, 0));
    bench.lose_link();
    let connecting = state(PrinterState::Connecting);
    let events = bench.wait(10).see(connecting);
    assert_eq!(
        outcome(ended(&events)),
        &Outcome::Unknown {
            why: "it ended while the printer was out of sight".into()
        }
    );
    assert_eq!(ended(&events).file, Some(file("a.gcode")));
    assert_eq!(bench.see(ready()), []);
}

#[test]
fn octoprint_restarted_mid_print_so_quickly_that_the_link_was_not_lost() {
    let mut bench = Bench::ready();
    bench.see(printing("a.gcode", 4.0, 0));
    assert_eq!(outcome(ended(&bench.see(ready()))), &FORGOTTEN);
}

#[test]
fn another_file_was_selected_before_the_end_was_seen() {
    let mut bench = Bench::ready();
    bench.see(printing("a.gcode", 4.0, 0));
    assert_eq!(
        outcome(ended(&bench.see(done("b.gcode", 10)))),
        &Outcome::Unknown {
            why: "another file was selected before its end was seen".into()
        }
    );
}

#[test]
fn the_error_of_a_print_that_nobody_saw_is_not_that_of_the_one_before() {
    let mut bench = Bench::ready();
    bench.see(printing("a.gcode", 4.0, 0));
    bench.lose_link();
    let later = Report {
        file: Some(file("b.gcode")),
        ..failed("Thermal Runaway, system stopped!")
    };
    assert_eq!(
        outcome(ended(&bench.wait(600).see(later))),
        &Outcome::Unknown {
            why: "another file was selected before its end was seen".into()
        }
    );
}

#[test]
fn an_unplugged_printer_fails_its_job() {
    let mut bench = Bench::ready();
    bench.see(printing("a.gcode", 4.0, 0));
    let events = bench.see(state(PrinterState::Offline));
    assert_eq!(
        outcome(ended(&events)),
        &Outcome::Failed {
            reason: "printer disconnected".into()
        }
    );
    assert_eq!(ended(&events).file, Some(file("a.gcode")));
    assert!(!bench.machine.is_printer_connected());
    assert_eq!(bench.see(ready()), [], "plugged in again");
}

#[test]
fn a_firmware_error_fails_the_job_with_the_best_reason_told() {
    let reports = [
        (
            failed("Thermal Runaway, system stopped!"),
            "Thermal Runaway, system stopped!",
        ),
        // 2.0 tells no error over REST.
        (failed(" "), "Offline after error"),
        (
            Report {
                state: PrinterState::Offline,
                ..failed("unplugged")
            },
            "unplugged",
        ),
        (
            Report {
                state: PrinterState::Error,
                ..Report::default()
            },
            "printer error",
        ),
    ];
    for (report, reason) in reports {
        let mut bench = Bench::ready();
        bench.see(printing("a.gcode", 4.0, 0));
        let events = bench.see(report.clone());
        let reason = reason.to_owned();
        assert_eq!(outcome(ended(&events)), &Outcome::Failed { reason });
        assert_eq!(bench.see(report), [], "an end is told once");
    }
}

#[test]
fn the_bridge_starts_mid_print() {
    let mut bench = Bench::new();
    let events = bench.see(printing("a.gcode", 50.0, 90));
    let job = started(&events);
    assert_eq!(job.start, JobStart::Reckoned(time("09:58:31")));
    assert_eq!(job.id.0, "octoprint:local/a.gcode@2026-11-22T09:58:31Z");
    assert_eq!(
        bench.machine.active_job().unwrap().progress,
        progress(50.0, 90)
    );
    let events = bench.see(printing("a.gcode", 1.0, 0));
    assert_eq!(outcome(replaced(&events).0), &REPLACED);
}

#[test]
fn the_bridge_starts_in_a_pause() {
    let mut bench = Bench::new();
    let events = bench.see(active(PrinterState::Paused, "a.gcode", 50.0, 90));
    match &events[..] {
        [JobEvent::Started(job), JobEvent::Paused { id, at }] => {
            assert_eq!((id, *at), (&job.id, bench.now));
            assert_eq!(job.start.at(), time("09:58:31"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_bridge_starts_after_a_print_was_done() {
    let mut bench = Bench::new();
    assert_eq!(bench.see(done("a.gcode", 13)), []);
    assert_eq!(bench.machine.job, None);
    assert_eq!(
        bench.machine.report.as_ref().unwrap().progress.completion,
        Some(100.0),
        "but it is shown"
    );
    assert_eq!(bench.see(selected("a.gcode")), []);
}

#[test]
fn the_bridge_starts_while_the_printer_is_in_error() {
    let mut bench = Bench::new();
    assert_eq!(bench.see(failed("MINTEMP triggered!")), []);
    assert_eq!(bench.machine.job, None);
    assert_eq!(bench.machine.printer_state(), Some(PrinterState::Error));
}

#[test]
fn an_absurd_print_time_is_not_believed() {
    let mut bench = Bench::new();
    let events = bench.see(printing("a.gcode", 50.0, u64::MAX));
    assert_eq!(started(&events).start, JobStart::Reckoned(bench.now));
}

#[test]
fn a_print_goes_on_over_a_lost_link() {
    let mut bench = Bench::ready();
    bench.see(printing("a.gcode", 4.0, 0));
    let before = bench.machine.job.clone();
    bench.lose_link();
    assert_eq!(
        bench.machine.job, before,
        "a job out of sight stays as it was"
    );
    assert_eq!(bench.wait(600).see(printing("a.gcode", 60.0, 600)), []);
    assert_eq!(
        outcome(ended(&bench.see(done("a.gcode", 601)))),
        &Outcome::Completed
    );
}

#[test]
fn the_link_was_lost_over_the_end_of_a_print() {
    let cases = [
        (done("a.gcode", 13), Outcome::Completed),
        (selected("a.gcode"), Outcome::Cancelled),
        (ready(), FORGOTTEN),
        (
            failed("MINTEMP"),
            Outcome::Failed {
                reason: "MINTEMP".into(),
            },
        ),
    ];
    for (report, expected) in cases {
        let mut bench = Bench::ready();
        bench.see(printing("a.gcode", 4.0, 0));
        bench.lose_link();
        bench.wait(600);
        let events = bench.see(report);
        assert_eq!(ended(&events).end(), Some((bench.now, &expected)));
    }
}

#[test]
fn the_link_was_lost_over_the_end_of_a_print_and_the_start_of_the_next() {
    let mut bench = Bench::ready();
    bench.see(printing("a.gcode", 40.0, 100));
    bench.see(printing("a.gcode", 40.0, 101));
    bench.lose_link();
    let events = bench.wait(595).see(printing("a.gcode", 10.0, 60));
    let (old, new) = replaced(&events);
    assert_eq!(outcome(old), &REPLACED);
    assert_eq!(
        new.start,
        JobStart::Reckoned(bench.now - Duration::from_secs(60))
    );
}

#[test]
fn a_print_that_started_while_the_link_was_lost_has_its_true_start() {
    let mut bench = Bench::ready();
    bench.lose_link();
    let events = bench.wait(600).see(printing("a.gcode", 10.0, 60));
    assert_eq!(
        started(&events).start,
        JobStart::Reckoned(bench.now - Duration::from_secs(60))
    );
}

#[test]
fn a_print_that_started_while_the_link_was_lost_did_not_start_before_that() {
    let mut bench = Bench::ready();
    let idle_at = bench.now;
    bench.lose_link();
    let events = bench.see(printing("a.gcode", 10.0, 60));
    assert_eq!(started(&events).start, JobStart::Reckoned(idle_at));
}
