//! A bridge under attack, and the four checks that follow each attack: the process is alive, its memory and its
//! descriptors are back where they were, and an honest client was served all the time.
//!
//! What an allocator keeps of an attack serves the next one. Where that is more than [`MORE`], a first round of the same
//! attack comes before the measurement ([`Siege::rehearsed`]): what leaks, leaks again.

use std::fs;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use argon2::password_hash::PasswordHasher;
use argon2::{Algorithm, Argon2, Params, Version};
use serde_json::{Value, json};
use umati_bridge::server::WORKER_STACK_SIZE;

use super::authority::{Pair, URI, Workshop, text};
use super::common::bridge::Bridge;
use super::common::{pause, wait_until};
use super::honest::{Honest, Identity};

/// How much more memory than before an attack may be in use after it, if it does not say otherwise.
const MORE: usize = 20 << 20;

/// What a level of nesting may leave behind on the stack of each worker.
const STACK_PER_LEVEL: usize = 1024;

/// The operator of a closed server.
pub const OPERATOR: &str = "anna";
pub const PASSWORD: &str = "open sesame";
/// Of the password, with little memory: what a check takes for a moment is not what is measured here.
static HASH: LazyLock<String> = LazyLock::new(|| {
    let params = Params::new(64, 1, 1, None).unwrap();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2
        .hash_password(PASSWORD.as_bytes())
        .unwrap()
        .to_string()
});

/// A bridge, an honest client that is served all the time, and how things were before.
pub struct Siege {
    // Dropped in this order: a client that leaves wants an answer.
    honest: Option<Honest>,
    bridge: Option<Bridge>,
    /// Of a closed server: the certificate that it trusts.
    pub trusted: Option<Pair>,
    pub workshop: Workshop,
    before: Vitals,
    /// How much more memory than before the attack may be in use after it.
    more: usize,
}

/// What an attack may cost for good.
#[derive(Debug, Clone, Copy)]
struct Vitals {
    /// Resident, without the stacks.
    memory: usize,
    /// What the runtime's threads have touched of their stacks, which is never given back and used again by the next
    /// request: its bound is one of its own.
    stacks: usize,
    descriptors: usize,
}

impl Vitals {
    fn of(process: u32) -> Self {
        let maps = fs::read_to_string(format!("/proc/{process}/smaps")).expect("it is alive");
        let (mut memory, mut stacks, mut is_stack) = (0, 0, false);
        for line in maps.lines() {
            if let Some(resident) = line.strip_prefix("Rss:") {
                let kb = resident.trim().trim_end_matches(" kB").parse::<usize>();
                let part = if is_stack { &mut stacks } else { &mut memory };
                *part += kb.expect("a number") << 10;
            } else if let Some(size) = size(line) {
                is_stack = size.abs_diff(WORKER_STACK_SIZE) < 1 << 20;
            }
        }
        let descriptors = fs::read_dir(format!("/proc/{process}/fd"));
        Self {
            memory,
            stacks,
            descriptors: descriptors.expect("its descriptors").count(),
        }
    }
}

/// The size of a mapping, from the line of proc(5) that begins it: `begin-end permissions …`, in hex.
fn size(line: &str) -> Option<usize> {
    let (begin, end) = line.split(' ').next()?.split_once('-')?;
    let [begin, end] = [begin, end].map(|it| usize::from_str_radix(it, 16).ok());
    Some(end? - begin?)
}

/// Two, whose OctoPrints are not there: so nothing but the clients opens anything for long.
fn machines() -> Value {
    let machine = |name: &str| {
        json!({
            "type": "OCTOPRINT", "url": "http://127.0.0.1:1", "api_key": "0123456789ABCDEF",
            "custom_name": name, "mes_id": [1],
        })
    };
    json!([machine("one"), machine("two")])
}

impl Siege {
    /// Everybody on this computer may read, also without encryption.
    pub fn open() -> Self {
        let bridge = Bridge::run(json!({ "machines": machines() }));
        let honest = Honest::start(bridge.endpoint(), Identity::Nobody);
        Self::of(bridge, honest, None, Workshop::new())
    }

    /// One operator with a password, and one application that is trusted.
    pub fn closed() -> Self {
        let workshop = Workshop::new();
        let bridge = Bridge::run(json!({
            "machines": machines(),
            "operators": [{ "name": OPERATOR, "user": OPERATOR, "password_hash": *HASH }],
        }));
        let trusted = workshop.client("trusted");
        bridge.operator(&["trust", "accept", text(&trusted.certificate)]);
        let identity = Identity::Operator(&trusted);
        let honest = Honest::start(bridge.endpoint(), identity);
        Self::of(bridge, honest, Some(trusted), workshop)
    }

