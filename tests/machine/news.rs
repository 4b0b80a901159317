//! News that come while the machine is behind: the socket was cut, and what happened meanwhile was not told.

use umati_bridge::machine::{
    DataSource, Ending, JobEvent, News, Observation, Outcome, PrintNews, PrinterState, Trouble,
};

use crate::bench::{Bench, active, ended, failed, file, outcome, printing, replaced};

fn enters(state: PrinterState) -> Observation {
    Observation::News(News::State {
        state,
        text: format!("{state:?}"),
    })
}

fn starts(path: &str) -> Observation {
    Observation::News(News::Print(PrintNews::Started {
        file: file(path),
        user: None,
    }))
}

/// It tells again, and the print that was running before has just been given up.
fn cancelling() -> Bench {
    let mut bench = Bench::ready();
    bench.see(printing("a.gcode", 4.0, 0));
    bench.observe(Observation::Source(DataSource::Push));
    bench.see(active(PrinterState::Cancelling, "a.gcode", 50.0, 30));
    bench
}

/// The state comes first, and then which file it is: until then it is not the file of the print before.
#[test]
fn a_start_that_only_the_state_tells_waits_for_its_file() {
    let mut bench = cancelling();
    assert_eq!(bench.observe(enters(PrinterState::Operational)), []);
    let over = bench.now;
    assert_eq!(bench.observe(enters(PrinterState::Starting)), []);
    let events = bench.observe(starts("b.gcode"));
    let (old, new) = replaced(&events);
    assert_eq!(old.end(), Some((over, &Outcome::Cancelled)));
    assert_eq!(new.file.as_ref().map(|file| &*file.path), Some("b.gcode"));
    assert_eq!(bench.see(printing("b.gcode", 4.0, 0)), []);
}

#[test]
fn without_a_word_of_its_file_the_next_report_tells_which_print_it_is() {
    let mut bench = cancelling();
    assert_eq!(bench.observe(enters(PrinterState::Starting)), []);
    let events = bench.see(printing("b.gcode", 4.0, 0));
    let (old, new) = replaced(&events);
    assert_eq!(outcome(old), &Outcome::Cancelled);
    assert_eq!(new.file.as_ref().map(|file| &*file.path), Some("b.gcode"));
}

#[test]
fn the_same_file_again_is_another_job() {
    let mut bench = cancelling();
    assert_eq!(bench.observe(enters(PrinterState::Starting)), []);
    let events = bench.observe(starts("a.gcode"));
    assert!(
        matches!(&events[..], [JobEvent::Ended(_), JobEvent::Started(_)]),
        "{events:#?}"
    );
}

/// OctoPrint 2.0 tells the end of a print and why it failed in two threads.
#[test]
fn the_reason_of_a_failure_may_come_after_it() {
    for is_told in [true, false] {
        let mut bench = Bench::ready();
        bench.observe(Observation::Source(DataSource::Push));
        bench.see(printing("a.gcode", 4.0, 0));
        let over = Observation::News(News::Print(PrintNews::Over {
            file: Some(file("a.gcode")),
            ending: Ending::FailedAsTold,
            print_time: None,
        }));
        assert_eq!(bench.observe(over), []);
        assert_eq!(bench.observe(enters(PrinterState::Error)), []);
        let events = if is_told {
            let trouble = Trouble {
                text: "kill() called!".to_owned(),
                reason: None,
            };
            let news = Observation::News(News::Trouble(trouble));
            bench.observe(news)
        } else {
            // Then the report tells it, a little later.
            assert_eq!(bench.see(failed("kill() called!")), []);
            bench.wait(3);
            bench.see(failed("kill() called!"))
        };
        let reason = "kill() called!".to_owned();
        assert_eq!(outcome(ended(&events)), &Outcome::Failed { reason });
    }
}
