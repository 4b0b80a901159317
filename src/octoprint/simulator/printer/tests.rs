//! The life of a printer under virtual time.

use std::time::Duration;

use super::command::{AfterSelect, Command, PauseAction, Refusal};
use super::state::{PrinterError, State};
use super::*;

const TICK: Duration = Duration::from_millis(100);

fn manual(number: usize) -> Printer {
    let mut printer = Printer::new(number, 1, Conduct::Manual);
    printer.advance(HEAD_START);
    printer
}

fn scripted(number: usize) -> Printer {
    let mut printer = Printer::new(number, 1, Conduct::Scripted);
    printer.advance(HEAD_START);
    printer
}

fn print(path: &str) -> Command {
    Command::Select {
        path: path.to_owned(),
        then: AfterSelect::Print,
    }
}

/// Advances until the printer is in this state.
fn wait_for(printer: &mut Printer, state: &State, within: Duration) {
    let deadline = printer.now + within;
    while printer.state() != state {
        assert!(
            printer.now < deadline,
            "still {:?}, not {state:?}",
            printer.state()
        );
        printer.advance(printer.now + TICK);
    }
}

fn wait(printer: &mut Printer, span: Duration) {
    printer.advance(printer.now + span);
}

fn tool0(printer: &Printer) -> f64 {
    printer.samples(1)[0].1["tool0"].actual.unwrap()
}

/// The states that a printer passes within a span, each change once.
fn passes(printer: &mut Printer, span: Duration, step: Duration) -> Vec<&'static str> {
    let end = printer.now + span;
    let mut texts = vec![printer.state().text()];
    while printer.now < end {
        wait(printer, step);
        let text = printer.state().text();
        if texts.last() != Some(&text) {
            texts.push(text);
        }
    }
    texts
}

#[test]
fn the_showcase_shows_start_pause_resume_and_end_within_a_minute() {
    let mut printer = scripted(1);
    let texts = passes(&mut printer, Duration::from_secs(60), TICK);
    let first_job = [
        "Operational",
        "Starting",
        "Printing",
        "Pausing",
        "Paused",
        "Resuming",
        "Printing",
        "Finishing",
        "Operational",
    ];
    assert_eq!(texts[..first_job.len()], first_job);
}

#[test]
fn the_showcase_is_told_by_a_poll_a_second_too() {
    let mut printer = scripted(1);
    let texts = passes(
        &mut printer,
        Duration::from_secs(60),
        Duration::from_secs(1),
    );
    let mut wanted = [
        "Operational",
        "Printing",
        "Paused",
        "Printing",
        "Operational",
    ]
    .iter();
    let mut next = wanted.next();
    for text in &texts {
        if Some(text) == next {
            next = wanted.next();
        }
    }
    assert_eq!(next, None, "saw only {texts:?}");
}

#[test]
fn the_showcase_repeats_with_variations() {
    let mut printer = scripted(1);
    let texts = passes(&mut printer, Duration::from_secs(600), TICK);
    for text in [
        "Cancelling",
        "Error",
        "Offline after error",
        "Connecting",
        "Paused",
    ] {
        assert!(texts.contains(&text), "{text} is missing in {texts:?}");
    }
    let jobs = texts.iter().filter(|text| **text == "Starting").count();
    assert!(jobs >= 10, "{jobs} jobs in ten minutes");
}

#[test]
fn every_workshop_printer_works() {
    for number in 2..=30 {
        let mut printer = scripted(number);
        let texts = passes(
            &mut printer,
            Duration::from_secs(1800),
            Duration::from_secs(1),
        );
        let ends = texts.iter().filter(|text| **text == "Operational").count();
        assert!(ends >= 2, "printer {number} passed {texts:?}");
    }
}

#[test]
fn printers_start_in_different_phases() {
    let texts: std::collections::BTreeSet<_> = (1..=50)
        .map(|number| scripted(number).state().text())
        .collect();
    assert!(
        texts.contains("Operational") && texts.contains("Printing"),
        "{texts:?}"
    );
}

