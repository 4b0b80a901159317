//! What a source saw, in the words of the model and not of any vendor's API.
//!
//! A source (today `octoprint`) translates every answer, and every failure to get one, into exactly one
//! [`Observation`]. The model never learns how the fact was obtained.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::{DataSource, News, Timestamp};

/// One fact, or one coherent set of facts, that entered at one instant.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// The source could not be read at all: nothing is known about key or printer.
    Unreachable(Unreachable),
    /// The source answered, but does not accept our key; nothing is known about the printer.
    KeyRejected(KeyRejection),
    /// The source accepted the key and told of its printer.
    Report(Box<Report>),
    /// Slow facts: what runs on the other side.
    Software(Software),
    /// Slow facts: the printer profile; most keys may not read it.
    Profile(PrinterProfile),
    /// Slow facts: the files that could be printed, in OctoPrint's order; many keys may not list them.
    Files(Vec<PrintableFile>),
    /// The source told by itself that something happened.
    News(News),
    /// The source was asked, and what it told by itself is still so.
    Confirmed,
    /// From now on the facts come in another way.
    Source(DataSource),
}

/// A file that OctoPrint could print, and what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct PrintableFile {
    pub file: JobFile,
    pub estimates: Estimates,
    /// Width, depth, height of the print in millimetres, as the analysis found them.
    pub dimensions: Option<[f64; 3]>,
}

/// Why a source could not be read, for people (`detail`) and for code (`cause`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreachable {
    pub cause: UnreachableCause,
    /// One line for the operator; never holds a key.
    pub detail: String,
}

/// The kinds of unreachability that call for different actions of an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnreachableCause {
    /// Nobody listens, no route, connection reset.
    Refused,
    /// No (complete) answer within the deadline.
    Timeout,
    /// The host name has no address.
    NameUnknown,
    /// The TLS handshake failed: certificate, name or protocol.
    Tls,
    /// Something answered that is not HTTP (an OctoPrint that is still starting does this).
    NotHttp,
    /// Something answered HTTP, but it is not an OctoPrint (login page, wrong base path).
    NotOctoPrint,
    /// The server, or a proxy before it, answered with an error (500, 502, 503, 429, …).
    ServerError(u16),
    /// The answer was larger than the limit.
    TooLarge,
    /// A redirect that we do not follow (another host, too many).
    Redirected,
}

/// How the key was rejected; the two cases have different remedies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyRejection {
    /// OctoPrint does not know the key (never did, or it was revoked).
    Unknown,
    /// The key is known, but lacks the STATUS permission.
    LacksStatus { user: String },
    /// Rejected, and the server would not say why (401, old versions, proxies).
    Unexplained { status: u16 },
}

/// A coherent report of a printer and its job.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    pub state: PrinterState,
    /// The source's own words for the state, shown as they are.
    pub state_text: String,
    /// The source's flags, where it told them (not while the printer is offline).
    pub flags: Option<StateFlags>,
    /// What went wrong, if the source says so.
    pub error: Option<String>,
    pub file: Option<JobFile>,
    pub progress: Progress,
    pub estimates: Estimates,
    /// The user who started the job, if known.
    pub user: Option<String>,
    pub temperatures: TemperatureReport,
    /// Height of the nozzle in millimetres; only a source that tells by itself knows it.
    pub z: Option<f64>,
    /// The tool in use; told with the report by OctoPrint 2.0 and later.
    pub tool: Option<u8>,
    /// How well the printer understands what it is sent; only a source that tells by itself knows it.
    pub resends: Option<Resends>,
    /// When this held, by the clock of the source.
    pub told_at: Option<Timestamp>,
}

/// Lines that had to be sent to the printer again, since the connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Resends {
    pub count: u64,
    pub transmitted: u64,
    /// Percent of the lines.
    pub ratio: f64,
}

/// What the printer is doing; the state machine of OctoPrint reduced to what its versions agree on
/// (facts: octoprint.md §2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PrinterState {
    /// The printer is switched off or not connected to its OctoPrint.
    #[default]
    Offline,
    /// OctoPrint is opening, detecting or connecting.
    Connecting,
    /// Ready for a job.
    Operational,
    /// Starting a print.
    Starting,
    Printing,
    Pausing,
    Paused,
    Resuming,
    Cancelling,
    Finishing,
    /// A file is being copied to the printer's own storage: not a print job.
    Transferring,
    /// An error that ended, or is about to end, the connection to the printer.
    Error,
    /// A state that this version of the bridge does not know; nothing is concluded from it.
    Unknown,
}

impl PrinterState {
    /// A job is under way: started and neither ended nor given up.
    pub fn has_active_job(self) -> bool {
        matches!(
            self,
            Self::Starting
                | Self::Printing
                | Self::Pausing
                | Self::Paused
                | Self::Resuming
                | Self::Cancelling
                | Self::Finishing
        )
    }

    /// OctoPrint holds a working connection to the printer.
    pub fn is_connected(self) -> bool {
        !matches!(
            self,
            Self::Offline | Self::Connecting | Self::Error | Self::Unknown
        )
    }
}

/// OctoPrint's state flags as they were told; served for diagnosis only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StateFlags {
    pub operational: bool,
    pub printing: bool,
    pub pausing: bool,
    pub paused: bool,
    pub resuming: bool,
    pub cancelling: bool,
    pub finishing: bool,
    pub ready: bool,
    pub error: bool,
    pub closed_or_error: bool,
    pub sd_ready: bool,
}

