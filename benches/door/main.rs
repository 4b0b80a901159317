//! What the front door costs an honest client: beside a server without it, and while it holds off a flood.
//!
//! `cargo bench --bench door --features bare -- [cost | floods] [NAME OF A FLOOD …] [ROUNDS] [MILLISECONDS]`: both by
//! default, about nine minutes. The bridge is a process of its own, and the attacker is one of the lowest priority: what
//! it takes of the processor is not what is measured. What is compared takes turns, ROUNDS times, so that what else the
//! computer does strikes both alike. Prints rows of `docs/benchmarks.md`. Linux only (`/proc`, network
//! namespaces); needs `openssl`.

#[path = "../../tests/pki/authority.rs"]
mod authority;
#[path = "../common/mod.rs"]
mod bench;
#[path = "../../tests/common/mod.rs"]
mod common;
mod cost;
mod floods;
mod load;
mod pairs;
#[path = "../../tests/attacks/raw.rs"]
#[allow(dead_code, reason = "a flood needs a part of it")]
mod raw;
mod siege;
mod stage;

use std::process::Command;
use std::time::Duration;

/// Told to the process that runs in a network of its own.
const INSIDE: &str = "DOOR_BENCH_INSIDE";

fn main() {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with("--"))
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if let ["attack", name, address, certificate] = words[..] {
        floods::run(name, address, certificate.as_ref());
        return;
    }
    if std::env::var_os(INSIDE).is_none() {
        in_a_network_of_its_own();
        return;
    }
    let [rounds, slice] = bench::numbers([5, 800]);
    let slice = Duration::from_millis(slice as u64);
    let all = !["cost", "floods"].iter().any(|part| words.contains(part));
    let runtime = tokio::runtime::Runtime::new().expect("runtime");
    runtime.block_on(async {
        if all || words.contains(&"cost") {
            cost::measure(rounds, slice).await;
        }
        if all || words.contains(&"floods") {
            siege::measure(&words, rounds, slice).await;
        }
    });
}

/// Runs this program again, where nothing is but loopback, which has addresses besides: so that attackers have another
/// address than honest clients, and nothing that listens can be reached from outside.
fn in_a_network_of_its_own() {
    let addresses = stage::NETWORK.map(|address| format!("ip addr add {address}/32 dev lo && "));
    let script = format!(
        r#"ip link set lo up && {}exec "$0" "$@""#,
        addresses.concat()
    );
    let status = Command::new("unshare")
        .args(["--user", "--map-root-user", "--net", "sh", "-c", &script])
        .arg(std::env::current_exe().expect("this program"))
        .args(std::env::args().skip(1))
        .env(INSIDE, "")
        .status();
    assert!(
        status.expect("unshare of util-linux").success(),
        "the bench failed"
    );
}