#[test]
fn how_often_somebody_looks_changes_nothing() {
    for number in 1..=12 {
        let mut often = scripted(number);
        let mut seldom = scripted(number);
        for _ in 0..12_000 {
            wait(&mut often, TICK);
        }
        wait(&mut seldom, TICK * 12_000);
        assert_eq!(often.state(), seldom.state());
        assert_eq!(often.progress(), seldom.progress());
        assert_eq!(often.samples(5), seldom.samples(5));
    }
}

#[test]
fn another_seed_gives_another_life() {
    let life = |seed| {
        let mut printer = Printer::new(5, seed, Conduct::Scripted);
        passes(
            &mut printer,
            Duration::from_secs(3600),
            Duration::from_secs(1),
        )
    };
    assert_eq!(life(1), life(1));
    assert_ne!(life(1), life(2));
}

#[test]
fn a_print_heats_then_moves_bytes_and_ends_at_exactly_100() {
    let mut printer = manual(5);
    let cold = tool0(&printer);
    printer.obey(print("крышка_02.gcode"), "anna").unwrap();
    assert_eq!(printer.state(), &State::Starting);
    wait_for(&mut printer, &State::Printing, Duration::from_secs(1));
    wait(&mut printer, Duration::from_secs(20));
    let warm = tool0(&printer);
    assert!(warm > cold + 50.0, "{warm}");
    let header = printer.progress().unwrap().file_position;
    wait(&mut printer, Duration::from_secs(20));
    assert!(tool0(&printer) > warm);
    assert_eq!(printer.progress().unwrap().file_position, header);

    let mut last = 0.0;
    while printer.state() == &State::Printing {
        let progress = printer.progress().unwrap();
        assert!(progress.completion >= last && progress.completion <= 100.0);
        last = progress.completion;
        wait(&mut printer, Duration::from_secs(1));
    }
    assert!(last > 98.0, "{last}");
    wait_for(&mut printer, &State::Operational, Duration::from_secs(2));
    let done = printer.progress().unwrap();
    assert_eq!(done.completion, 100.0);
    assert_eq!(
        done.file_position,
        printer.file("крышка_02.gcode").unwrap().size
    );
    assert_eq!((done.left, done.left_origin), (Duration::ZERO, None));
    assert!(done.print_time > Duration::from_secs(132));
    let prints = printer.prints(printer.file("крышка_02.gcode").unwrap());
    assert_eq!((prints.success, prints.failure), (1, 0));
    assert_eq!(prints.average(), Some(done.print_time.as_secs_f64()));
    let hot = tool0(&printer);
    wait(&mut printer, Duration::from_secs(60));
    assert!(tool0(&printer) < hot - 50.0);
    assert_eq!(
        printer.progress(),
        Some(done),
        "a finished job stays as it is"
    );
}

#[test]
fn a_pause_stops_print_time_and_keeps_the_heat() {
    let mut printer = manual(1);
    printer.obey(print("demo-ring.gcode"), "anna").unwrap();
    wait(&mut printer, Duration::from_secs(15));
    let command = Command::Pause(PauseAction::Toggle);
    printer.obey(command.clone(), "anna").unwrap();
    assert_eq!(printer.state(), &State::Pausing);
    let before = printer.progress().unwrap();
    wait(&mut printer, Duration::from_secs(100));
    assert_eq!(printer.state(), &State::Paused);
    assert_eq!(printer.progress(), Some(before));
    assert!(tool0(&printer) > 200.0);
    printer.obey(command, "anna").unwrap();
    wait_for(&mut printer, &State::Printing, Duration::from_secs(1));
    wait(&mut printer, Duration::from_secs(2));
    let after = printer.progress().unwrap();
    assert_eq!(after.print_time.as_secs(), before.print_time.as_secs() + 2);
}

