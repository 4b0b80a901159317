//! What is logged, and how much: the log is bounded whatever strangers do.
//!
//! Our own rooms bound the lines that strangers cause where they write them (`Sparse`). Libraries do not, so that is done
//! here: of each place in their code that logs, a number of lines in each period; what is left out is counted and told
//! with the next line of that place. And each record is one line, whatever it contains.

mod sparse;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use env_logger::{Env, Logger};
use log::{Log, Metadata, Record, SetLoggerError};

use sparse::Lines;
pub(crate) use sparse::Sparse;

/// Our own lines, and what goes wrong in the libraries; the notices of the OPC UA library about every connection are for
/// debugging, and what it says of certificates is not so: the front door has judged them.
const DEFAULT: &str = "warn,umati_bridge=info,opcua_server::address_space=error,\
                       opcua_crypto::certificate_store=error";
/// The records of our own rooms.
const OURS: &str = "umati_bridge";

/// Logs to standard error from now on. What is logged may be said otherwise in `RUST_LOG`.
///
/// # Errors
/// Something logs already.
pub fn start() -> Result<(), SetLoggerError> {
    let printer = env_logger::Builder::from_env(Env::default().default_filter_or(DEFAULT)).build();
    let most = printer.filter();
    log::set_boxed_logger(Box::new(Bounded {
        printer,
        libraries: Mutex::default(),
    }))?;
    log::set_max_level(most);
    Ok(())
}

struct Bounded {
    printer: Logger,
    libraries: Mutex<Libraries>,
}

/// By file and line of the code that logs.
type Libraries = HashMap<(String, u32), Lines>;

impl Log for Bounded {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.printer.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.printer.matches(record) {
            return;
        }
        let left_out = if is_ours(record.target()) {
            Some(0)
        } else {
            let mut libraries = self
                .libraries
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            next(&mut libraries, record, Instant::now())
        };
        if let Some(left_out) = left_out {
            let text = sparse::with_count(&one_line(&record.args().to_string()), left_out);
            self.printer.log(
                &Record::builder()
                    .metadata(record.metadata().clone())
                    .module_path(record.module_path())
                    .file(record.file())
                    .line(record.line())
                    .args(format_args!("{text}"))
                    .build(),
            );
        }
    }

    fn flush(&self) {
        self.printer.flush();
    }
}

fn is_ours(target: &str) -> bool {
    target
        .strip_prefix(OURS)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// As [`Lines::next`], for the place in the code of a library that logs this.
fn next(libraries: &mut Libraries, record: &Record<'_>, now: Instant) -> Option<u64> {
    let file = record.file().unwrap_or(record.target());
    let place = (file.to_owned(), record.line().unwrap_or(0));
    libraries.entry(place).or_default().next(now)
}

/// So that nobody who is quoted in a line can write another.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            line.extend(character.escape_debug());
        } else {
            line.push(character);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::sparse::AT_ONCE;
    use super::*;

    #[test]
    fn each_place_of_a_library_has_lines_of_its_own() {
        let mut libraries = Libraries::new();
        let now = Instant::now();
        let mut told = |line| {
            let record = Record::builder()
                .target("opcua_server")
                .file(Some("tcp.rs"))
                .line(Some(line))
                .build();
            next(&mut libraries, &record, now).is_some()
        };
        let of_flood = (0..1000).filter(|_| told(1)).count();
        assert_eq!(of_flood, AT_ONCE as usize);
        assert!(told(2), "another place");
        assert!(!told(1));
    }

    #[test]
    fn ours_are_told_from_those_of_others() {
        let ours = ["umati_bridge", "umati_bridge::server::journal"];
        assert!(ours.into_iter().all(is_ours));
        let others = ["umati_bridge_of_somebody", "opcua_server::server", ""];
        assert!(!others.into_iter().any(is_ours));
    }

    #[test]
    fn a_record_is_one_line() {
        assert_eq!(
            one_line("a\r\n[2026-01-01 ERROR] forged\u{1b}[2J"),
            "a\\r\\n[2026-01-01 ERROR] forged\\u{1b}[2J"
        );
        assert_eq!(one_line("Düse \"1\": 210 °C"), "Düse \"1\": 210 °C");
    }
}
