//! Harness for the tests that run whole programs: the bridge, a real OctoPrint, foreign OPC UA clients.
//!
//! Everything is blocking and waits on conditions with one generous deadline ([`PATIENCE`]). Every process is ended
//! by its own id when its guard is dropped, also when a test fails. What has to be installed goes below
//! `target/interop`, once, and is shared by test processes that run at the same time.
#![allow(
    dead_code,
    reason = "each test crate that includes this module uses a part of it"
)]

pub mod bridge;
pub mod foreign;
pub mod inner_port;
pub mod install;
pub mod nginx;
pub mod octoprint;
pub mod process;
pub mod relay;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long any condition may take: far above what it needs on two busy cores, so that only a defect exceeds it.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Tries `probe` until it has an answer; panics with `what` and the last refusal after [`PATIENCE`].
pub fn wait_until<T>(what: &str, mut probe: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match probe() {
            Ok(answer) => return answer,
            Err(why) => assert!(Instant::now() < deadline, "{what}: {why}"),
        }
        pause(Duration::from_millis(50));
    }
}

/// Lets time pass where nothing can be waited for: between two questions, or to show that nothing happens.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where a test lets time pass"
)]
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// A port of the loopback that nobody listens on now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// A file or folder below `tests/interop`.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/interop")
        .join(name)
}
