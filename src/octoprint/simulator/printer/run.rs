//! One pass through a file: how far it is at any moment, without the pauses.

use std::time::Duration;

use super::catalogue::{HEADER_BYTES, Model};
use crate::octoprint::simulator::clock::Moment;

/// A print under way. First the printer heats while the file stands at its header, then bytes flow evenly.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    heating: Duration,
    printing: Duration,
    size: u64,
    /// Print time up to the last stop.
    spent: Duration,
    /// Since when it runs again; `None` while it is not in the state Printing.
    running_since: Option<Moment>,
    /// The layer that is printed; 0 while it heats.
    layer: u32,
}

/// A layer takes this long.
const LAYER_TIME: Duration = Duration::from_secs(2);
/// Tenths of a millimetre.
const LAYER_HEIGHT: u32 = 2;

impl Run {
    pub(crate) fn new(model: &Model, heating: Duration) -> Self {
        Self {
            heating,
            printing: model.duration(),
            size: model.size,
            spent: Duration::ZERO,
            running_since: None,
            layer: 0,
        }
    }

    pub(crate) fn go_on(&mut self, at: Moment) {
        self.running_since.get_or_insert(at);
    }

    pub(crate) fn hold(&mut self, at: Moment) {
        self.spent = self.print_time(at);
        self.running_since = None;
    }

    /// The file turns out to end here: nothing is left but to finish, and the print time does not jump.
    pub(crate) fn skip_to_end(&mut self, at: Moment) {
        let print_time = self.print_time(at);
        self.heating = self.heating.min(print_time);
        self.printing = print_time - self.heating;
        self.layer = self.layer.max(self.layers());
    }

    /// Time spent printing, at most the whole.
    pub(crate) fn print_time(&self, at: Moment) -> Duration {
        let running = self
            .running_since
            .map_or(Duration::ZERO, |since| at.saturating_sub(since));
        (self.spent + running).min(self.total())
    }

    /// Bytes of the file sent to the printer.
    pub(crate) fn file_position(&self, at: Moment) -> u64 {
        let moving = self.print_time(at).saturating_sub(self.heating);
        let share = if self.printing.is_zero() {
            1.0
        } else {
            moving.as_secs_f64() / self.printing.as_secs_f64()
        };
        let header = HEADER_BYTES.min(self.size);
        let body = (self.size - header) as f64 * share;
        (header + body as u64).min(self.size)
    }

    /// When this share of the print time is reached, if it runs on; `None` while it does not run.
    pub(crate) fn reaches(&self, share: f64) -> Option<Moment> {
        let wanted = self.total().mul_f64(share);
        Some(self.running_since? + wanted.saturating_sub(self.spent))
    }

    pub(crate) fn layer(&self) -> u32 {
        self.layer
    }

    /// Millimetres over the bed, once it prints.
    pub(crate) fn height(&self) -> Option<f64> {
        (self.layer > 0).then(|| f64::from(self.layer * LAYER_HEIGHT) / 10.0)
    }

    /// Begins the next layer and tells its height, in millimetres.
    pub(super) fn rise(&mut self) -> f64 {
        self.layer += 1;
        f64::from(self.layer * LAYER_HEIGHT) / 10.0
    }

    /// When the next layer begins, if it runs on; `None` while it does not run, and in the last layer.
    pub(crate) fn rises(&self) -> Option<Moment> {
        if self.layer >= self.layers() {
            return None;
        }
        let wanted = self.heating + LAYER_TIME * self.layer;
        Some(self.running_since? + wanted.saturating_sub(self.spent))
    }

    fn layers(&self) -> u32 {
        let layers = self.printing.as_secs().div_ceil(LAYER_TIME.as_secs());
        u32::try_from(layers).unwrap_or(u32::MAX)
    }

    fn total(&self) -> Duration {
        self.heating + self.printing
    }
}
