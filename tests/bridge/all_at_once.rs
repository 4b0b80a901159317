//! What takes half a minute: the bridge tries a rejected key again after that time, and calls samples old that stood
//! still for as long; and the demo needs it for a print. All of it is waited for at once, and by its name before all
//! other tests.

use opcua::types::StatusCode;
use umati_bridge::octoprint::simulator::{Endpoint, Fault, NO_PERMISSION_KEY};

use crate::demo;
use crate::machine::{Machine, text};
use crate::paths::{
    DIAGNOSIS, ITEM_STATE, KEY_VALID, PRINTER_CONNECTED, PROGRAM, SERVER_REACHABLE, TOOL, UPDATED,
    item, program,
};
use crate::plant::{Bridge, OctoPrints, block_on, machine};

const WATCHED: [&str; 8] = [
    TOOL,
    ITEM_STATE,
    PROGRAM,
    SERVER_REACHABLE,
    KEY_VALID,
    PRINTER_CONNECTED,
    DIAGNOSIS,
    UPDATED,
];

#[test]
fn rejected_keys_frozen_feeds_and_the_print_of_the_demo_show_and_pass() {
    block_on(async {
        let octoprints = OctoPrints::start(5).await;
        let mut machines = octoprints.machines(5);
        let powerless = &mut machines[2];
        *powerless = machine(&powerless.name, powerless.url.as_str(), NO_PERMISSION_KEY);
        let names: Vec<_> = machines
            .iter()
            .map(|machine| machine.name.clone())
            .collect();
        let bridge = Bridge::start(machines).await;
        let mes = bridge.mes().await;
        let [revoked, forbidden, powerless, frozen, witness] =
            [0, 1, 2, 3, 4].map(|n| mes.machine(&names[n]));
        for machine in [&revoked, &forbidden, &frozen, &witness] {
            machine.watch(&WATCHED).await;
            machine.until_status(TOOL, StatusCode::Good).await;
        }
        let start = mes.mark();
        tokio::join!(
            key_revoked_and_restored(&octoprints, &revoked),
            rejected_by_a_proxy(&octoprints, &forbidden),
            never_allowed(&powerless),
            freeze_and_thaw(&octoprints, &frozen),
            demo::shows_a_job_start_pause_resume_and_end(),
        );
        // All the while the others are read ten times a second.
        let polls = witness.polls(start);
        assert!(polls > 100, "the witness was read {polls} times only");
        witness.assert_always_reachable();
    });
}

async fn key_revoked_and_restored(octoprints: &OctoPrints, machine: &Machine) {
    let printer = octoprints.printer(1);
    printer.revoke_keys();
    until_rejected(machine).await;
    machine
        .until_is(
            DIAGNOSIS,
            text("OctoPrint does not know the API key: create a new one"),
            StatusCode::Good,
        )
        .await;
    printer.restore_keys();
    until_accepted(machine).await;
    assert_eq!(
        printer.answers_with(403),
        1,
        "each one is a line in OctoPrint's log"
    );
}

async fn rejected_by_a_proxy(octoprints: &OctoPrints, machine: &Machine) {
    let printer = octoprints.printer(2);
    printer.inject_at(Endpoint::Job, Fault::Status(401));
    until_rejected(machine).await;
    let why = "OctoPrint, or a proxy before it, rejects the API key with HTTP 401";
    machine
        .until_is(DIAGNOSIS, text(why), StatusCode::Good)
        .await;
    printer.heal();
    until_accepted(machine).await;
    assert_eq!(printer.answers_with(401), 1);
}

async fn until_rejected(machine: &Machine) {
    let usable = StatusCode::UncertainNoCommunicationLastUsableValue;
    machine.until_is(KEY_VALID, false, StatusCode::Good).await;
    machine
        .until_is(SERVER_REACHABLE, true, StatusCode::Good)
        .await;
    machine
        .until_nothing(PRINTER_CONNECTED, StatusCode::BadConfigurationError)
        .await;
    machine.until_status(TOOL, usable).await;
    machine
        .until_is(ITEM_STATE, item::NOT_AVAILABLE, usable)
        .await;
    machine
        .until_is(PROGRAM, program::INITIALIZING, usable)
        .await;
}

async fn until_accepted(machine: &Machine) {
    machine.until_is(KEY_VALID, true, StatusCode::Good).await;
    machine
        .until_is(PRINTER_CONNECTED, true, StatusCode::Good)
        .await;
    machine
        .until_is(DIAGNOSIS, text(""), StatusCode::Good)
        .await;
    machine.until_status(TOOL, StatusCode::Good).await;
    machine.until_number(ITEM_STATE, item::NOT_EXECUTING).await;
}

/// The key was never good: nothing was ever read.
async fn never_allowed(machine: &Machine) {
    machine
        .watch(&[
            TOOL,
            ITEM_STATE,
            PROGRAM,
            KEY_VALID,
            DIAGNOSIS,
            SERVER_REACHABLE,
            PRINTER_CONNECTED,
        ])
        .await;
    machine.until_is(KEY_VALID, false, StatusCode::Good).await;
    machine
        .until_is(SERVER_REACHABLE, true, StatusCode::Good)
        .await;
    machine
        .until_nothing(PRINTER_CONNECTED, StatusCode::BadConfigurationError)
        .await;
    let why = "the API key of user noperm lacks the STATUS permission: grant it to the user";
    machine
        .until_is(DIAGNOSIS, text(why), StatusCode::Good)
        .await;
    machine
        .until_nothing(TOOL, StatusCode::BadWaitingForInitialData)
        .await;
    let initial = StatusCode::UncertainInitialValue;
    machine
        .until_is(ITEM_STATE, item::NOT_AVAILABLE, initial)
        .await;
    machine
        .until_is(PROGRAM, program::INITIALIZING, initial)
        .await;
}

/// The firmware says nothing more, and OctoPrint repeats the last that it heard.
async fn freeze_and_thaw(octoprints: &OctoPrints, machine: &Machine) {
    let printer = octoprints.printer(4);
    printer.freeze();
    let old = machine
        .until_status(TOOL, StatusCode::UncertainLastUsableValue)
        .await;
    assert!(old.number().is_some(), "old, and still a value: {old:?}");
    machine.until_number(ITEM_STATE, item::NOT_EXECUTING).await;
    machine
        .until_is(PRINTER_CONNECTED, true, StatusCode::Good)
        .await;
    machine.until_polled(3).await;
    printer.thaw();
    machine.until_status(TOOL, StatusCode::Good).await;
}
