//! Job orders of a MES on a printer: what each method does in each situation, and what prints do to orders.

use std::sync::Arc;

use umati_bridge::machine::{
    Admitted, FileRef, Goal, Interruption, NewOrder, OrderId, OrderOrigin, OrderRequest,
    OrderState, PrinterAction, PrinterState, Refusal, Request, Tag,
};

use super::bench::{Bench, active, done, failed, printing, ready, selected, state};

pub(super) fn id(id: &str) -> OrderId {
    OrderId(id.to_owned())
}

pub(super) fn order(name: &str, path: &str) -> NewOrder {
    NewOrder {
        id: id(name),
        file: FileRef {
            origin: "local".to_owned(),
            path: path.to_owned(),
        },
        document: Arc::from(path.as_bytes()),
        priority: 0,
    }
}

impl Bench {
    pub(super) fn ask(&mut self, request: OrderRequest) -> Result<Admitted, Refusal> {
        let comment = None;
        self.machine
            .request(&Request::Order { request, comment }, self.now)
    }

    pub(super) fn state_of(&self, name: &str) -> Option<OrderState> {
        self.machine.book.find(&id(name)).map(|order| order.state)
    }

    /// A bench on which the order `o` prints `a`.
    pub(super) fn with_running_order() -> Self {
        let mut bench = controlled();
        let asked = bench.ask(OrderRequest::StoreAndStart(order("o", "a")));
        assert_eq!(asked, Ok(print("o", "a")));
        bench.see(printing("a", 1.0, 1));
        assert_eq!(bench.state_of("o"), Some(OrderState::Running));
        bench
    }
}

pub(super) fn controlled() -> Bench {
    let mut bench = Bench::ready();
    bench.machine.nameplate.control = true;
    bench
}

fn print(name: &str, path: &str) -> Admitted {
    Admitted::Act {
        order: id(name),
        action: PrinterAction::Print(order(name, path).file),
    }
}

fn act(action: PrinterAction) -> Result<Admitted, Refusal> {
    Ok(Admitted::Act {
        order: id("o"),
        action,
    })
}

#[test]
fn a_print_that_nobody_ordered_gets_an_order_of_its_own() {
    let mut bench = Bench::ready();
    bench.see(printing("a", 1.0, 1));
    let order = bench.machine.book.active().expect("active");
    let job = bench.machine.active_job().expect("prints");
    assert_eq!(
        (order.origin, &order.id.0),
        (OrderOrigin::Internal, &job.id.0)
    );
    let name = order.id.0.clone();
    bench.see(done("a", 9));
    assert_eq!(bench.state_of(&name), Some(OrderState::Ended));
}

#[test]
fn the_print_that_an_order_asked_for_is_its_job() {
    let mut bench = Bench::with_running_order();
    let ours = bench.machine.book.find(&id("o")).expect("there");
    assert_eq!(ours.job.as_ref(), bench.machine.active_job());
    bench.see(done("a", 9));
    assert_eq!(bench.state_of("o"), Some(OrderState::Ended));
    assert_eq!(bench.machine.book.orders().count(), 1);
}

#[test]
fn another_file_than_the_one_asked_for_is_another_order() {
    let mut bench = controlled();
    bench
        .ask(OrderRequest::StoreAndStart(order("o", "a")))
        .expect("admitted");
    bench.see(printing("b", 1.0, 1));
    assert_eq!(bench.state_of("o"), Some(OrderState::AllowedToStart));
    assert_eq!(bench.machine.book.orders().count(), 2);
}

#[test]
fn a_failed_print_aborts_its_order_with_the_words_of_the_printer() {
    let mut bench = Bench::with_running_order();
    bench.see(failed("Thermal runaway"));
    let order = bench.machine.book.find(&id("o")).expect("there");
    assert_eq!(order.state, OrderState::Aborted);
    assert_eq!(order.reason.as_deref(), Some("Thermal runaway"));
}

#[test]
fn a_pause_is_suspended_if_the_mes_asked_for_it_and_held_if_not() {
    let mut bench = Bench::with_running_order();
    assert_eq!(
        bench.ask(OrderRequest::Pause(id("o"))),
        act(PrinterAction::Pause)
    );
    bench.see(active(PrinterState::Pausing, "a", 2.0, 2));
    let goal = |bench: &Bench, action| bench.machine.goal(&id("o"), &action);
    assert_eq!(goal(&bench, PrinterAction::Pause), Goal::Pending);
    bench.see(active(PrinterState::Paused, "a", 2.0, 2));
    assert_eq!(goal(&bench, PrinterAction::Pause), Goal::Reached);
    let suspended = OrderState::Interrupted(Interruption::Suspended);
    assert_eq!(bench.state_of("o"), Some(suspended));

    assert_eq!(
        bench.ask(OrderRequest::Resume(id("o"))),
        act(PrinterAction::Resume)
    );
    bench.see(printing("a", 2.0, 2));
    assert_eq!(goal(&bench, PrinterAction::Resume), Goal::Reached);
    bench.see(active(PrinterState::Paused, "a", 2.0, 2));
    let held = OrderState::Interrupted(Interruption::Held);
    assert_eq!(bench.state_of("o"), Some(held));
}