#[test]
fn a_cancelled_job_has_no_progress_but_keeps_its_file() {
    let mut printer = manual(1);
    printer.obey(print("demo-ring.gcode"), "anna").unwrap();
    wait(&mut printer, Duration::from_secs(15));
    printer.obey(Command::Cancel, "anna").unwrap();
    assert_eq!(printer.state(), &State::Cancelling);
    printer.obey(Command::Cancel, "anna").unwrap();
    wait_for(&mut printer, &State::Operational, Duration::from_secs(1));
    assert_eq!(printer.progress(), None);
    assert!(matches!(
        printer.job(),
        Job::Loaded {
            work: Work::Untouched,
            ..
        }
    ));
    let prints = printer.prints(printer.file("demo-ring.gcode").unwrap());
    assert_eq!((prints.success, prints.failure), (0, 1));
}

#[test]
fn a_restart_begins_anew() {
    let mut printer = manual(1);
    printer.obey(print("demo-ring.gcode"), "anna").unwrap();
    wait(&mut printer, Duration::from_secs(15));
    assert_eq!(
        printer.obey(Command::Restart, "anna"),
        Err(Refusal::NotPaused)
    );
    printer
        .obey(Command::Pause(PauseAction::Pause), "anna")
        .unwrap();
    wait(&mut printer, Duration::from_secs(2));
    printer.obey(Command::Restart, "berta").unwrap();
    let progress = printer.progress().unwrap();
    assert_eq!(progress.print_time, Duration::ZERO);
    assert!(matches!(printer.job(), Job::Loaded { user, .. } if user == "berta"));
}

#[test]
fn time_left_comes_from_the_best_guess() {
    let mut printer = manual(1);
    let origin = |printer: &Printer| printer.progress().unwrap().left_origin;
    printer.obey(print("demo-ring.gcode"), "anna").unwrap();
    assert_eq!(origin(&printer), Some("analysis"));
    wait(&mut printer, Duration::from_secs(20));
    assert_eq!(origin(&printer), Some("linear"));
    wait_for(&mut printer, &State::Operational, Duration::from_secs(60));
    printer.obey(Command::Start, "anna").unwrap();
    assert_eq!(origin(&printer), Some("average"));
}

#[test]
fn an_error_ends_offline_with_its_text_and_without_the_job() {
    let mut printer = manual(1);
    printer.obey(print("demo-ring.gcode"), "anna").unwrap();
    wait(&mut printer, Duration::from_secs(15));
    let error = PrinterError::firmware("MINTEMP triggered!");
    printer.fail(error.clone());
    assert_eq!(printer.state(), &State::Error(error.clone()));
    wait(&mut printer, Duration::from_secs(1));
    assert_eq!(printer.state(), &State::OfflineAfterError(error));
    assert!(matches!(printer.job(), Job::Empty));
    assert_eq!(
        printer.obey(Command::Cancel, "anna"),
        Err(Refusal::NotOperational)
    );
    printer.obey(Command::Disconnect, "anna").unwrap();
    assert_eq!(printer.state().text(), "Offline after error");
    printer.obey(Command::Connect, "anna").unwrap();
    wait_for(&mut printer, &State::Operational, Duration::from_secs(2));
    assert!(
        printer.samples(9).is_empty(),
        "no sample in the first second"
    );
    wait(&mut printer, Duration::from_secs(5));
    assert_eq!(printer.samples(9).len(), 3);
}

#[test]
fn a_frozen_printer_stands_still_and_catches_up() {
    let mut printer = manual(1);
    printer.obey(print("demo-ring.gcode"), "anna").unwrap();
    wait(&mut printer, Duration::from_secs(15));
    printer.freeze();
    let (progress, at) = (printer.progress(), printer.now);
    let newest = printer.samples(1)[0].0;
    printer.advance(at + Duration::from_secs(600));
    assert_eq!(
        (printer.state(), printer.progress()),
        (&State::Printing, progress)
    );
    assert_eq!(printer.samples(1)[0].0, newest);
    printer.thaw();
    printer.advance(at + Duration::from_secs(600));
    assert_eq!(printer.state(), &State::Operational);
}

