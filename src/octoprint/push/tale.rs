//! From messages to observations: what is told by and by, put together to whole reports.

use serde_json::Value;

use super::message::Message;
use crate::machine::{
    Ending, Firmware, News, Observation, PrintNews, PrinterState, Report, TemperatureReport,
    Trouble,
};
use crate::octoprint::report::report;
use crate::octoprint::{state, wire};

/// What one connection has told so far.
#[derive(Debug, Default)]
pub(in crate::octoprint) struct Tale {
    /// The newest temperatures: a message holds those that are new only, and mostly none.
    temperatures: Option<TemperatureReport>,
}

impl Tale {
    /// What a message says; `None` if it says nothing.
    pub(super) fn observe(&mut self, message: &Message) -> Option<Observation> {
        match message {
            Message::History(all) | Message::Current(all) => {
                Some(Observation::Report(Box::new(self.report(all))))
            }
            Message::Event { name, payload } => news(name, payload).map(Observation::News),
            Message::LoginAgain(_) | Message::Other => None,
        }
    }

    fn report(&mut self, all: &Value) -> Report {
        let told = wire::told(all);
        let connected =
            state::from_text(&told.job.state_text).is_none_or(PrinterState::is_connected);
        let printer = if connected {
            let newest = told.temperatures.or_else(|| self.temperatures.take());
            self.temperatures.clone_from(&newest);
            let mut printer = told.printer;
            printer.temperatures = newest.unwrap_or_else(no_temperatures);
            printer
        } else {
            self.temperatures = None;
            told.printer
        };
        Report {
            z: told.z,
            tool: told.tool,
            resends: told.resends,
            told_at: told.told_at,
            ..report(told.job, Some(printer))
        }
    }
}

/// The printer is connected and has not told any yet.
fn no_temperatures() -> TemperatureReport {
    TemperatureReport::Read {
        sensors: Default::default(),
        sampled: None,
    }
}

/// An event; `None` if nothing follows from it.
fn news(name: &str, payload: &Value) -> Option<News> {
    Some(match name {
        "PrinterStateChanged" => {
            let text = wire::text(&payload["state_string"])?;
            News::State {
                // With a text that is not known, the flags of the next report decide.
                state: state::from_text(&text)?,
                text,
            }
        }
        "PrintStarted" => News::Print(PrintNews::Started {
            file: wire::file(payload)?,
            user: wire::text(&payload["user"]).or_else(|| wire::text(&payload["owner"])),
        }),
        "PrintDone" => over(payload, Ending::Completed),
        "PrintCancelled" => over(payload, Ending::Cancelled),
        "PrintFailed" => over(payload, failure(payload)),
        "Error" => News::Trouble(Trouble {
            text: wire::text(&payload["error"])?,
            reason: wire::text(&payload["reason"]),
        }),
        "FirmwareData" => News::Firmware(Firmware {
            name: wire::text(&payload["name"])?,
            machine_type: wire::text(&payload["data"]["MACHINE_TYPE"]),
            uuid: wire::text(&payload["data"]["UUID"]),
        }),
        "FilamentChange" => News::FilamentChange,
        "ToolChange" => News::Tool(u8::try_from(wire::count(&payload["new"])?).ok()?),
        _ => return None,
    })
}

fn over(payload: &Value, ending: Ending) -> News {
    News::Print(PrintNews::Over {
        file: wire::file(payload),
        ending,
        print_time: wire::seconds(&payload["time"]),
    })
}

/// OctoPrint 2.0 says "unknown" where it tells the error by itself.
fn failure(payload: &Value) -> Ending {
    if payload["reason"] == "cancelled" {
        return Ending::Cancelled;
    }
    let reason = wire::text(&payload["error"]).map(|text| text.trim().to_owned());
    match reason.as_deref() {
        Some("unknown") => Ending::FailedAsTold,
        _ => Ending::Failed {
            reason: reason.filter(|reason| !reason.is_empty()),
        },
    }
}
