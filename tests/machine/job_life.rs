//! The ordinary life of a job.

use umati_bridge::machine::{
    JobEvent, JobPhase, JobStart, KeyRejection, Observation, Outcome, PrinterState,
};

use super::bench::*;

#[test]
fn a_print_starts_pauses_resumes_and_is_completed() {
    let mut bench = Bench::ready();

    let events = bench.see(active(PrinterState::Starting, "a.gcode", 0.0, 0));
    let job = started(&events);
    assert_eq!(job.id.0, "octoprint:local/a.gcode@2026-11-22T10:00:02Z");
    assert_eq!(job.start, JobStart::Seen(time("10:00:02")));
    assert_eq!(job.phase, JobPhase::Running);
    let id = job.id.clone();

    assert_eq!(bench.see(printing("a.gcode", 4.0, 1)), []);
    let pausing = active(PrinterState::Pausing, "a.gcode", 20.0, 2);
    assert_eq!(bench.see(pausing), []);
    assert_eq!(
        bench.see(active(PrinterState::Paused, "a.gcode", 20.0, 2)),
        [JobEvent::Paused {
            id: id.clone(),
            at: time("10:00:05")
        }]
    );
    assert_eq!(
        bench.machine.active_job().unwrap().phase,
        JobPhase::Paused(time("10:00:05"))
    );
    assert_eq!(
        bench.see(active(PrinterState::Resuming, "a.gcode", 20.0, 2)),
        [JobEvent::Resumed {
            id: id.clone(),
            at: time("10:00:06")
        }]
    );
    assert_eq!(bench.see(printing("a.gcode", 99.0, 8)), []);
    let finishing = active(PrinterState::Finishing, "a.gcode", 100.0, 8);
    assert_eq!(bench.see(finishing), []);

    let events = bench.see(done("a.gcode", 9));
    let job = ended(&events);
    assert_eq!(job.id, id);
    assert_eq!(job.end(), Some((time("10:00:09"), &Outcome::Completed)));
    assert_eq!(
        job.progress,
        progress(100.0, 9),
        "the final progress counts"
    );
    assert_eq!(bench.machine.active_job(), None);
    assert_eq!(bench.machine.last_job(), Some(job));

    assert_eq!(bench.see(done("a.gcode", 9)), [], "an end is told once");
}

#[test]
fn a_cancelled_print_keeps_its_file_and_its_last_progress() {
    let mut bench = Bench::ready();
    bench.see(printing("a.gcode", 4.0, 0));
    bench.see(printing("a.gcode", 37.5, 70));

    let events = bench.see(selected("a.gcode"));
    assert_eq!(outcome(ended(&events)), &Outcome::Cancelled);
    assert_eq!(ended(&events).progress, progress(37.5, 70));
}

#[test]
fn a_print_seen_cancelling_was_cancelled_even_if_the_file_is_gone() {
    let mut bench = Bench::ready();
    bench.see(printing("a.gcode", 4.0, 0));
    assert_eq!(
        bench.see(active(PrinterState::Cancelling, "a.gcode", 5.0, 1)),
        []
    );
    assert_eq!(outcome(ended(&bench.see(ready()))), &Outcome::Cancelled);
}

#[test]
fn a_paused_print_that_is_cancelled_is_not_resumed_before() {
    let mut bench = Bench::ready();
    bench.see(printing("a.gcode", 4.0, 0));
    bench.see(active(PrinterState::Paused, "a.gcode", 5.0, 1));
    assert_eq!(
        bench.see(active(PrinterState::Cancelling, "a.gcode", 5.0, 1)),
        []
    );
    let events = bench.see(selected("a.gcode"));
    assert_eq!(outcome(ended(&events)), &Outcome::Cancelled);
}

#[test]
fn print_time_that_ran_on_in_a_pause_and_is_set_back_is_no_restart() {
    let mut bench = Bench::ready();
    bench.see(printing("a.gcode", 4.0, 0));
    bench.see(printing("a.gcode", 20.0, 100));
    bench.see(active(PrinterState::Paused, "a.gcode", 20.0, 700));
    let events = bench.see(printing("a.gcode", 20.0, 101));
    assert!(
        matches!(&events[..], [JobEvent::Resumed { .. }]),
        "{events:?}"
    );
}

#[test]
fn the_file_is_remembered_and_may_be_told_late() {
    let mut bench = Bench::ready();
    let events = bench.see(state(PrinterState::Printing));
    assert_eq!(
        started(&events).id.0,
        "octoprint:unknown@2026-11-22T10:00:02Z"
    );
    bench.see(printing("a.gcode", 4.0, 0));
    bench.see(state(PrinterState::Printing));

    let job = bench.machine.active_job().unwrap();
    assert_eq!(job.file, Some(file("a.gcode")));
    assert_eq!(
        job.id.0, "octoprint:unknown@2026-11-22T10:00:02Z",
        "an identity never changes"
    );
}

#[test]
fn a_transfer_to_the_printer_is_not_a_job() {
    let mut bench = Bench::ready();
    assert_eq!(
        bench.see(active(PrinterState::Transferring, "A.GCO", 10.0, 1)),
        []
    );
    assert_eq!(bench.see(ready()), []);
    assert_eq!(bench.machine.job, None);
}

#[test]
fn nothing_is_concluded_from_an_unknown_state() {
    let mut bench = Bench::ready();
    bench.see(printing("a.gcode", 4.0, 0));
    assert_eq!(bench.see(state(PrinterState::Unknown)), []);
    assert!(bench.machine.active_job().is_some());
    assert_eq!(bench.see(printing("a.gcode", 5.0, 2)), []);
    assert_eq!(
        outcome(ended(&bench.see(done("a.gcode", 3)))),
        &Outcome::Completed
    );
}

#[test]
fn a_clock_that_is_set_back_does_not_turn_the_time_of_the_model() {
    let mut bench = Bench::ready();
    let newest = bench.now;
    bench.now = time("09:00:00");
    let events = bench.see(printing("a.gcode", 4.0, 0));
    assert_eq!(started(&events).start, JobStart::Seen(newest));
    assert_eq!(bench.machine.reported_at, Some(newest));
    let events = bench.see(done("a.gcode", 3));
    assert_eq!(ended(&events).end(), Some((newest, &Outcome::Completed)));
    bench.observe(Observation::KeyRejected(KeyRejection::Unknown));
    assert_eq!(bench.machine.reported_at, Some(newest));
}
