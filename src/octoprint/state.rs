//! Which state the printer is in: the text decides, the flags only where the text is unknown.
//!
//! Text and progress come in the same answer (`/api/job`) and so belong together; the flags come later (`/api/printer`)
//! and may already be a state ahead. One flag alone never decides, because versions disagree on them:
//!
//! ```text
//!  state         text (OctoPrint 1.4 – 2.0)                       flags, the first that applies
//!  ------------  -----------------------------------------------  ---------------------------------------------
//!  Error         Error · Error: <why> (≤1.5)                      1  error
//!                Offline after error · Offline (Error: <why>) (≤1.5)
//!  Offline       Offline · Closed                                 2  closedOrError
//!  Cancelling    Cancelling                                       3  cancelling     (+ printing)
//!  Pausing       Pausing                                          4  pausing        (+ printing)
//!  Paused        Paused                                           5  paused         (+ ready ≤1.5, + printing ≥2.0)
//!  Resuming      Resuming                                         6  resuming       (+ printing)
//!  Finishing     Finishing                                        7  finishing      (+ printing)
//!  Transferring  Sending file to SD · Starting to send file to SD    (printing, though it is no print)
//!                Transferring file to SD · … to printer              (operational alone)
//!  Starting      Starting · Starting print from SD                   (printing)
//!  Printing      Printing · Printing from SD                      8  printing
//!  Operational   Operational                                      9  operational and ready
//!  Connecting    Opening serial connection (≤1.4 … port) ·
//!                Detecting serial connection (≤1.4 also baudrate) ·
//!                Connecting
//!  Unknown       anything else                                    10 nothing of the above
//! ```

use crate::machine::{PrinterState, StateFlags};

/// The state by text, else by flags.
pub(super) fn state(text: &str, flags: Option<&StateFlags>) -> PrinterState {
    from_text(text)
        .or_else(|| flags.map(from_flags))
        .unwrap_or(PrinterState::Unknown)
}

/// The state that a text stands for in any version; `None` for a text that no known version sends.
pub(super) fn from_text(text: &str) -> Option<PrinterState> {
    const BY_PREFIX: [(&str, PrinterState); 19] = [
        ("Error", PrinterState::Error),
        ("Offline after error", PrinterState::Error),
        ("Offline (Error", PrinterState::Error),
        ("Offline", PrinterState::Offline),
        ("Closed", PrinterState::Offline),
        ("Cancelling", PrinterState::Cancelling),
        ("Pausing", PrinterState::Pausing),
        ("Paused", PrinterState::Paused),
        ("Resuming", PrinterState::Resuming),
        ("Finishing", PrinterState::Finishing),
        ("Sending file", PrinterState::Transferring),
        ("Starting to send file", PrinterState::Transferring),
        ("Transferring file", PrinterState::Transferring),
        ("Starting", PrinterState::Starting),
        ("Printing", PrinterState::Printing),
        ("Operational", PrinterState::Operational),
        ("Opening serial", PrinterState::Connecting),
        ("Detecting", PrinterState::Connecting),
        ("Connecting", PrinterState::Connecting),
    ];
    let text = text.trim_start();
    BY_PREFIX
        .iter()
        .find(|(prefix, _)| text.starts_with(prefix))
        .map(|(_, state)| *state)
}

fn from_flags(flags: &StateFlags) -> PrinterState {
    [
        (flags.error, PrinterState::Error),
        (flags.closed_or_error, PrinterState::Offline),
        (flags.cancelling, PrinterState::Cancelling),
        (flags.pausing, PrinterState::Pausing),
        (flags.paused, PrinterState::Paused),
        (flags.resuming, PrinterState::Resuming),
        (flags.finishing, PrinterState::Finishing),
        (flags.printing, PrinterState::Printing),
        (flags.operational && flags.ready, PrinterState::Operational),
    ]
    .into_iter()
    .find(|(applies, _)| *applies)
    .map_or(PrinterState::Unknown, |(_, state)| state)
}

