//! The demo as a newcomer sees it, within a minute.

use crate::common::process::Signal;
use crate::mes::Mes;
use crate::paths::{PROGRAM, TOOL, program};
use crate::plant::endpoints;
use crate::program::{Home, ready_line};

/// The first printer is the showcase: a whole print with a pause takes it 35 s.
pub async fn shows_a_job_start_pause_resume_and_end() {
    let home = Home::with_text("");
    let mut process = home.start(&["demo", "--port", "0", "--printers", "2"]);
    let line = ready_line(&mut process);
    let mes = Mes::connect(endpoints(&line)[0]).await;
    assert_eq!(mes.machines().await, ["printer-0001", "printer-0002"]);
    let machine = mes.machine("printer-0001");
    machine.watch(&[PROGRAM, TOOL]).await;
    use program::{ENDED, INTERRUPTED, RUNNING};
    let life = [RUNNING, INTERRUPTED, RUNNING, ENDED];
    mes.goes_through(&machine.path(PROGRAM), &life).await;
    let temperatures = machine.history(0, TOOL);
    assert!(temperatures.len() > 5, "it stands still: {temperatures:?}");
    process.signal(Signal::Term);
    assert_eq!(process.wait_for_exit().code(), Some(0), "{process}");
}
