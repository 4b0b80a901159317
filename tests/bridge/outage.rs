//! Most of the printers are off: the bridge says so, stays alive, and serves the rest as ever.

use opcua::types::{DateTime, StatusCode, Variant};
use tokio::net::TcpSocket;
use umati_bridge::octoprint::simulator::{API_KEY, Endpoint, Fault, printer_name};

use crate::machine::text;
use crate::mes::{Mes, Seen};
use crate::paths::{
    DIAGNOSIS, ITEM_STATE, KEY_VALID, LAST_POLL, MACHINES, MACHINES_ONLINE, PRINTER_CONNECTED,
    PROGRAM, SERVER_REACHABLE, STATE_TEXT, TOOL, UPDATED, item, program,
};
use crate::plant::{Bridge, OctoPrints, block_on, machine};

const GOOD_ONES: usize = 2;
const ALL: usize = 56;

#[test]
fn two_of_56_printers_keep_their_cadence() {
    block_on(async {
        // Bound and not listening: nobody else can have the port, and connections are refused.
        let nobody = TcpSocket::new_v4().expect("a socket");
        nobody
            .bind("127.0.0.1:0".parse().expect("an address"))
            .expect("a port");
        let nowhere = nobody.local_addr().expect("its address");

        let octoprints = OctoPrints::start(GOOD_ONES).await;
        let mut machines = octoprints.machines(GOOD_ONES);
        machines.extend((GOOD_ONES + 1..=ALL).map(|number| {
            let name = printer_name(number);
            machine(&name, &format!("http://{nowhere}/{name}/"), API_KEY)
        }));
        let bridge = Bridge::start(machines).await;
        let mes = bridge.mes().await;
        watch_bridge(&mes).await;
        let good = [1, 2].map(|number| mes.machine(&printer_name(number)));
        let off: Vec<_> = (GOOD_ONES + 1..=ALL)
            .map(|n| mes.machine(&printer_name(n)))
            .collect();
        for machine in &good {
            machine.watch(&[SERVER_REACHABLE, TOOL, UPDATED]).await;
        }
        for machine in &off {
            machine.watch(&[SERVER_REACHABLE]).await;
        }
        for machine in &off {
            machine
                .until_is(SERVER_REACHABLE, false, StatusCode::Good)
                .await;
        }
        until_online(&mes, GOOD_ONES).await;
        assert_eq!(mes.read(MACHINES).await.value, Variant::UInt32(56));

        let start = mes.mark();
        for machine in &good {
            machine.until_polled(20).await;
        }
        let polls = good.each_ref().map(|machine| machine.polls(start));
        assert!(polls.iter().all(|&polls| polls >= 20), "{polls:?}");
        for machine in &good {
            machine.assert_always_reachable();
            assert!(machine.read(TOOL).await.is_good());
        }
        until_last_poll_moves(&mes).await;

        // Of a machine that was never read.
        let never = &off[0];
        never
            .watch(&[
                TOOL,
                ITEM_STATE,
                PROGRAM,
                KEY_VALID,
                PRINTER_CONNECTED,
                DIAGNOSIS,
            ])
            .await;
        never
            .until_nothing(TOOL, StatusCode::BadWaitingForInitialData)
            .await;
        never
            .until_nothing(KEY_VALID, StatusCode::BadNoCommunication)
            .await;
        never
            .until_nothing(PRINTER_CONNECTED, StatusCode::BadNoCommunication)
            .await;
        let initial = StatusCode::UncertainInitialValue;
        never
            .until_is(ITEM_STATE, item::NOT_AVAILABLE, initial)
            .await;
        never
            .until_is(PROGRAM, program::INITIALIZING, initial)
            .await;
        let refused = |seen: &Seen| seen.text().contains("onnection refused");
        never.until(DIAGNOSIS, "says why", refused).await;
    });
}

#[test]
fn the_bridge_counts_who_is_online_and_lives_without_anybody() {
    block_on(async {
        let octoprints = OctoPrints::start(3).await;
        let bridge = Bridge::start(octoprints.machines(3)).await;
        let mes = bridge.mes().await;
        watch_bridge(&mes).await;
        until_online(&mes, 3).await;
        octoprints.printer(1).inject(Fault::Close);
        until_online(&mes, 2).await;
        until_last_poll_moves(&mes).await;
        octoprints.printer(2).inject(Fault::Html);
        octoprints.printer(3).inject(Fault::Status(500));
        until_online(&mes, 0).await;
        // Nothing is read any more; the bridge is there all the same.
        assert_eq!(mes.read(MACHINES).await.value, Variant::UInt32(3));
        assert!(mes.read("UmatiBridge/StartTime").await.is_good());
        for number in 1..=3 {
            octoprints.printer(number).heal();
        }
        until_online(&mes, 3).await;
        until_last_poll_moves(&mes).await;
    });
}

/// OctoPrint writes a line to its SD card for each question about a printer that is not there.
#[test]
fn a_printer_that_is_off_is_online_and_never_asked_for() {
    block_on(async {
        let octoprints = OctoPrints::start(1).await;
        let printer = octoprints.printer(1);
        printer.unplug();
        let bridge = Bridge::start(octoprints.machines(1)).await;
        let mes = bridge.mes().await;
        watch_bridge(&mes).await;
        until_online(&mes, 1).await;
        let machine = mes.machine(&printer_name(1));
        machine
            .watch(&[
                SERVER_REACHABLE,
                KEY_VALID,
                PRINTER_CONNECTED,
                STATE_TEXT,
                TOOL,
                ITEM_STATE,
                UPDATED,
            ])
            .await;
        machine
            .until_is(SERVER_REACHABLE, true, StatusCode::Good)
            .await;
        machine.until_is(KEY_VALID, true, StatusCode::Good).await;
        machine
            .until_is(PRINTER_CONNECTED, false, StatusCode::Good)
            .await;
        machine
            .until_is(STATE_TEXT, text("Offline"), StatusCode::Good)
            .await;
        machine
            .until_nothing(TOOL, StatusCode::BadOutOfService)
            .await;
        machine.until_number(ITEM_STATE, item::NOT_AVAILABLE).await;
        machine.until_polled(10).await;
        assert!(printer.requests(Endpoint::Job) >= 10);
        assert_eq!(printer.requests(Endpoint::Printer), 0);
        assert_eq!(printer.answers_with(409), 0);
    });
}

async fn watch_bridge(mes: &Mes) {
    mes.watch(&[MACHINES_ONLINE.to_owned(), LAST_POLL.to_owned()])
        .await;
}

async fn until_online(mes: &Mes, count: usize) {
    let what = format!("is {count}");
    mes.until(MACHINES_ONLINE, &what, |seen| {
        seen.is_good_number(count as f64)
    })
    .await;
}

async fn until_last_poll_moves(mes: &Mes) {
    let time = |seen: &Seen| match &seen.value {
        Variant::DateTime(at) => Some(**at),
        _ => None,
    };
    let is_later = |than: DateTime| move |seen: &Seen| time(seen).is_some_and(|at| at > than);
    let first = mes
        .until(LAST_POLL, "is known", |seen| seen.is_good())
        .await;
    let first = time(&first).expect("a time");
    mes.until(LAST_POLL, "is later", is_later(first)).await;
}
