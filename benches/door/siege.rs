//! An honest client that is logged in, while nobody attacks and while somebody does.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use super::floods::{FLOODS, Flood, From};
use super::load;
use super::pairs::Pairs;
use super::stage::{Channel, Stage, values};

/// What the honest client asks for, and how often where it does so at a rate.
const VALUES: usize = 20;
const EVERY: Duration = Duration::from_millis(10);
/// After this a flood is what it is for as long as it lasts: what the door lets pass at once has passed.
const RISE: Duration = Duration::from_millis(1500);
/// After this nothing is left of it.
const EBB: Duration = Duration::from_millis(500);

pub async fn measure(words: &[&str], rounds: usize, slice: Duration) {
    let (open, closed) = (Stage::open().await, Stage::closed().await);
    println!("\nWithout and with a flood, and the second to the first:\n");
    println!(
        "| flood | ms p50 | ms p99 | reads a second | attempts a second | processor of the bridge, ms an attempt | % of a core |"
    );
    println!("|---|---|---|---|---|---|---|");
    let is_named = FLOODS.iter().any(|flood| words.contains(&flood.name));
    for flood in &FLOODS {
        if !is_named || words.contains(&flood.name) {
            let stage = match flood.from {
                From::Network => &closed,
                From::Here => &open,
            };
            endure(stage, flood, rounds, slice).await;
        }
    }
}

async fn endure(stage: &Stage, flood: &Flood, rounds: usize, slice: Duration) {
    let certificate = stage.certificate(flood.name == "stolen");
    let clients = [stage.client(Channel::Encrypted, stage.url()).await];
    let wanted = values(VALUES);
    let [mut medians, mut late, mut rates] = [const { Pairs::new() }; 3];
    let mut quiet_cost = Cost::default();
    let mut flood_cost = Cost::default();
    for _ in 0..rounds {
        let mut told = [[0.0; 3]; 2];
        for (side, told) in told.iter_mut().enumerate() {
            let mut attacker =
                (side == 1).then(|| Attacker::start(flood, &stage.attacked, &certificate));
            tokio::time::sleep(if attacker.is_some() { RISE } else { EBB }).await;
            let times = load::without_pause(&clients, &wanted, slice).await;
            let rate = times.len() as f64 / slice.as_secs_f64();
            let cost = if side == 1 {
                &mut flood_cost
            } else {
                &mut quiet_cost
            };
            let before = Cost::now(stage, &mut attacker);
            let began = Instant::now();
            let times = load::at_a_rate(&clients[0], &wanted, EVERY, slice * 2).await;
            cost.add(&before, &Cost::now(stage, &mut attacker), began.elapsed());
            *told = [times.median(), times.p99(), rate];
        }
        for (n, pairs) in [&mut medians, &mut late, &mut rates]
            .into_iter()
            .enumerate()
        {
            pairs.push(told.map(|side| side[n]));
        }
    }
    let share = |cost: &Cost| cost.processor / cost.seconds;
    let more = share(&flood_cost) - share(&quiet_cost);
    let attempts = flood_cost.attempts as f64 / flood_cost.seconds;
    println!(
        "| {} | {} | {} | {} | {attempts:.0} | {:.2} | {:.0} |",
        flood.what,
        medians.told(2),
        late.told(2),
        rates.told(0),
        more * 1e3 / attempts,
        more * 100.0,
    );
    if flood_cost.odd > 0 {
        println!(
            "{} attempts went otherwise than they should",
            flood_cost.odd
        );
    }
}

/// What was used and tried so far, or over some time.
#[derive(Debug, Default)]
struct Cost {
    processor: f64,
    attempts: u64,
    odd: u64,
    seconds: f64,
}

impl Cost {
    fn now(stage: &Stage, attacker: &mut Option<Attacker>) -> Self {
        let [attempts, odd] = attacker.as_mut().map_or([0; 2], Attacker::attempts);
        Self {
            processor: stage.processor_time(),
            attempts,
            odd,
            seconds: 0.0,
        }
    }

    fn add(&mut self, before: &Self, after: &Self, time: Duration) {
        self.processor += after.processor - before.processor;
        self.attempts += after.attempts - before.attempts;
        self.odd += after.odd - before.odd;
        self.seconds += time.as_secs_f64();
    }
}

/// A process that ends with its owner.
struct Attacker {
    child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Attacker {
    fn start(flood: &Flood, address: &str, certificate: &Path) -> Self {
        // Whatever the priority of this process, that is the lowest.
        let mut child = Command::new("nice")
            .args(["-n", "40"])
            .arg(std::env::current_exe().expect("this program"))
            .args(["attack", flood.name, address])
            .arg(certificate)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("nice starts");
        Self {
            asks: child.stdin.take().expect("piped"),
            answers: BufReader::new(child.stdout.take().expect("piped")),
            child,
        }
    }

    /// How many it has made so far, and how many of them went otherwise than they should.
    fn attempts(&mut self) -> [u64; 2] {
        writeln!(self.asks).expect("it is there");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("an answer");
        let mut numbers = line.split_whitespace().filter_map(|it| it.parse().ok());
        [(); 2].map(|()| numbers.next().expect("a number"))
    }
}

impl Drop for Attacker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
