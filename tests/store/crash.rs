//! Killed at any moment: what was acknowledged is there, and the file is whole.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use tempfile::TempDir;
use umati_bridge::machine::Checkpoint;

use super::{changed, load, no_tags, open, order};

const FOLDER: &str = "STORE_TEST_CRASH_FOLDER";

/// Runs in a process of its own: commits one job after the other and says of each that it is stored, until killed.
#[tokio::test]
#[ignore = "the other half of fifty_kills_lose_nothing_that_was_acknowledged"]
async fn commit_for_ever() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let store = open(folder.as_ref());
    let first = load(&store, "a").orders.len();
    for n in i64::try_from(first).expect("few").. {
        store
            .commit("a", &changed([order(n)]), &no_tags(), Checkpoint::default())
            .await
            .expect("stored");
        println!("stored {n}");
        std::io::stdout().flush().expect("told");
    }
}

#[test]
fn fifty_kills_lose_nothing_that_was_acknowledged() {
    let folder = TempDir::new().expect("a folder");
    let this = std::env::current_exe().expect("this test");
    let mut acknowledged = 0;
    for kill in 0..50 {
        let mut child = Command::new(&this)
            .args([
                "--ignored",
                "--exact",
                "--nocapture",
                "crash::commit_for_ever",
            ])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        // Another number of commits each time; the kill falls anywhere into the next one.
        let mut left = 1 + kill % 7;
        for line in stdout.lines() {
            let line = line.expect("text");
            // The first one may stand behind the words of the test harness.
            if let Some((_, n)) = line.split_once("stored ") {
                acknowledged = n.trim().parse::<usize>().expect("a number") + 1;
                left -= 1;
                if left == 0 {
                    break;
                }
            }
        }
        child.kill().expect("killed");
        child.wait().expect("ended");
        let orders = load(&open(folder.path()), "a").orders;
        assert!(
            orders.len() >= acknowledged,
            "kill {kill}: {} of {acknowledged}",
            orders.len()
        );
        for (n, kept) in orders.iter().enumerate() {
            assert_eq!(*kept, order(i64::try_from(n).expect("few")));
        }
        acknowledged = orders.len();
    }
}
