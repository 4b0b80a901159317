//! What each printer of the fleet is built of. The number of a printer decides, so that a small fleet already shows
//! every kind: showcase, two tools, chamber, no heated bed, plain.

use std::time::Duration;

use crate::octoprint::simulator::printer_name;

/// The parts of a printer that never change.
#[derive(Debug, Clone)]
pub(crate) struct Hardware {
    /// As the printer profile names it.
    pub name: String,
    pub model: &'static str,
    pub tools: u8,
    pub bed: Bed,
    pub chamber: Chamber,
    /// Millimetres.
    pub nozzle: f64,
    /// Width, depth and height in millimetres.
    pub volume: [f64; 3],
    pub pace: Pace,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bed {
    Heated,
    Cold,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chamber {
    Heated,
    Open,
}

/// How fast a printer lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// A whole job with a pause within 40 s, for people who have just started the demo.
    Showcase,
    /// Jobs of a few minutes.
    Workshop,
}

impl Hardware {
    /// The printer with this number; the first is 1.
    pub(crate) fn of(number: usize) -> Self {
        let (model, tools, bed, chamber, volume) = match number % 5 {
            2 => (
                "Duo 300",
                2,
                Bed::Heated,
                Chamber::Open,
                [300.0, 200.0, 210.0],
            ),
            3 => (
                "Oven 250",
                1,
                Bed::Heated,
                Chamber::Heated,
                [250.0, 250.0, 250.0],
            ),
            4 => (
                "Classic 180",
                1,
                Bed::Cold,
                Chamber::Open,
                [180.0, 180.0, 160.0],
            ),
            _ => (
                "Workhorse 210",
                1,
                Bed::Heated,
                Chamber::Open,
                [250.0, 210.0, 210.0],
            ),
        };
        let (model, pace) = match number {
            1 => ("Showcase 120", Pace::Showcase),
            _ => (model, Pace::Workshop),
        };
        Self {
            name: printer_name(number),
            model,
            tools,
            bed,
            chamber,
            nozzle: 0.4,
            volume,
            pace,
        }
    }
}

impl Pace {
    /// Time constants of (tool, bed, chamber) while they heat up.
    pub(crate) fn heating(self) -> [Duration; 3] {
        match self {
            Self::Showcase => [1600, 2000, 3000].map(Duration::from_millis),
            Self::Workshop => [15, 25, 90].map(Duration::from_secs),
        }
    }

    /// Time constants of (tool, bed, chamber) while they cool down.
    pub(crate) fn cooling(self) -> [Duration; 3] {
        match self {
            Self::Showcase => [6, 10, 20].map(Duration::from_secs),
            Self::Workshop => [60, 180, 400].map(Duration::from_secs),
        }
    }
}
