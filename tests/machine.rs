//! What a machine makes of the situations that real printers get into, one test each.

mod machine_support;

use std::time::Duration;

use machine_support::*;
use umati_bridge::machine::{
    JobEvent, JobPhase, JobStart, KeyRejection, Observation, Outcome, PrinterState, Progress,
    Report, Software,
};

const FORGOTTEN: Outcome = Outcome::Unknown {
    why: "the print is not known there any more, as after a restart",
};
const REPLACED: Outcome = Outcome::Unknown {
    why: "another print took its place",
};

// ---- the ordinary life of a job

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

// ---- one print takes the place of another

#[test]
fn the_same_file_twice_is_two_jobs() {
    let mut bench = Bench::ready();
    let first = started(&bench.see(printing("a.gcode", 4.0, 0))).id.clone();
    bench.see(printing("a.gcode", 99.0, 13));
    bench.see(done("a.gcode", 13));
    let second = started(&bench.see(printing("a.gcode", 4.0, 0))).id.clone();
    assert_ne!(first, second);
    assert_eq!(
        ended(&bench.see(done("a.gcode", 13))).id,
        second,
        "and each ends as itself"
    );
}

#[test]
fn the_same_file_twice_within_a_second_is_two_jobs_with_two_names() {
    let mut bench = Bench::ready();
    bench.see(printing("a.gcode", 4.0, 0));
    let start = bench.now;
    let apply = |bench: &mut Bench, report| {
        let observation = Observation::Report(Box::new(report));
        bench.machine.apply(observation, start)
    };
    apply(&mut bench, done("a.gcode", 0));
    let events = apply(&mut bench, printing("a.gcode", 4.0, 0));
    assert_eq!(
        started(&events).id.0,
        "octoprint:local/a.gcode@2026-11-22T10:00:02Z#2"
    );
}

#[test]
fn the_same_file_again_before_its_end_was_seen_completes_the_first() {
    let mut bench = Bench::ready();
    bench.see(printing("a.gcode", 4.0, 0));
    bench.see(printing("a.gcode", 50.0, 10));
    bench.see(active(PrinterState::Finishing, "a.gcode", 100.0, 20));

    let events = bench.see(printing("a.gcode", 4.0, 0));
    let (old, new) = replaced(&events);
    assert_eq!(outcome(old), &Outcome::Completed);
    assert_eq!(new.file, old.file);
    assert_ne!(new.id, old.id);
}

#[test]
fn the_progress_of_the_print_before_does_not_split_a_job() {
    let mut bench = Bench::ready();
    bench.see(done("a.gcode", 13));
    started(&bench.see(printing("a.gcode", 100.0, 13)));
    assert_eq!(bench.see(printing("a.gcode", 4.0, 0)), []);
}

#[test]
fn a_cancel_and_restart_between_two_polls_is_seen_by_the_print_time() {
    let mut bench = Bench::ready();
    bench.see(printing("big.gcode", 0.1, 0));
    bench.wait(600).see(printing("big.gcode", 0.9, 600));

    let events = bench.wait(9).see(printing("big.gcode", 0.2, 3));
    let (old, new) = replaced(&events);
    assert_eq!(old.end(), Some((time("10:10:10"), &REPLACED)));
    assert_eq!(new.start, JobStart::Reckoned(time("10:10:10")));
    assert_eq!(
        bench.machine.active_job().unwrap().progress,
        progress(0.2, 3)
    );
    assert_eq!(
        bench.see(printing("big.gcode", 0.2, 4)),
        [],
        "and told once"
    );
}

#[test]
fn a_cancel_and_restart_between_two_polls_is_seen_by_the_completion() {
    let mut bench = Bench::ready();
    bench.see(printing("small.gcode", 4.0, 0));
    bench.see(printing("small.gcode", 40.0, 1));
    let events = bench.see(printing("small.gcode", 4.0, 0));
    assert_eq!(outcome(replaced(&events).0), &REPLACED);
}

#[test]
fn a_job_that_starts_again_is_another_job() {
    let mut bench = Bench::ready();
    bench.see(printing("a.gcode", 4.0, 0));
    let events = bench.see(Report {
        progress: Progress::default(),
        ..active(PrinterState::Starting, "a.gcode", 0.0, 0)
    });
    assert_eq!(outcome(replaced(&events).0), &REPLACED);
    assert_eq!(
        bench.see(active(PrinterState::Starting, "a.gcode", 0.0, 0)),
        []
    );
}

#[test]
fn a_print_after_one_that_was_cancelling_is_another_job() {
    let mut bench = Bench::ready();
    bench.see(printing("a.gcode", 4.0, 0));
    bench.see(printing("a.gcode", 50.0, 30));
    bench.see(active(PrinterState::Cancelling, "a.gcode", 50.0, 30));
    let events = bench.see(printing("a.gcode", 4.0, 0));
    assert_eq!(outcome(replaced(&events).0), &Outcome::Cancelled);
}

#[test]
fn a_print_of_another_file_is_another_job() {
    let mut bench = Bench::ready();
    bench.see(printing("a.gcode", 4.0, 0));
    let events = bench.see(printing("b.gcode", 50.0, 30));
    let (old, new) = replaced(&events);
    assert_eq!(outcome(old), &REPLACED);
    assert_eq!(new.file, Some(file("b.gcode")));
}

#[test]
fn progress_read_just_before_the_state_does_not_decide_how_a_print_ended() {
    for (last, expected) in [
        (done("a.gcode", 13), Outcome::Completed),
        (selected("a.gcode"), Outcome::Cancelled),
    ] {
        let mut bench = Bench::ready();
        bench.see(printing("a.gcode", 4.0, 0));
        let torn = active(PrinterState::Operational, "a.gcode", 98.0, 12);
        assert_eq!(bench.see(torn), []);
        assert_eq!(outcome(ended(&bench.see(last))), &expected);
    }
}

#[test]
fn a_print_that_stays_stopped_before_its_end_was_cancelled() {
    let mut bench = Bench::ready();
    bench.see(printing("a.gcode", 4.0, 0));
    let stopped = active(PrinterState::Operational, "a.gcode", 37.0, 12);
    assert_eq!(bench.see(stopped.clone()), []);
    assert_eq!(outcome(ended(&bench.see(stopped))), &Outcome::Cancelled);
}

// ---- the printer or its OctoPrint goes away

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
            why: "it ended while the printer was out of sight"
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
            why: "another file was selected before its end was seen"
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

// ---- the bridge looks for the first time

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

// ---- the link is lost for a while

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

// ---- slow facts, and a clock that is set

#[test]
fn slow_facts_are_kept_and_say_nothing_of_the_link() {
    let mut bench = Bench::new();
    let software = Software {
        server: Some("1.11.8".into()),
        ..Software::default()
    };
    let before = bench.machine.link.clone();
    assert_eq!(bench.observe(Observation::Software(software.clone())), []);
    bench.observe(Observation::Profile(Default::default()));
    assert_eq!(bench.machine.software, Some(software));
    assert_eq!(bench.machine.profile, Some(Default::default()));
    assert_eq!(bench.machine.link, before);
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
