//! `GET /api/files?recursive=true`: what could be printed. Needs the FILES_LIST permission.
//!
//! Local files stand in a tree of folders; those on the printer's SD card follow as plain entries with less in them.

use serde_json::Value;

use super::{job, number, seconds};
use crate::machine::{Estimates, PrintableFile};

/// The printable files, in OctoPrint's order, folders opened in place.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::octoprint) struct FileList {
    pub files: Vec<PrintableFile>,
    /// How many more there were than the limit allows.
    pub left_out: usize,
}

/// At most `limit` of the files.
pub(in crate::octoprint) fn files(answer: &Value, limit: usize) -> FileList {
    let mut list = FileList::default();
    collect(&answer["files"], limit, &mut list);
    list
}

/// The parser of JSON bounds how deep folders may lie in one another.
fn collect(entries: &Value, limit: usize, list: &mut FileList) {
    for entry in entries.as_array().into_iter().flatten() {
        match entry["type"].as_str() {
            Some("folder") => collect(&entry["children"], limit, list),
            Some("machinecode") => match printable(entry) {
                Some(_) if list.files.len() >= limit => list.left_out += 1,
                Some(file) => list.files.push(file),
                None => {}
            },
            // Models for a slicer, and what plugins add.
            _ => {}
        }
    }
}

fn printable(entry: &Value) -> Option<PrintableFile> {
    let file = job::file(entry)?;
    // A path that was cut or cleaned names another file, or none.
    if entry["path"].as_str() != Some(file.path.as_str()) {
        return None;
    }
    let analysis = &entry["gcodeAnalysis"];
    let statistics = &entry["statistics"];
    Some(PrintableFile {
        file,
        estimates: Estimates {
            print_time: seconds(&analysis["estimatedPrintTime"]),
            average_print_time: seconds(of_the_only_profile(&statistics["averagePrintTime"])),
            last_print_time: seconds(of_the_only_profile(&statistics["lastPrintTime"])),
            filament: job::filament(&analysis["filament"]),
        },
        dimensions: dimensions(analysis),
    })
}

/// Statistics are kept by printer profile; of several it is not told which is in use.
fn of_the_only_profile(by_profile: &Value) -> &Value {
    let mut values = by_profile
        .as_object()
        .into_iter()
        .flat_map(|all| all.values());
    match (values.next(), values.next()) {
        (Some(only), None) => only,
        _ => &Value::Null,
    }
}

/// Of a file in which nothing is extruded the analysis says that it measures nothing (later versions also that it is `_empty`).
fn dimensions(analysis: &Value) -> Option<[f64; 3]> {
    let dimensions = &analysis["dimensions"];
    let [width, depth, height] = ["width", "depth", "height"].map(|side| number(&dimensions[side]));
    Some([width?, depth?, height?]).filter(|sides| *sides != [0.0; 3])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn paths(list: &FileList) -> Vec<String> {
        let ids = list.files.iter();
        ids.map(|file| format!("{}/{}", file.file.origin, file.file.path))
            .collect()
    }

    #[test]
    fn folders_are_opened_and_models_left_out() {
        let list = files(
            &json!({"files": [
                {"type": "machinecode", "origin": "local", "path": "a.gcode", "name": "a.gcode"},
                {"type": "folder", "path": "b", "children": [
                    {"type": "folder", "path": "b/c", "children": [
                        {"type": "machinecode", "origin": "local", "path": "b/c/d.gcode", "name": "d.gcode"}]},
                    {"type": "model", "origin": "local", "path": "b/e.stl", "name": "e.stl"}]},
                {"type": "folder", "path": "shut"},
                {"type": "machinecode", "typePath": ["machinecode", "gcode"], "name": "f.gco", "display": "Long name.gcode",
                 "path": "f.gco", "origin": "sdcard", "refs": {"resource": "x"}, "size": 481},
            ]}),
            10,
        );
        assert_eq!(
            paths(&list),
            ["local/a.gcode", "local/b/c/d.gcode", "sdcard/f.gco"]
        );
        let sd = &list.files[2];
        assert_eq!(sd.file.display, "Long name.gcode");
        assert_eq!((sd.file.size, sd.file.date), (Some(481), None));
        assert_eq!(
            (&sd.estimates, sd.dimensions),
            (&Estimates::default(), None)
        );
    }

    #[test]
    fn a_flood_of_files_is_cut_and_counted() {
        let flood: Vec<_> = (0..1500)
            .map(
                |n| json!({"type": "machinecode", "origin": "local", "path": format!("{n}.gcode")}),
            )
            .collect();
        let list = files(&json!({"files": flood}), 1000);
        assert_eq!((list.files.len(), list.left_out), (1000, 500));
        assert_eq!(list.files[999].file.path, "999.gcode");
    }

    /// To print a file by a path that is not its own would print another one.
    #[test]
    fn a_file_without_its_exact_path_is_left_out() {
        for path in [
            json!(null),
            json!("a\0.gcode"),
            json!("x".repeat(5000)),
            json!(7),
        ] {
            let entry = json!({"type": "machinecode", "name": "a.gcode", "path": path});
            assert_eq!(files(&json!({"files": [entry]}), 10), FileList::default());
        }
    }

    #[test]
    fn a_wrong_type_costs_that_field() {
        for nothing in [
            json!(null),
            json!({}),
            json!({"files": null}),
            json!({"files": [1, null, [], {}]}),
        ] {
            assert_eq!(files(&nothing, 10), FileList::default(), "{nothing}");
        }
        let list = files(
            &json!({"files": [{
                "type": "machinecode", "name": "a", "path": "a", "date": "x", "size": [],
                "gcodeAnalysis": {"estimatedPrintTime": "5", "dimensions": {"width": 1, "depth": "2", "height": 3},
                                  "filament": {"tool0": {"length": 5}, "tool1": 1}},
                "statistics": {"averagePrintTime": {"a": 1.0, "b": 2.0}, "lastPrintTime": {"a": 3.0}},
            }]}),
            10,
        );
        let file = &list.files[0];
        assert_eq!(
            (file.file.date, file.file.size, file.dimensions),
            (None, None, None)
        );
        assert_eq!(file.estimates.print_time, None);
        assert_eq!(file.estimates.average_print_time, None);
        assert_eq!(
            file.estimates.last_print_time,
            Some(std::time::Duration::from_secs(3))
        );
        assert_eq!(
            file.estimates
                .filament
                .iter()
                .map(|(tool, _)| tool)
                .collect::<Vec<_>>(),
            ["tool0"]
        );
    }
}