/// The file that is selected or printed. Identity is `origin` and `path` (plus `date` when told).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFile {
    /// `local`, `sdcard` or `printer`, as the source says.
    pub origin: String,
    pub path: String,
    pub name: String,
    /// The name as the user uploaded it; falls back to `name`.
    pub display: String,
    pub size: Option<u64>,
    pub date: Option<Timestamp>,
}

impl JobFile {
    /// The same file on the same storage. A replaced upload has another date; a date that is not told says nothing.
    pub fn is_same(&self, other: &Self) -> bool {
        let replaced = match (self.date, other.date) {
            (Some(ours), Some(theirs)) => ours != theirs,
            (None, _) | (_, None) => false,
        };
        self.origin == other.origin && self.path == other.path && !replaced
    }
}

/// How far the job is. Every field is optional because every version leaves some of them out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Progress {
    /// Percent of the file's bytes, 0..=100.
    pub completion: Option<f64>,
    /// Bytes.
    pub file_position: Option<u64>,
    /// Time spent printing, without pauses.
    pub print_time: Option<Duration>,
    pub print_time_left: Option<Duration>,
    /// `linear`, `analysis`, `estimate`, `average`, `mixed-…`.
    pub print_time_left_origin: Option<String>,
}

/// What is known of the file before it is printed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Estimates {
    pub print_time: Option<Duration>,
    pub average_print_time: Option<Duration>,
    pub last_print_time: Option<Duration>,
    /// By tool name (`tool0`).
    pub filament: ToolFilament,
}

/// Filament by tool name, in the order of the names. Each file and each logged job has one, most of them with one
/// tool: a map would take ten times the memory.
#[derive(Clone, PartialEq, Default)]
pub struct ToolFilament(Box<[(String, Filament)]>);

impl ToolFilament {
    /// What a tool needs.
    pub fn get(&self, tool: &str) -> Option<&Filament> {
        self.iter()
            .find(|(name, _)| *name == tool)
            .map(|(_, filament)| filament)
    }

    /// Every tool that needs some.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Filament)> {
        self.0
            .iter()
            .map(|(tool, filament)| (tool.as_str(), filament))
    }

    /// Nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for ToolFilament {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl FromIterator<(String, Filament)> for ToolFilament {
    /// Of two of one name, the latter.
    fn from_iter<I: IntoIterator<Item = (String, Filament)>>(tools: I) -> Self {
        let sorted: BTreeMap<_, _> = tools.into_iter().collect();
        Self(sorted.into_iter().collect())
    }
}

/// Filament that one tool needs for the whole file.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Filament {
    /// Millimetres.
    pub length: Option<f64>,
    /// Cubic centimetres.
    pub volume: Option<f64>,
    /// Grams.
    pub weight: Option<f64>,
}

/// What the source said about temperatures, which is not always asked for.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum TemperatureReport {
    /// Not asked, because the printer was not operational; says nothing about the sensors.
    #[default]
    NotAsked,
    /// Asked and answered; a sensor that is not in the map has no data now.
    Read {
        sensors: BTreeMap<SensorId, Temperature>,
        /// When OctoPrint took the newest sample, by its own clock.
        sampled: Option<Timestamp>,
    },
}

/// A temperature sensor. Ordered so that tools come first, then bed, chamber and the rest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SensorId {
    Tool(u8),
    Bed,
    Chamber,
    /// A sensor that only the firmware knows, under the firmware's name (`A`, `P`, …).
    Extra(String),
}

impl fmt::Display for SensorId {
    /// OctoPrint's own key: `tool0`, `bed`, `chamber` or the firmware's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tool(n) => write!(f, "tool{n}"),
            Self::Bed => f.write_str("bed"),
            Self::Chamber => f.write_str("chamber"),
            Self::Extra(name) => f.write_str(name),
        }
    }
}

/// One reading, °C. Any part may be missing; values may be absurd and are passed on as told.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Temperature {
    pub actual: Option<f64>,
    /// `Some(0.0)` is "heater off", `None` is "not told".
    pub target: Option<f64>,
    pub offset: Option<f64>,
}

/// Versions on the other side.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Software {
    /// `server` of `/api/version`, for example `1.11.8`.
    pub server: Option<String>,
    /// `api` of `/api/version`, for example `0.1`.
    pub api: Option<String>,
    /// `text` of `/api/version`, for example `OctoPrint 1.11.8`.
    pub text: Option<String>,
}

/// The current printer profile (needs the CONNECTION permission).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PrinterProfile {
    pub name: Option<String>,
    pub model: Option<String>,
    pub extruder_count: Option<u8>,
    /// Millimetres.
    pub nozzle_diameter: Option<f64>,
    pub heated_bed: Option<bool>,
    pub heated_chamber: Option<bool>,
    pub volume: Option<BuildVolume>,
}

/// The space a print must fit in.
#[derive(Debug, Clone, PartialEq)]
pub struct BuildVolume {
    /// Millimetres.
    pub width: f64,
    /// Millimetres.
    pub depth: f64,
    /// Millimetres.
    pub height: f64,
    /// `rectangular` or `circular`.
    pub form_factor: String,
}