    fn of(bridge: Bridge, honest: Honest, trusted: Option<Pair>, workshop: Workshop) -> Self {
        let siege = Self {
            before: Vitals::of(bridge.id()),
            bridge: Some(bridge),
            honest: Some(honest),
            trusted,
            workshop,
            more: MORE,
        };
        // What the first login of a kind costs is no cost of an attack.
        drop(siege.newcomer());
        siege.settle();
        Self {
            before: Vitals::of(siege.bridge().id()),
            ..siege
        }
    }

    pub fn bridge(&self) -> &Bridge {
        self.bridge.as_ref().expect("it runs")
    }

    /// Takes the bridge out, to end it.
    pub fn into_bridge(mut self) -> Bridge {
        self.bridge.take().expect("it runs")
    }

    /// Where the server listens.
    pub fn address(&self) -> &str {
        let address = self.bridge().endpoint().trim_start_matches("opc.tcp://");
        address.trim_end_matches('/')
    }

    pub fn url(&self) -> &str {
        self.bridge().endpoint()
    }

    /// Another honest client that logs in now.
    pub fn newcomer(&self) -> Honest {
        let identity = match &self.trusted {
            Some(trusted) => Identity::Operator(trusted),
            None => Identity::Nobody,
        };
        Honest::start(self.url(), identity)
    }

    /// Another application that is trusted.
    pub fn trust(&self, name: &str) -> Pair {
        let pair = self.workshop.client(name);
        let accept = ["trust", "accept", text(&pair.certificate)];
        self.bridge().operator(&accept);
        pair
    }

    /// Waits for a line of the log with all of these texts.
    pub fn told(&self, texts: &[&str]) -> String {
        wait_until(&format!("a line with {texts:?}"), || {
            let log = self.bridge().log();
            let mut lines = log.lines();
            let line = lines.rfind(|line| texts.iter().all(|text| line.contains(text)));
            line.map(str::to_owned).ok_or(log.clone())
        })
    }

    /// How much memory the process has in use, in bytes.
    pub fn memory(&self) -> usize {
        Vitals::of(self.bridge().id()).memory
    }

    /// So much memory may be left.
    pub fn leaves(mut self, more: usize) -> Self {
        self.more = more;
        self
    }

    /// Attacks once, and measures from there.
    pub fn rehearsed(mut self, attack: impl FnOnce(&Self)) -> Self {
        /// So long it gives back nothing more.
        const STEADY: Duration = Duration::from_millis(500);
        attack(&self);
        let mut least = self.once_descriptors_are_back();
        let mut since = Instant::now();
        while since.elapsed() < STEADY {
            pause(STEADY / 10);
            let now = self.once_descriptors_are_back();
            if now.memory < least.memory {
                since = Instant::now();
                least = now;
            }
        }
        println!(
            "rehearsed: memory {} → {} MiB",
            self.before.memory >> 20,
            least.memory >> 20
        );
        self.before = Vitals {
            descriptors: self.before.descriptors,
            ..least
        };
        self
    }

    /// How things are once the descriptors are back.
    fn once_descriptors_are_back(&self) -> Vitals {
        wait_until("descriptors as before", || {
            let now = Vitals::of(self.bridge().id());
            (now.descriptors <= self.before.descriptors)
                .then_some(now)
                .ok_or_else(|| format!("{now:?}, before {:?}", self.before))
        })
    }

    /// The attack is over: the checks. What was attacked with has to be dropped before.
    pub fn lift(self, attack: &str) {
        self.lift_after(attack, 0);
    }

    /// The same after requests with values nested so deeply.
    pub fn lift_after(self, attack: &str, levels: usize) {
        let newcomer = self.newcomer();
        newcomer.is_served();
        drop(newcomer);
        let after = self.settle();
        let served = self.honest.as_ref().expect("it runs").is_served();
        let stacks = after.stacks.saturating_sub(self.before.stacks);
        println!(
            "{attack}: memory {} → {} MiB, stacks + {} MiB, descriptors {} → {}, {served}",
            self.before.memory >> 20,
            after.memory >> 20,
            stacks >> 20,
            self.before.descriptors,
            after.descriptors,
        );
        served.is_in_time(attack);
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let bound = MORE + workers * levels * STACK_PER_LEVEL;
        assert!(stacks <= bound, "{attack}: {stacks} bytes of stacks");
        assert!(!self.bridge().log().contains("panicked at"), "{attack}");
    }

    /// Waits until descriptors and memory are as before.
    fn settle(&self) -> Vitals {
        wait_until("memory and descriptors as before", || {
            let now = Vitals::of(self.bridge().id());
            let is_as_before = now.descriptors <= self.before.descriptors
                && now.memory <= self.before.memory + self.more;
            is_as_before
                .then_some(now)
                .ok_or_else(|| format!("{now:?}, before {:?}", self.before))
        })
    }
}

/// The URI in the certificates of the workshop.
pub const APPLICATION: &str = URI;
