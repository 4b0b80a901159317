//! The few files that lie on every printer: plausible sizes and temperatures, names in several scripts, a folder.

use std::f64::consts::PI;
use std::time::Duration;

use super::hardware::{Bed, Chamber, Hardware, Pace};

/// One G-code file, with what OctoPrint's analysis found in it.
#[derive(Debug, PartialEq)]
pub(crate) struct Model {
    /// Path on the storage; its last part is the name.
    pub path: &'static str,
    /// The name as it was uploaded.
    pub display: &'static str,
    /// Bytes.
    pub size: u64,
    /// Unix time of the upload.
    pub date: i64,
    /// Seconds that the printer needs once it is hot.
    seconds: u64,
    /// Millimetres of filament by tool; its length is the number of tools needed.
    pub filament: &'static [f64],
    /// °C of every tool used.
    pub tool_target: f64,
    /// °C.
    pub bed_target: f64,
    /// °C.
    pub chamber_target: f64,
    /// Who prints it: the showcase its own short files, the workshop the others.
    pub pace: Pace,
}

/// Bytes of comments before the first move: OctoPrint counts them as progress before anything is printed.
pub(crate) const HEADER_BYTES: u64 = 1_200;

const FILAMENT_DIAMETER_MM: f64 = 1.75;

impl Model {
    pub(crate) fn name(&self) -> &'static str {
        self.path.rsplit('/').next().unwrap_or(self.path)
    }

    /// The folder it lies in, if any.
    pub(crate) fn folder(&self) -> Option<&'static str> {
        self.path.rsplit_once('/').map(|(folder, _)| folder)
    }

    /// Time to print it with a hot printer.
    pub(crate) fn duration(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    /// What the analysis expects, in seconds: without heating, and a little wrong.
    pub(crate) fn estimate(&self) -> f64 {
        self.seconds as f64 * 0.934_713
    }

    /// Cubic centimetres of `length` millimetres of filament.
    pub(crate) fn volume_of(length: f64) -> f64 {
        PI * (FILAMENT_DIAMETER_MM / 2.0).powi(2) * length / 1000.0
    }

    /// The heater targets this file asks of a printer, by OctoPrint's sensor names.
    pub(crate) fn targets(&self, hardware: &Hardware) -> Vec<(String, f64)> {
        let mut targets: Vec<_> = (0..self.filament.len())
            .map(|tool| (format!("tool{tool}"), self.tool_target))
            .collect();
        if hardware.bed == Bed::Heated {
            targets.push(("bed".to_owned(), self.bed_target));
        }
        if hardware.chamber == Chamber::Heated {
            targets.push(("chamber".to_owned(), self.chamber_target));
        }
        targets
    }
}

/// The files on a printer: all that it has tools for.
pub(crate) fn files_for(hardware: &Hardware) -> impl Iterator<Item = &'static Model> + use<> {
    let tools = usize::from(hardware.tools);
    FILES
        .iter()
        .filter(move |model| model.filament.len() <= tools)
}

static FILES: [Model; 8] = [
    Model {
        path: "demo-ring.gcode",
        display: "demo-ring.gcode",
        size: 48_213,
        date: 1_793_602_800,
        seconds: 18,
        filament: &[412.6],
        tool_target: 210.0,
        bed_target: 60.0,
        chamber_target: 0.0,
        pace: Pace::Showcase,
    },
    Model {
        path: "Zahnrad „klein“ 小齿轮 v2.gcode",
        display: "Zahnrad „klein“ 小齿轮 <v2>.gcode",
        size: 61_774,
        date: 1_793_689_200,
        seconds: 20,
        filament: &[523.1],
        tool_target: 215.0,
        bed_target: 60.0,
        chamber_target: 0.0,
        pace: Pace::Showcase,
    },
    Model {
        path: "Halterung_links.gcode",
        display: "Halterung_links.gcode",
        size: 1_482_911,
        date: 1_793_775_600,
        seconds: 185,
        filament: &[2_714.4],
        tool_target: 215.0,
        bed_target: 60.0,
        chamber_target: 0.0,
        pace: Pace::Workshop,
    },
    Model {
        path: "Étrier n°3 – support.gcode",
        display: "Étrier n°3 – support.gcode",
        size: 2_930_120,
        date: 1_793_862_000,
        seconds: 264,
        filament: &[4_120.9],
        tool_target: 240.0,
        bed_target: 80.0,
        chamber_target: 45.0,
        pace: Pace::Workshop,
    },
    Model {
        path: "customers/4711/housing top.gcode",
        display: "housing top.gcode",
        size: 4_077_356,
        date: 1_793_948_400,
        seconds: 331,
        filament: &[6_245.0],
        tool_target: 255.0,
        bed_target: 90.0,
        chamber_target: 55.0,
        pace: Pace::Workshop,
    },
    Model {
        path: "customers/4711/housing bottom.gcode",
        display: "housing bottom.gcode",
        size: 3_611_208,
        date: 1_793_948_700,
        seconds: 298,
        filament: &[5_530.2],
        tool_target: 255.0,
        bed_target: 90.0,
        chamber_target: 55.0,
        pace: Pace::Workshop,
    },
    Model {
        path: "крышка_02.gcode",
        display: "крышка_02.gcode",
        size: 988_402,
        date: 1_794_034_800,
        seconds: 132,
        filament: &[1_893.7],
        tool_target: 205.0,
        bed_target: 55.0,
        chamber_target: 0.0,
        pace: Pace::Workshop,
    },
    Model {
        path: "logo two colours.gcode",
        display: "logo two colours.gcode",
        size: 2_204_517,
        date: 1_794_121_200,
        seconds: 246,
        filament: &[2_008.3, 811.5],
        tool_target: 210.0,
        bed_target: 60.0,
        chamber_target: 0.0,
        pace: Pace::Workshop,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printer_has_only_files_that_it_has_tools_for() {
        for number in 1..=10 {
            let hardware = Hardware::of(number);
            let files: Vec<_> = files_for(&hardware).collect();
            assert!(
                files
                    .iter()
                    .all(|file| file.filament.len() <= usize::from(hardware.tools))
            );
            assert!(files.iter().any(|file| file.pace == hardware.pace));
        }
    }

    #[test]
    fn names_and_folders_come_from_the_path() {
        let model = &FILES[4];
        assert_eq!(
            (model.name(), model.folder()),
            ("housing top.gcode", Some("customers/4711"))
        );
        assert_eq!(FILES[0].folder(), None);
    }
}
