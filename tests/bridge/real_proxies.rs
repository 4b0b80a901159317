//! A real OctoPrint behind nginx, with TLS and a base path: with a proxy that passes the upgrade to a WebSocket on, and
//! with one that does not.

use opcua::types::StatusCode;
use serde_json::json;

use crate::common::bridge::Bridge;
use crate::common::nginx::{Nginx, Upgrade};
use crate::common::octoprint::{Print, RealOctoPrint};
use crate::machine::{Machine, text};
use crate::mes::{Mes, Seen};
use crate::paths::{
    DATA_SOURCE, DATA_SOURCE_REASON, ITEM_STATE, KEY_VALID, PROGRAM, RESPONSES, SERVER_REACHABLE,
    item, program,
};
use crate::plant::runtime;
use crate::told::{SUCCESSFUL, UNSUCCESSFUL, jobs};

#[test]
#[ignore = "needs Python, nginx and the package registries"]
fn octoprint_behind_nginx_is_told_of_or_asked_as_the_proxy_lets_it() {
    let octoprint = RealOctoPrint::start("1.11.8");
    octoprint.connect();
    let upgrades = [Upgrade::PassedOn, Upgrade::Swallowed];
    let proxies = upgrades.map(|upgrade| Nginx::before(octoprint.port(), upgrade));
    let machines = ["push", "poll"];
    let written = proxies.each_ref().map(|proxy| {
        json!({
            "type": "OCTOPRINT",
            "url": proxy.url(),
            "tls": { "ca_file": proxy.ca_file() },
            "api_key": octoprint.status_key(),
            "mes_id": [1],
        })
    });
    let [mut told, mut asked] = written;
    told["custom_name"] = machines[0].into();
    // It could not do otherwise: it is not asked again while the socket tells.
    told["heartbeat_interval_ms"] = 3_600_000.into();
    asked["custom_name"] = machines[1].into();
    let bridge = Bridge::run(json!({ "poll_interval_ms": 250, "machines": [told, asked] }));

    let runtime = runtime();
    let machines = runtime.block_on(async {
        let mes = Mes::connect(bridge.endpoint()).await;
        let machines = machines.map(|name| mes.machine(name));
        for machine in &machines {
            machine
                .watch(&[DATA_SOURCE, DATA_SOURCE_REASON, ITEM_STATE, KEY_VALID])
                .await;
            machine.watch(&[PROGRAM, RESPONSES, SERVER_REACHABLE]).await;
        }
        machines
    });
    let [told, asked] = &machines;
    let each = |path: &str, number: u32| {
        for machine in &machines {
            runtime.block_on(machine.until_number(path, number));
        }
    };
    let is = |machine: &Machine, path: &str, value: &str| {
        runtime.block_on(machine.until_is(path, text(value), StatusCode::Good));
    };
    is(told, DATA_SOURCE, "push");
    is(told, DATA_SOURCE_REASON, "");
    let why = runtime.block_on(asked.until(DATA_SOURCE_REASON, "says why", |seen| {
        !seen.text().is_empty()
    }));
    assert!(
        why.text().contains("is not upgraded to a WebSocket"),
        "{why:?}"
    );
    is(asked, DATA_SOURCE, "poll");
    each(ITEM_STATE, item::NOT_EXECUTING);

    octoprint.print(Print::LONG);
    each(PROGRAM, program::RUNNING);
    octoprint.pause();
    each(PROGRAM, program::INTERRUPTED);
    octoprint.resume();
    each(PROGRAM, program::RUNNING);
    octoprint.cancel();
    each(PROGRAM, program::ABORTED);
    octoprint.wait_for_state("Operational");
    octoprint.print(Print::SHORT);
    each(PROGRAM, program::RUNNING);
    each(PROGRAM, program::ENDED);

    for machine in &machines {
        let two_ends = |seen: &Seen| {
            jobs(&seen.value)
                .iter()
                .filter(|job| job.end.is_some())
                .count()
                == 2
        };
        let seen = runtime.block_on(machine.until(RESPONSES, "tells two ends", two_ends));
        let results: Vec<_> = jobs(&seen.value).iter().map(|job| job.result).collect();
        assert_eq!(results, [UNSUCCESSFUL, SUCCESSFUL], "{}", machine.name);
        machine.assert_always_reachable();
    }
    is(told, DATA_SOURCE, "push");
    is(asked, DATA_SOURCE, "poll");
}
