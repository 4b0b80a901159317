//! The same clients of the same server, by the front door and past it.

use std::time::Duration;

use super::bench::board::Board;
use super::bench::client::Client;
use super::bench::times::Times;
use super::load;
use super::pairs::Pairs;
use super::stage::{Channel, PRINTERS, Stage, values};

/// How many clients there are, and how many values each asks for at a time.
const LOADS: [(usize, usize); 3] = [(1, 1), (8, 20), (1, 1000)];
/// Pauses and resumptions of each printer in a round.
const TURNS: usize = 4;

pub async fn measure(rounds: usize, slice: Duration) {
    let stage = Stage::open().await;
    println!("Without the front door, then with it, and the second to the first:\n");
    println!(
        "| channel | clients × values | reads a second | ms p50 | ms p99 | processor of the bridge, ms a read |"
    );
    println!("|---|---|---|---|---|---|");
    for channel in [Channel::Plain, Channel::Encrypted] {
        let ways = [stage.inner(), stage.url().to_owned()];
        let mut sides = [Vec::new(), Vec::new()];
        for (side, way) in sides.iter_mut().zip(&ways) {
            for _ in 0..8 {
                side.push(stage.client(channel, way).await);
            }
        }
        for load in LOADS {
            reads(&stage, &sides, channel, load, rounds, slice).await;
        }
    }
    println!("\n| channel | events | event to client ms p50 | ms p99 |");
    println!("|---|---|---|---|");
    stage.printers.print();
    for channel in [Channel::Plain, Channel::Encrypted] {
        notifications(&stage, channel, rounds).await;
    }
}

async fn reads(
    stage: &Stage,
    sides: &[Vec<Client>; 2],
    channel: Channel,
    (clients, count): (usize, usize),
    rounds: usize,
    slice: Duration,
) {
    let wanted = values(count);
    let [mut rates, mut medians, mut late, mut costs] = [const { Pairs::new() }; 4];
    for round in 0..rounds {
        let mut told = [[0.0; 4]; 2];
        for side in order(round) {
            let clients = &sides[side][..clients];
            let before = stage.processor_time();
            let times = load::without_pause(clients, &wanted, slice).await;
            let cost = (stage.processor_time() - before) * 1e3 / times.len() as f64;
            let rate = times.len() as f64 / slice.as_secs_f64();
            told[side] = [rate, times.median(), times.p99(), cost];
        }
        for (n, pairs) in [&mut rates, &mut medians, &mut late, &mut costs]
            .into_iter()
            .enumerate()
        {
            pairs.push(told.map(|side| side[n]));
        }
    }
    println!(
        "| {} | {clients} × {count} | {} | {} | {} | {} |",
        channel.name(),
        rates.told(0),
        medians.told(2),
        late.told(2),
        costs.told(3),
    );
}

async fn notifications(stage: &Stage, channel: Channel, rounds: usize) {
    let [mut medians, mut late] = [const { Pairs::new() }; 2];
    let mut events = 0;
    for round in 0..rounds {
        let mut told = [[0.0; 2]; 2];
        for side in order(round) {
            let way = [stage.inner(), stage.url().to_owned()][side].clone();
            let client = stage.client(channel, &way).await;
            let board = Board::watch(client, PRINTERS, "OctoPrint/StateText").await;
            let turns = (0..PRINTERS).map(async |place| {
                let printer = stage.printers.printer(place + 1);
                let mut times = Vec::new();
                for _ in 0..TURNS {
                    times.push(board.turn(place, &printer).await);
                }
                times
            });
            let times = futures_util::future::join_all(turns).await.concat();
            events += times.len() / 2;
            let times = Times::new(times);
            told[side] = [times.median(), times.p99()];
        }
        medians.push(told.map(|side| side[0]));
        late.push(told.map(|side| side[1]));
    }
    println!(
        "| {} | {events} each | {} | {} |",
        channel.name(),
        medians.told(1),
        late.told(1)
    );
}

/// Neither is always the first.
fn order(round: usize) -> [usize; 2] {
    if round.is_multiple_of(2) {
        [0, 1]
    } else {
        [1, 0]
    }
}