#[test]
fn the_script_lets_go_after_a_command_by_hand() {
    let mut printer = scripted(1);
    wait_for(&mut printer, &State::Printing, Duration::from_secs(10));
    printer
        .obey(Command::Pause(PauseAction::Pause), "anna")
        .unwrap();
    wait(&mut printer, script::LET_GO - Duration::from_secs(1));
    assert_eq!(printer.state(), &State::Paused);
    wait_for(&mut printer, &State::Printing, Duration::from_secs(5));
    wait_for(&mut printer, &State::Operational, Duration::from_secs(60));
    wait_for(&mut printer, &State::Starting, Duration::from_secs(60));
}

#[test]
fn a_stopped_script_does_nothing() {
    let mut printer = manual(5);
    wait(&mut printer, Duration::from_secs(100_000));
    assert_eq!(printer.state(), &State::Operational);
    assert_eq!(
        printer.samples(1_000).len(),
        300,
        "OctoPrint keeps 300 samples"
    );
    printer.resume_script();
    wait_for(&mut printer, &State::Printing, Duration::from_secs(200));
}

#[test]
fn the_firmware_obeys_temperature_commands() {
    let mut printer = manual(2);
    let lines = [
        "M104 T1 S1e308",
        "M140 S70",
        "M141 S40",
        "G28",
        "M104",
        "",
        "M104 Sée",
    ];
    let lines = lines.iter().map(|line| (*line).to_owned()).collect();
    printer.obey(Command::Gcode(lines), "anna").unwrap();
    wait(&mut printer, Duration::from_secs(2));
    let samples = printer.samples(1);
    let targets: Vec<_> = samples[0]
        .1
        .iter()
        .map(|(name, reading)| (*name, reading.target.unwrap()))
        .collect();
    assert_eq!(targets, [("bed", 70.0), ("tool0", 0.0), ("tool1", 500.0)]);
}

#[test]
fn refusals_use_the_words_of_octoprint() {
    let mut printer = manual(1);
    let refusal =
        |printer: &mut Printer, command| printer.obey(command, "anna").unwrap_err().to_string();
    assert_eq!(
        refusal(&mut printer, Command::Cancel),
        "Printer is neither printing nor paused, 'cancel' command cannot be performed"
    );
    assert_eq!(
        printer.obey(Command::Start, "anna"),
        Ok(()),
        "OctoPrint ignores a start without a file"
    );
    assert_eq!(printer.state(), &State::Operational);
    assert_eq!(
        refusal(&mut printer, print("nosuch.gcode")),
        Refusal::NoSuchFile.to_string()
    );
    printer.obey(print("demo-ring.gcode"), "anna").unwrap();
    assert_eq!(
        refusal(&mut printer, Command::Start),
        "Printer already has an active print job, did you mean 'restart'?"
    );
    assert_eq!(
        refusal(&mut printer, print("demo-ring.gcode")),
        "Printer is already printing, cannot select a new file"
    );
}

#[test]
fn happenings_are_kept_as_long_as_somebody_follows() {
    let mut printer = manual(1);
    let mut before = printer.follow();
    let mut other = printer.follow();
    printer.ask_for_filament();
    assert_eq!(printer.happenings(&mut before), [Happening::FilamentChange]);
    printer.unfollow();
    assert_eq!(printer.happenings(&mut other), [Happening::FilamentChange]);
    printer.unfollow();
    printer.ask_for_filament();
    assert_eq!(printer.happenings(&mut before), []);
}

#[test]
fn the_next_change_is_known_before_it_happens() {
    let mut printer = manual(1);
    assert_eq!(printer.next_change(), None);
    printer.obey(print("demo-ring.gcode"), "anna").unwrap();
    let mut place = printer.follow();
    for _ in 0..12 {
        let change = printer.next_change().unwrap();
        printer.advance(change - Duration::from_nanos(1));
        assert_eq!(printer.happenings(&mut place), []);
        printer.advance(change);
        assert_ne!(printer.happenings(&mut place), []);
    }
    assert_eq!(
        (printer.state(), printer.next_change()),
        (&State::Operational, None)
    );
    printer.obey(Command::Start, "anna").unwrap();
    printer.freeze();
    assert_eq!(printer.next_change(), None);
}
