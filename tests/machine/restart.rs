//! The process ends, and another goes on with what was kept of the orders and prints.

use umati_bridge::machine::{Machine, OrderRequest, OrderState, PrinterState, Saved};

use super::bench::{Bench, active, done, printing};
use super::orders::{controlled, order};

#[test]
fn a_print_that_was_asked_for_before_a_restart_is_that_of_its_order_and_a_later_one_is_not() {
    for (later, state) in [(5, OrderState::Running), (100, OrderState::AllowedToStart)] {
        let mut bench = controlled();
        let asked = OrderRequest::StoreAndStart(order("o", "a"));
        bench.ask(asked).expect("admitted");
        bench.restart();
        bench.wait(later).see(printing("a", 1.0, 1));
        assert_eq!(bench.state_of("o"), Some(state));
    }
}

#[test]
fn a_print_that_the_queue_asked_for_is_that_of_its_order_however_long_it_had_waited() {
    let mut bench = controlled();
    bench.see(printing("x", 1.0, 1));
    let waits = OrderRequest::StoreAndStart(order("o", "a"));
    bench.ask(waits).expect("admitted");
    bench.wait(3_000).see(done("x", 3_000));
    let last = bench
        .machine
        .book
        .orders()
        .next()
        .expect("an order")
        .id
        .clone();
    bench.ask(OrderRequest::Clear(last)).expect("admitted");
    let now = bench.now;
    bench.machine.next_action(now).expect("it is asked for");
    bench.restart();
    bench.wait(5).see(printing("a", 1.0, 1));
    assert_eq!(bench.state_of("o"), Some(OrderState::Running));
}

#[test]
fn an_order_goes_on_after_a_restart_under_its_id_and_with_its_start() {
    let mut bench = Bench::with_running_order();
    let before = bench.machine.active_job().expect("prints").clone();
    bench.restart();
    bench.wait(600).see(printing("a", 50.0, 300));
    let after = bench.machine.active_job().expect("prints");
    assert_eq!((&after.id, after.start), (&before.id, before.start));
    assert_eq!(bench.state_of("o"), Some(OrderState::Running));
    bench.see(done("a", 999));
    assert_eq!(bench.state_of("o"), Some(OrderState::Ended));
}

/// The process that goes on may be there before the print is under way; after a while, what starts is another one.
#[test]
fn a_print_that_still_starts_after_the_restart_is_the_same() {
    for (wait, jobs) in [(0, 1), (60, 2)] {
        let mut bench = controlled();
        bench.see(active(PrinterState::Starting, "a", 0.0, 0));
        bench.restart();
        bench
            .wait(wait)
            .see(active(PrinterState::Starting, "a", 0.0, 0));
        bench.see(printing("a", 1.0, 1));
        assert_eq!(bench.machine.book.orders().count(), jobs, "after {wait} s");
    }
}

#[test]
fn an_order_whose_print_ended_unseen_ends_once_after_the_restart() {
    let mut bench = Bench::with_running_order();
    bench.restart();
    bench.wait(600).see(done("a", 300));
    assert_eq!(bench.state_of("o"), Some(OrderState::Ended));
    let told = bench.machine.take_changes().transitions;
    assert_eq!(told.len(), 1, "{told:?}");
    bench.see(done("a", 300));
    assert_eq!(bench.machine.take_changes().transitions, []);
}

#[test]
fn another_print_after_the_restart_is_another_order() {
    let mut bench = Bench::with_running_order();
    bench.see(printing("a", 60.0, 300));
    bench.restart();
    bench.wait(600).see(printing("a", 5.0, 20));
    assert_eq!(bench.state_of("o"), Some(OrderState::Aborted));
    assert_eq!(bench.machine.book.orders().count(), 2);
}

impl Bench {
    /// The process ends and another goes on with what was kept.
    pub(super) fn restart(&mut self) {
        self.machine.take_changes();
        let saved = Saved {
            orders: self.machine.book.orders().cloned().collect(),
            checkpoint: self.machine.checkpoint(),
            tags: self.machine.tags.clone(),
        };
        let nameplate = self.machine.nameplate.clone();
        self.machine = Machine::resume(nameplate, self.machine.patience, saved);
    }
}
