//! One print takes the place of another, seen or between two polls.

use std::borrow::Cow;
use std::time::Duration;

use umati_bridge::machine::{
    DataSource, Ending, JobStart, News, Observation, Outcome, PrintNews, PrinterState, Progress,
    Report,
};

use super::bench::*;

const REPLACED: Outcome = Outcome::Unknown {
    why: Cow::Borrowed("another print took its place"),
};

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

/// Two ways lead to OctoPrint: what was said on one may be received after what was said later on the other.
#[test]
fn a_report_that_lags_behind_is_no_other_print_while_news_are_told() {
    for told_before in [false, true] {
        let mut bench = Bench::ready();
        bench.observe(Observation::Source(DataSource::Push));
        let id = started(&bench.see(printing("a.gcode", 4.0, 0))).id.clone();
        bench.see(active(PrinterState::Finishing, "a.gcode", 100.0, 20));
        let mut happens = vec![
            Observation::Report(Box::new(printing("a.gcode", 50.0, 10))),
            over("a.gcode"),
        ];
        if told_before {
            happens.reverse();
        }
        for it in happens {
            bench.now += Duration::from_millis(10);
            assert_eq!(bench.machine.apply(it, bench.now), [], "{told_before}");
        }
        let events = bench.see(done("a.gcode", 20));
        assert_eq!(ended(&events).id, id);
        assert_eq!(outcome(ended(&events)), &Outcome::Completed);
    }
}

#[test]
fn another_print_that_no_news_told_takes_the_place_a_little_later() {
    let mut bench = Bench::ready();
    bench.observe(Observation::Source(DataSource::Push));
    bench.see(printing("a.gcode", 4.0, 0));
    bench.see(printing("a.gcode", 50.0, 20));
    let again = |seconds| printing("a.gcode", 4.0, seconds);
    assert_eq!(bench.see(again(0)), []);
    assert_eq!(bench.see(again(1)), []);
    let events = bench.see(again(2));
    let (old, new) = replaced(&events);
    assert_eq!(outcome(old), &REPLACED);
    assert!(new.start.at() < bench.now, "{new:?}");
}

fn over(path: &str) -> Observation {
    Observation::News(News::Print(PrintNews::Over {
        file: Some(file(path)),
        ending: Ending::Completed,
        print_time: None,
    }))
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
fn there_is_no_way_back_from_cancelling() {
    let mut bench = Bench::ready();
    bench.see(printing("a.gcode", 4.0, 0));
    bench.see(active(PrinterState::Cancelling, "a.gcode", 50.0, 30));
    assert_eq!(bench.see(state(PrinterState::Printing)), []);
    let events = bench.see(printing("a.gcode", 4.0, 0));
    assert_eq!(outcome(replaced(&events).0), &Outcome::Cancelled);
}

#[test]
fn a_print_of_a_replaced_upload_is_another_job() {
    let mut bench = Bench::ready();
    bench.see(printing("a.gcode", 4.0, 0));
    let mut upload = file("a.gcode");
    upload.date = None;
    let undated = Report {
        file: Some(upload.clone()),
        ..printing("a.gcode", 5.0, 1)
    };
    assert_eq!(
        bench.see(undated),
        [],
        "a date that is not told says nothing"
    );

    upload.date = Some(time("09:00:00"));
    let newer = Report {
        file: Some(upload),
        ..printing("a.gcode", 5.0, 1)
    };
    assert_eq!(outcome(replaced(&bench.see(newer)).0), &REPLACED);
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
