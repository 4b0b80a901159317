//! Whether the time of an answer tells a machine of others from one that never was.

use std::time::{Duration, Instant};

use opcua::types::{AttributeId, BrowseDirection, NodeId, StatusCode};
use umati_bridge::umati::namespaces as ns;

use super::bench::*;
use super::client::*;
use super::matrix::{browse, translate};
use super::shop::report;

/// Of each question about each machine, after as many that are not counted as a tenth.
const ROUNDS: usize = 2_000;
/// A machine of others, and two that never were: how they differ is noise.
const MACHINES: [&str; 3] = ["of-2", "of-3", "of-4"];

#[derive(Debug, Clone, Copy)]
enum Question {
    Read,
    Browse,
    Translate,
    Write,
    Call,
    CallByType,
}

async fn ask(client: &Client, question: Question, machine: &str) -> StatusCode {
    let control = node(machine, CONTROL);
    match question {
        Question::Read => {
            let read = client.read(node(machine, ASSET_ID), AttributeId::Value);
            read.await.status.unwrap()
        }
        Question::Browse => {
            let root = node(machine, "");
            browse(client, &root, BrowseDirection::Forward, 0).await.0
        }
        Question::Translate => {
            let names = [(ns::DI, "Identification"), (ns::DI, "AssetId")];
            translate(client, &node(machine, ""), &names).await.0
        }
        Question::Write => client.write_asset_id(machine, "x").await,
        Question::Call => client.store(machine, "an order").await.status_code,
        Question::CallByType => {
            let store = NodeId::new(ns::JOB_CONTROL, 7001u32);
            let answer = client.call(control, store, stored("an order")).await;
            answer.status_code
        }
    }
}

fn quartiles(times: &mut [Duration]) -> [Duration; 3] {
    times.sort_unstable();
    [1, 2, 3].map(|quarter| times[times.len() * quarter / 4])
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures, which takes a minute and an idle computer"]
async fn a_machine_of_others_is_answered_as_fast_as_one_that_never_was() {
    let bench = Bench::start().await;
    let client = Client::log_in(&bench.url, MES_1).await;
    // The machine is at work all the time, so that its lock is taken and its values change.
    let eye = bench.eyes[1].clone();
    let at_work =
        tokio::spawn(async move { while eye.send(report(Default::default())).await.is_ok() {} });
    let questions = [
        Question::Read,
        Question::Browse,
        Question::Translate,
        Question::Write,
        Question::Call,
        Question::CallByType,
    ];
    for question in questions {
        let mut times = MACHINES.map(|_| Vec::with_capacity(ROUNDS));
        for round in 0..ROUNDS + ROUNDS / 10 {
            // Nobody is always first.
            for n in 0..MACHINES.len() {
                let n = (n + round) % MACHINES.len();
                let began = Instant::now();
                let status = ask(&client, question, MACHINES[n]).await;
                let took = began.elapsed();
                assert!(status.is_bad(), "{question:?} {status}");
                if round >= ROUNDS / 10 {
                    times[n].push(took);
                }
            }
        }
        let [foreign, absent, other] = times.each_mut().map(|times| quartiles(times));
        println!(
            "{question:?}: quartiles of a foreign machine {foreign:?}, of absent ones {absent:?} and {other:?}"
        );
        let ratio = foreign[1].as_secs_f64() / absent[1].as_secs_f64();
        assert!((0.5..2.0).contains(&ratio), "{question:?}: {ratio}");
    }
    at_work.abort();
}