#[test]
fn an_abort_is_done_when_the_print_is_over() {
    let mut bench = Bench::with_running_order();
    assert_eq!(
        bench.ask(OrderRequest::Abort(id("o"))),
        act(PrinterAction::Cancel)
    );
    bench.see(active(PrinterState::Cancelling, "a", 2.0, 2));
    let goal = |bench: &Bench| bench.machine.goal(&id("o"), &PrinterAction::Cancel);
    assert_eq!(goal(&bench), Goal::Pending);
    bench.see(selected("a"));
    assert_eq!(goal(&bench), Goal::Reached);
    assert_eq!(
        bench.ask(OrderRequest::Abort(id("o"))),
        Ok(Admitted::Done),
        "again"
    );
}

#[test]
fn of_two_callers_who_race_one_wins_and_the_other_is_told_that_it_is_busy() {
    let mut bench = controlled();
    bench
        .ask(OrderRequest::Store(order("o", "a")))
        .expect("stored");
    bench
        .ask(OrderRequest::Store(order("p", "a")))
        .expect("stored");
    assert_eq!(bench.ask(OrderRequest::Start(id("o"))), Ok(print("o", "a")));
    assert_eq!(bench.ask(OrderRequest::Start(id("o"))), Err(Refusal::Busy));
    assert_eq!(
        bench.ask(OrderRequest::Start(id("p"))),
        Ok(Admitted::Done),
        "it waits"
    );
    assert_eq!(bench.ask(OrderRequest::Abort(id("o"))), Err(Refusal::Busy));
}

#[test]
fn every_method_in_every_state() {
    use OrderRequest as R;
    use Refusal::InvalidState;
    type Ask = fn(OrderId) -> OrderRequest;
    let methods: [(&str, Ask); 7] = [
        ("Start", R::Start),
        ("RevokeStart", R::RevokeStart),
        ("Pause", R::Pause),
        ("Resume", R::Resume),
        ("Abort", R::Abort),
        ("Cancel", R::Cancel),
        ("Clear", R::Clear),
    ];
    let done = Ok(Admitted::Done);
    let no = Err(InvalidState);
    let cancel = act(PrinterAction::Cancel);
    let expected = [
        (
            "stored",
            [
                Ok(print("o", "a")),
                done.clone(),
                no.clone(),
                no.clone(),
                done.clone(),
                done.clone(),
                no.clone(),
            ],
        ),
        (
            "running",
            [
                done.clone(),
                no.clone(),
                act(PrinterAction::Pause),
                done.clone(),
                cancel.clone(),
                no.clone(),
                no.clone(),
            ],
        ),
        (
            "paused",
            [
                done.clone(),
                no.clone(),
                done.clone(),
                act(PrinterAction::Resume),
                cancel,
                no.clone(),
                no.clone(),
            ],
        ),
        (
            "ended",
            [
                no.clone(),
                no.clone(),
                no.clone(),
                no.clone(),
                no.clone(),
                no.clone(),
                done.clone(),
            ],
        ),
        (
            "aborted",
            [
                no.clone(),
                no.clone(),
                no.clone(),
                no.clone(),
                done.clone(),
                no,
                done,
            ],
        ),
    ];
    for (situation, answers) in expected {
        for ((method, ask), answer) in methods.iter().zip(answers) {
            let mut bench = in_situation(situation);
            assert_eq!(
                bench.ask(ask(id("o"))),
                answer,
                "{method} while {situation}"
            );
            assert_eq!(
                bench.ask(ask(id("nobody"))),
                Err(Refusal::UnknownOrder),
                "{method}"
            );
        }
    }
}

fn in_situation(situation: &str) -> Bench {
    if situation == "stored" {
        let mut bench = controlled();
        bench
            .ask(OrderRequest::Store(order("o", "a")))
            .expect("stored");
        return bench;
    }
    let mut bench = Bench::with_running_order();
    match situation {
        "paused" => drop(bench.see(active(PrinterState::Paused, "a", 2.0, 2))),
        "ended" => drop(bench.see(done("a", 9))),
        "aborted" => drop(bench.see(selected("a"))),
        _ => {}
    }
    bench
}

#[test]
fn storing_again_is_no_news_and_another_content_is_refused() {
    let mut bench = controlled();
    let store = |path| OrderRequest::Store(order("o", path));
    assert_eq!(bench.ask(store("a")), Ok(Admitted::Done));
    assert_eq!(bench.ask(store("a")), Ok(Admitted::Done));
    assert_eq!(bench.ask(store("b")), Err(Refusal::InvalidState));
    let update = OrderRequest::Update(order("o", "b"));
    assert_eq!(bench.ask(update), Ok(Admitted::Done));
    assert_eq!(bench.ask(store("b")), Ok(Admitted::Done));
}

