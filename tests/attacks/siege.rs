//! A bridge under attack, and the four checks that follow each attack: the process is alive, its memory and its
//! descriptors are back where they were, and an honest client was served all the time.

use std::fs;
use std::sync::LazyLock;

use argon2::password_hash::PasswordHasher;
use argon2::{Algorithm, Argon2, Params, Version};
use serde_json::{Value, json};

use super::authority::{Pair, URI, Workshop, text};
use super::common::bridge::Bridge;
use super::common::wait_until;
use super::honest::{Honest, Identity};

/// How much more memory than before an attack may be in use after it.
const MORE: usize = 20 << 20;

/// What the allocator keeps of what the most strangers had at once; the next ones get it.
pub const STRANGERS: usize = 150 * (128 << 10);

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
}

/// What an attack may cost for good.
#[derive(Debug, Clone, Copy)]
struct Vitals {
    memory: usize,
    descriptors: usize,
}

impl Vitals {
    fn of(process: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{process}/status")).expect("it is alive");
        let resident = status.lines().find_map(|it| it.strip_prefix("VmRSS:"));
        let resident = resident.and_then(|it| it.trim().strip_suffix(" kB"));
        let descriptors = fs::read_dir(format!("/proc/{process}/fd"));
        Self {
            memory: resident.expect("its memory").parse::<usize>().unwrap() << 10,
            descriptors: descriptors.expect("its descriptors").count(),
        }
    }
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
        };
        // What the first login of a kind costs is no cost of an attack.
        drop(siege.newcomer());
        siege.settle(0);
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

    /// The attack is over: the checks. What was attacked with has to be dropped before.
    pub fn lift(self, attack: &str) {
        self.lift_with(attack, 0);
    }

    /// So much more memory may stay.
    pub fn lift_with(self, attack: &str, memory: usize) {
        let newcomer = self.newcomer();
        newcomer.is_served();
        drop(newcomer);
        let after = self.settle(memory);
        let served = self.honest.as_ref().expect("it runs").is_served();
        println!(
            "{attack}: memory {} → {} MiB, descriptors {} → {}, {served}",
            self.before.memory >> 20,
            after.memory >> 20,
            self.before.descriptors,
            after.descriptors,
        );
        assert!(!self.bridge().log().contains("panicked at"), "{attack}");
    }

    /// Waits until descriptors and memory are as before, but for so much.
    fn settle(&self, memory: usize) -> Vitals {
        wait_until("memory and descriptors as before", || {
            let now = Vitals::of(self.bridge().id());
            let is_as_before = now.descriptors <= self.before.descriptors
                && now.memory <= self.before.memory + MORE + memory;
            is_as_before
                .then_some(now)
                .ok_or_else(|| format!("{now:?}, before {:?}", self.before))
        })
    }
}

/// The URI in the certificates of the workshop.
pub const APPLICATION: &str = URI;
