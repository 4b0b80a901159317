//! All OctoPrints go away and come back in the same moment, as after a power cut: each is listened to again, and none of
//! their prints is lost.

use std::time::Duration;

use opcua::types::StatusCode;
use umati_bridge::config::{DataSource, MachineConfig};
use umati_bridge::octoprint::simulator::{AfterSelect, Command, printer_name};

use crate::machine::{Machine, text};
use crate::paths::{DATA_SOURCE, PROGRAM, RESPONSES, SERVER_REACHABLE, program};
use crate::plant::{Bridge, OctoPrints, block_on};
use crate::told::{SUCCESSFUL, jobs};

const PRINTERS: usize = 50;
const FILE: &str = "Halterung_links.gcode";

#[test]
fn fifty_octoprints_that_return_at_once_are_listened_to_again() {
    block_on(async {
        let mut octoprints = OctoPrints::start(PRINTERS).await;
        let machines = octoprints.machines_by(DataSource::Auto, PRINTERS);
        let machines = machines.into_iter().map(|machine| MachineConfig {
            heartbeat_interval: Duration::from_secs(10),
            ..machine
        });
        let bridge = Bridge::start(machines.collect()).await;
        let mes = bridge.mes().await;
        let machines: Vec<_> = (1..=PRINTERS)
            .map(|number| mes.machine(&printer_name(number)))
            .collect();
        for machine in &machines {
            machine
                .watch(&[DATA_SOURCE, PROGRAM, SERVER_REACHABLE])
                .await;
        }
        until_read_by(&machines, "push").await;
        for number in 1..=PRINTERS {
            let path = FILE.to_owned();
            let then = AfterSelect::Print;
            let print = Command::Select { path, then };
            octoprints.printer(number).command(print).unwrap();
        }
        for machine in &machines {
            machine.until_number(PROGRAM, program::RUNNING).await;
        }

        octoprints.stop().await;
        until_read_by(&machines, "poll").await;
        for machine in &machines {
            let gone = machine.until_is(SERVER_REACHABLE, false, StatusCode::Good);
            gone.await;
        }
        octoprints.start_again().await;
        until_read_by(&machines, "push").await;

        for number in 1..=PRINTERS {
            octoprints.printer(number).skip_to_end();
            assert_eq!(octoprints.printer(number).sockets(), 1);
        }
        for machine in &machines {
            machine.until_number(PROGRAM, program::ENDED).await;
            let jobs = jobs(&machine.read(RESPONSES).await.value);
            let results: Vec<_> = jobs.iter().map(|job| job.result).collect();
            assert_eq!(results, [SUCCESSFUL], "{jobs:#?}");
        }
    });
}

async fn until_read_by(machines: &[Machine], source: &str) {
    for machine in machines {
        machine
            .until_is(DATA_SOURCE, text(source), StatusCode::Good)
            .await;
    }
}
