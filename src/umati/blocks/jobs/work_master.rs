//! The files that could be printed, as entries of WorkMaster. Their IDs are what an order names.
//!
//! | parameter | from |
//! |---|---|
//! | EstimatedPrintTime | the analysis of the file, ms |
//! | Tool0FilamentLength, …Volume, …Weight | what the file needs of filament, by tool |
//! | Width, Depth, Height | extent of the print, mm |

use super::super::quality::View;
use super::super::render::Render;
use super::super::units::Unit;
use super::list::{self, bits, hash};
use super::parameters::{measure, measures, tool_of};
use crate::machine::{FileRef, PrintableFile};
use crate::umati::isa95::types::{Parameter, WorkMaster};
use crate::umati::isa95::{Encoded, Mark};

pub(super) fn render(out: &mut Render, view: &View) {
    let files = view.machine.files.iter().flatten();
    let sources = files.map(|file| (mark(file), file)).collect();
    list::put(out, &super::path("WorkMaster"), sources, |file, mark| {
        Encoded::new(&work_master(file), mark).ok()
    });
}

fn work_master(printable: &PrintableFile) -> WorkMaster {
    let file = &printable.file;
    let id = FileRef {
        origin: file.origin.clone(),
        path: file.path.clone(),
    };
    let parameters = parameters(printable);
    WorkMaster {
        id: id.id().into(),
        description: Some(file.display.as_str().into()),
        parameters: (!parameters.is_empty()).then(|| parameters.into()),
    }
}

fn parameters(printable: &PrintableFile) -> Vec<Parameter> {
    let mut parameters = Vec::new();
    parameters.extend(printable.estimates.print_time.map(|time| {
        let milliseconds = time.as_secs_f64() * 1000.0;
        measure("EstimatedPrintTime", milliseconds, Unit::Millisecond)
    }));
    for (tool, filament) in printable.estimates.filament.iter() {
        parameters.extend(measures(filament).map(|(name, amount, unit)| {
            measure(&format!("{}Filament{name}", tool_of(tool)), amount, unit)
        }));
    }
    if let Some(extents) = printable.dimensions {
        let named = ["Width", "Depth", "Height"].into_iter().zip(extents);
        parameters.extend(named.map(|(name, extent)| measure(name, extent, Unit::Millimetre)));
    }
    parameters
}

fn mark(printable: &PrintableFile) -> Mark {
    let file = &printable.file;
    let amounts: Vec<_> = (printable.estimates.filament.iter())
        .map(|(tool, f)| (tool, bits(f.length), bits(f.volume), bits(f.weight)))
        .collect();
    Mark {
        content: hash((
            &file.origin,
            &file.path,
            &file.display,
            printable.estimates.print_time,
            amounts,
            printable
                .dimensions
                .map(|extents| extents.map(f64::to_bits)),
        )),
        progress: 0,
    }
}
