//! The bridge, OctoPrint and the MES are killed, frozen and cut off at any moment: no job is lost, none is told twice,
//! and one that runs over a kill keeps its id and its start.

use std::collections::BTreeMap;
use std::time::Duration;

use opcua::types::{DateTime, Variant};
use serde_json::json;
use umati_bridge::octoprint::simulator::{API_KEY, printer_name};
use umati_bridge::umati::isa95::codec::from_extension_object;
use umati_bridge::umati::isa95::types::JobResponse;

use crate::common::bridge::{Bridge, Simulator};
use crate::common::process::Signal;
use crate::mes::Mes;
use crate::plant::block_on;

const PRINTERS: u32 = 8;
const KILLS: u64 = 25;
const RESPONSES: &str =
    "MachineryBuildingBlocks/JobManagement/JobOrderResults/JobOrderResponseList";

/// Start and end of each job, by machine and JobOrderID.
type Told = BTreeMap<(String, String), (DateTime, Option<DateTime>)>;

#[test]
fn fifty_kills_and_cuts_lose_no_job_and_double_none() {
    block_on(async {
        let simulator = Simulator::start(PRINTERS, 1);
        let machines: Vec<_> = (1..=PRINTERS)
            .map(|n| {
                json!({
                    "type": "OCTOPRINT",
                    "url": simulator.url(n),
                    "custom_name": printer_name(n as usize),
                    "api_key": API_KEY,
                    "poll_interval_ms": 100,
                    "mes_id": [1],
                })
            })
            .collect();
        let mut bridge = Bridge::run(json!({ "machines": machines }));
        let mut before = Told::new();
        let mut moments = Moments(0x9e37_79b9_7f4a_7c15);
        for kill in 0..KILLS {
            // A new MES each time: the one before was cut off with its session open.
            let mes = Mes::connect(bridge.endpoint()).await;
            moments.pass(400).await;
            // OctoPrint answers nobody for a while; now and then it is still silent when the bridge comes back.
            simulator.signal(Signal::Stop);
            moments.pass(300).await;
            if kill % 3 != 0 {
                simulator.signal(Signal::Continue);
            }
            let now = told(&mes).await;
            nothing_lost(&before, &now, kill);
            before = now;
            moments.pass(200).await;
            bridge = bridge.kill_and_run_again();
            simulator.signal(Signal::Continue);
        }
        let mes = Mes::connect(bridge.endpoint()).await;
        let last = told(&mes).await;
        nothing_lost(&before, &last, KILLS);
        let jobs = last.len();
        assert!(jobs >= PRINTERS as usize / 2, "only {jobs} jobs");
        println!("{jobs} jobs over {KILLS} kills");
    });
}

/// What was told stays told, and the jobs of a machine follow one another.
fn nothing_lost(before: &Told, now: &Told, kill: u64) {
    for (job, (start, end)) in before {
        let Some((start_now, end_now)) = now.get(job) else {
            panic!("kill {kill}: {job:?} is lost; before {before:#?}, now {now:#?}");
        };
        assert_eq!(start, start_now, "kill {kill}: the start of {job:?}");
        if end.is_some() {
            assert_eq!(end, end_now, "kill {kill}: the end of {job:?}");
        }
    }
    let mut of_machine = BTreeMap::<&str, Vec<_>>::new();
    for ((machine, id), times) in now {
        of_machine.entry(machine).or_default().push((times, id));
    }
    for (machine, mut jobs) in of_machine {
        jobs.sort_by_key(|((start, _), _)| *start);
        for pair in jobs.windows(2) {
            let (((_, end), id), ((next, _), next_id)) = (&pair[0], &pair[1]);
            // The start of a print that is met under way is reckoned in seconds.
            let latest = end.map(|end| end.as_chrono() - Duration::from_secs(2));
            assert!(
                latest.is_some_and(|end| end <= next.as_chrono()),
                "kill {kill}: {machine}: {id} ran until {end:?}, {next_id} from {next}"
            );
        }
    }
}

async fn told(mes: &Mes) -> Told {
    let mut told = Told::new();
    for machine in (1..=PRINTERS).map(|n| printer_name(n as usize)) {
        let list = mes.read(&format!("{machine}/{RESPONSES}")).await;
        let Variant::Array(list) = list.value else {
            continue;
        };
        for response in list.values {
            let Variant::ExtensionObject(object) = response else {
                panic!("{response:?}");
            };
            let job: JobResponse = from_extension_object(&object).expect("a response");
            let id = job.job_order_id.to_string();
            let times = (job.start_time.expect("a start"), job.end_time);
            let doubled = told.insert((machine.clone(), id.clone()), times);
            assert!(doubled.is_none(), "{machine}: {id} twice");
        }
    }
    told
}

/// Moments without a pattern, the same in each run.
struct Moments(u64);

impl Moments {
    async fn pass(&mut self, at_most_ms: u64) {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        tokio::time::sleep(Duration::from_millis(self.0 % at_most_ms)).await;
    }
}