#[test]
fn there_is_an_end_to_the_orders_that_can_wait() {
    let mut bench = controlled();
    for n in 0..100 {
        let order = order(&format!("o{n}"), "a");
        assert_eq!(bench.ask(OrderRequest::Store(order)), Ok(Admitted::Done));
    }
    let one_more = OrderRequest::Store(order("more", "a"));
    assert_eq!(bench.ask(one_more), Err(Refusal::UnableToAccept));
}

#[test]
fn the_queue_waits_until_the_part_is_off_the_bed() {
    let mut bench = Bench::with_running_order();
    bench
        .ask(OrderRequest::StoreAndStart(order("next", "b")))
        .expect("queued");
    assert_eq!(bench.machine.next_action(bench.now), None, "it prints");
    bench.see(done("a", 9));
    assert_eq!(
        bench.machine.next_action(bench.now),
        None,
        "the part is on the bed"
    );
    bench.ask(OrderRequest::Clear(id("o"))).expect("cleared");
    let action = PrinterAction::Print(order("next", "b").file);
    assert_eq!(
        bench.machine.next_action(bench.now),
        Some((id("next"), action))
    );
    assert_eq!(
        bench.machine.next_action(bench.now),
        None,
        "it is asked for once"
    );
}

#[test]
fn an_explicit_start_does_not_wait_for_clear() {
    let mut bench = Bench::with_running_order();
    bench.see(done("a", 9));
    let next = OrderRequest::StoreAndStart(order("next", "b"));
    assert_eq!(bench.ask(next), Ok(print("next", "b")));
}

#[test]
fn the_highest_priority_is_first_then_the_oldest() {
    let mut bench = controlled();
    bench.see(state(PrinterState::Transferring));
    for (name, priority) in [("low", 1), ("high", 5), ("late", 5)] {
        let order = NewOrder {
            priority,
            ..order(name, "a")
        };
        let asked = bench.ask(OrderRequest::StoreAndStart(order));
        assert_eq!(asked, Ok(Admitted::Done), "the printer is busy");
    }
    bench.see(ready());
    let (next, _) = bench.machine.next_action(bench.now).expect("ready");
    assert_eq!(next, id("high"));
}

#[test]
fn a_print_that_shows_up_late_is_still_the_one_that_was_asked_for() {
    let mut bench = controlled();
    let asked = OrderRequest::StoreAndStart(order("o", "a"));
    bench.ask(asked).expect("admitted");
    let action = PrinterAction::Print(order("o", "a").file);
    let now = bench.now;
    bench
        .machine
        .act_failed(&id("o"), &action, Refusal::TimedOut, now);
    assert_eq!(bench.state_of("o"), Some(OrderState::NotAllowedToStart));
    bench.see(printing("a", 1.0, 1));
    assert_eq!(bench.state_of("o"), Some(OrderState::Running));
}

#[test]
fn time_and_prints_are_counted() {
    let mut bench = Bench::with_running_order();
    let before = bench.machine.counters;
    bench.wait(9).see(printing("a", 2.0, 11));
    bench
        .wait(9)
        .see(active(PrinterState::Paused, "a", 2.0, 11));
    bench.wait(9).see(done("a", 9));
    let counters = bench.machine.counters;
    assert_eq!((counters.power_on - before.power_on).as_secs(), 30);
    assert_eq!((counters.operation - before.operation).as_secs(), 20);
    assert_eq!((counters.cycles, counters.parts), (1, 1));
}

#[test]
fn a_written_tag_lasts_until_the_configuration_says_something_else() {
    let mut bench = controlled();
    bench.machine.nameplate.location = Some("hall 1".to_owned());
    let write = Request::Tag {
        tag: Tag::Location,
        text: "hall 2".to_owned(),
    };
    let now = bench.now;
    assert_eq!(bench.machine.request(&write, now), Ok(Admitted::Done));
    bench.restart();
    assert_eq!(bench.machine.tag(Tag::Location), Some("hall 2"));
    bench.machine.nameplate.location = Some("hall 3".to_owned());
    bench.restart();
    assert_eq!(bench.machine.tag(Tag::Location), Some("hall 3"));
}

#[test]
fn what_is_over_goes_by_number_and_age_but_not_what_may_be_on_the_bed() {
    let mut bench = Bench::ready();
    bench.machine.keep.orders = 3;
    for n in 0..6 {
        bench.see(printing(&format!("f{n}"), 1.0, 1));
        bench.see(done(&format!("f{n}"), 1));
    }
    assert_eq!(bench.machine.book.orders().count(), 3);
    bench.wait(40 * 24 * 3600).see(ready());
    let left: Vec<_> = bench.machine.book.orders().collect();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].file.as_ref().expect("told").path, "f5");
}
