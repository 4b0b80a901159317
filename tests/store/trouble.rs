//! Files that cannot be used, and disks that are full: words instead of a panic, and live data go on.

use std::fs;
use std::process::{Command, Stdio};

use tempfile::TempDir;
use umati_bridge::machine::Checkpoint;
use umati_bridge::store::{FILE_NAME, Store, StoreError};

use super::{at, changed, load, no_tags, open, order};

fn refusal(bytes: &[u8]) -> Option<StoreError> {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join(FILE_NAME);
    fs::write(&path, bytes).expect("written");
    match Store::open(&path) {
        // Damage in a page that is not looked at when it is opened shows when it is read.
        Ok(store) => store.load(&["a"], at(0), at(0)).err(),
        Err(error) => Some(error),
    }
}

/// The bytes of a store with a hundred jobs.
async fn sound() -> Vec<u8> {
    let folder = TempDir::new().expect("a folder");
    let store = open(folder.path());
    store
        .commit(
            "a",
            &changed((0..100).map(order)),
            &no_tags(),
            Checkpoint::default(),
        )
        .await
        .expect("stored");
    store.close().await;
    drop(store);
    fs::read(folder.path().join(FILE_NAME)).expect("read")
}

#[tokio::test]
async fn a_file_that_is_cut_short_is_damaged() {
    let bytes = sound().await;
    for length in [1, 100, 4096, bytes.len() / 2, bytes.len() - 4096] {
        let error = refusal(&bytes[..length]).expect("refused");
        assert!(
            matches!(error, StoreError::Damaged { .. }),
            "{length}: {error}"
        );
        assert!(!error.forbids_start());
        assert!(error.to_string().contains("move it away"), "{error}");
    }
}

#[test]
fn another_file_is_no_store() {
    let error = refusal(b"{ \"machines\": [] }").expect("refused");
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
}

#[tokio::test]
async fn damage_anywhere_is_told_or_harmless_and_never_a_panic() {
    let bytes = sound().await;
    for place in (0..bytes.len()).step_by(bytes.len() / 97) {
        let mut damaged = bytes.clone();
        for byte in damaged.iter_mut().skip(place).take(64) {
            *byte ^= 0x5A;
        }
        // Whether it is told depends on what stood there; that it returns is the point.
        let _ = refusal(&damaged);
    }
}

#[test]
fn two_processes_cannot_have_one_store() {
    let folder = TempDir::new().expect("a folder");
    let _first = open(folder.path());
    let error = Store::open(&folder.path().join(FILE_NAME))
        .err()
        .expect("refused");
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    assert!(error.forbids_start());
}

#[test]
fn the_file_of_a_newer_version_is_refused_in_words() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join(FILE_NAME);
    drop(open(folder.path()));
    {
        let database = loop {
            match redb::Database::open(&path) {
                Err(redb::DatabaseError::DatabaseAlreadyOpen) => std::thread::yield_now(),
                opened => break opened.expect("opened"),
            }
        };
        let writing = database.begin_write().expect("begun");
        writing
            .open_table(redb::TableDefinition::<&str, &str>::new("meta"))
            .expect("a table")
            .insert("schema", "7")
            .expect("written");
        writing.commit().expect("committed");
    }
    let error = loop {
        match Store::open(&path).err().expect("refused") {
            StoreError::InUse { .. } => std::thread::yield_now(),
            error => break error,
        }
    };
    assert!(error.forbids_start());
    let told = error.to_string();
    assert!(
        told.contains("was written by a newer version (schema 7"),
        "{told}"
    );
}

#[cfg(unix)]
#[test]
fn the_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().expect("a folder");
    let _store = open(folder.path());
    let file = fs::metadata(folder.path().join(FILE_NAME)).expect("there");
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn without_a_store_nothing_is_kept_and_everything_is_told() {
    let store = Store::absent();
    let kept = store
        .commit("a", &changed([order(1)]), &no_tags(), Checkpoint::default())
        .await;
    assert!(matches!(kept, Err(StoreError::Absent)));
    store.close().await;
}

const FOLDER: &str = "STORE_TEST_FULL_FOLDER";

/// Runs in a process whose files cannot grow beyond a limit, as on a full disk.
#[tokio::test]
#[ignore = "the other half of a_full_disk_is_told_and_what_waited_is_kept_later"]
async fn fill_the_disk() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let store = open(folder.as_ref());
    let mut stored = 0;
    let refused = loop {
        let orders = changed((stored..stored + 100).map(order));
        match store
            .commit("a", &orders, &no_tags(), Checkpoint::default())
            .await
        {
            Ok(()) => stored += 100,
            Err(error) => break error,
        }
        assert!(stored < 100_000, "the disk never filled up");
    };
    assert!(!refused.forbids_start(), "{refused}");
    println!("stored {stored}");
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_told_and_what_was_stored_before_stays() {
    let folder = TempDir::new().expect("a folder");
    let this = std::env::current_exe().expect("this test");
    // Blocks of 512 bytes. The signal of a file that is too large is ignored, so that writing fails instead.
    let output = Command::new("sh")
        .arg("-c")
        .arg("trap '' XFSZ; ulimit -f 8192; exec \"$0\" --ignored --exact --nocapture trouble::fill_the_disk")
        .arg(this)
        .env(FOLDER, folder.path())
        .stderr(Stdio::inherit())
        .output()
        .expect("started");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{told}");
    let stored: usize = told
        .split("stored ")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|n| n.parse().ok())
        .expect("a number");
    assert!(stored > 0);
    assert!(load(&open(folder.path()), "a").orders.len() >= stored);
}