/// The error that versions up to 1.5 write into the text: `Error: <why>`, `Offline (Error: <why>)`.
pub(super) fn error_in(text: &str) -> Option<String> {
    let why = match text.strip_prefix("Offline (Error:") {
        Some(rest) => rest.strip_suffix(')').unwrap_or(rest),
        None => text.strip_prefix("Error:")?,
    };
    Some(why.trim().to_owned()).filter(|why| !why.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_of_every_version_has_its_state() {
        use PrinterState::*;
        let table = [
            ("Offline", Offline),
            ("Closed", Offline),
            ("Opening serial connection", Connecting),
            ("Opening serial port", Connecting),
            ("Detecting serial connection", Connecting),
            ("Detecting baudrate", Connecting),
            ("Connecting", Connecting),
            ("Operational", Operational),
            ("Starting", Starting),
            ("Starting print from SD", Starting),
            ("Starting to send file to SD", Transferring),
            ("Printing", Printing),
            ("Printing from SD", Printing),
            ("Sending file to SD", Transferring),
            ("Pausing", Pausing),
            ("Paused", Paused),
            ("Resuming", Resuming),
            ("Cancelling", Cancelling),
            ("Finishing", Finishing),
            ("Transferring file to SD", Transferring),
            ("Transferring file to printer", Transferring),
            ("Error", Error),
            ("Error: MINTEMP", Error),
            ("Offline after error", Error),
            ("Offline (Error: kill() called!)", Error),
        ];
        for (text, expected) in table {
            assert_eq!(state(text, None), expected, "{text}");
        }
    }

    #[test]
    fn an_unknown_text_concludes_nothing_without_flags() {
        for text in ["", "Unknown State (42)", "CrashRecovery", "busy"] {
            assert_eq!(state(text, None), PrinterState::Unknown, "{text}");
            assert_eq!(
                state(text, Some(&StateFlags::default())),
                PrinterState::Unknown,
                "{text}"
            );
        }
    }

    #[test]
    fn flags_decide_an_unknown_text_by_precedence() {
        let all = StateFlags {
            operational: true,
            printing: true,
            pausing: true,
            paused: true,
            resuming: true,
            cancelling: true,
            finishing: true,
            ready: true,
            error: true,
            closed_or_error: true,
            sd_ready: true,
        };
        // From the top, each flag is lowered after it has decided.
        let lower: [fn(&mut StateFlags); 9] = [
            |flags| flags.error = false,
            |flags| flags.closed_or_error = false,
            |flags| flags.cancelling = false,
            |flags| flags.pausing = false,
            |flags| flags.paused = false,
            |flags| flags.resuming = false,
            |flags| flags.finishing = false,
            |flags| flags.printing = false,
            |flags| flags.ready = false,
        ];
        let mut flags = all;
        let mut decided = vec![state("CrashRecovery", Some(&flags))];
        for lower in lower {
            lower(&mut flags);
            decided.push(state("CrashRecovery", Some(&flags)));
        }
        use PrinterState::*;
        let expected = [
            Error,
            Offline,
            Cancelling,
            Pausing,
            Paused,
            Resuming,
            Finishing,
            Printing,
            Operational,
            Unknown,
        ];
        assert_eq!(decided, expected);
    }

    #[test]
    fn a_known_text_wins_over_later_flags() {
        let flags = StateFlags {
            operational: true,
            ready: true,
            ..StateFlags::default()
        };
        assert_eq!(state("Printing", Some(&flags)), PrinterState::Printing);
    }

    #[test]
    fn old_versions_tell_the_error_in_the_text() {
        assert_eq!(
            error_in("Offline (Error: kill() called!)").as_deref(),
            Some("kill() called!")
        );
        assert_eq!(
            error_in("Error: MINTEMP triggered").as_deref(),
            Some("MINTEMP triggered")
        );
        for none in [
            "Offline after error",
            "Error",
            "Error:",
            "Offline (Error: )",
            "Printing",
        ] {
            assert_eq!(error_in(none), None, "{none}");
        }
    }
}
