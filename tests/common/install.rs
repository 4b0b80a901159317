//! What the ignored tests need from the package registries, installed once below `target/interop`.
//!
//! Every folder is named after what it holds and carries a stamp of its recipe: it is installed again when the recipe
//! changes or when an installation was cut short. A lock file lets test processes that start together take turns.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::fixture;

/// A Python virtual environment.
#[derive(Debug, Clone)]
pub struct Venv(PathBuf);

impl Venv {
    /// The OPC UA client `asyncua`, in the version of `asyncua/requirements.txt`.
    pub fn asyncua() -> Self {
        Self::required_by("asyncua")
    }

    /// The network fuzzer `boofuzz`, in the version of `boofuzz/requirements.txt`.
    pub fn boofuzz() -> Self {
        Self::required_by("boofuzz")
    }

    /// A real OctoPrint of this version.
    pub fn octoprint(version: &str) -> Self {
        Self::with(
            &format!("octoprint-{version}"),
            &format!("OctoPrint=={version}"),
        )
    }

    /// The interpreter of this environment.
    pub fn python(&self) -> Command {
        Command::new(self.0.join("bin/python"))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    fn required_by(folder: &str) -> Self {
        let requirements = fs::read_to_string(fixture(folder).join("requirements.txt"))
            .expect("the list of requirements");
        Self::with(folder, requirements.trim())
    }

    fn with(name: &str, requirement: &str) -> Self {
        Self(install(name, requirement, |folder| {
            run(Command::new("python3").args(["-m", "venv"]).arg(folder));
            run(Command::new(folder.join("bin/python"))
                .args([
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--disable-pip-version-check",
                ])
                .arg(requirement));
        }))
    }
}

/// The folder `node_modules` with the client of `node/package-lock.json`.
pub fn node_modules() -> PathBuf {
    let lock = fs::read_to_string(fixture("node/package-lock.json")).expect("the npm lock file");
    let folder = install("node", &lock, |folder| {
        fs::create_dir_all(folder).expect("a folder for npm");
        for file in ["package.json", "package-lock.json"] {
            fs::copy(fixture("node").join(file), folder.join(file)).expect("a copy for npm");
        }
        run(Command::new("npm")
            .args([
                "ci",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--loglevel=error",
            ])
            .current_dir(folder));
    });
    folder.join("node_modules")
}

/// Makes `target/interop/<name>` with `recipe` unless it stands there already.
fn install(name: &str, recipe: &str, make: impl FnOnce(&Path)) -> PathBuf {
    // Cargo names target/tmp to integration tests; a folder beside it moves along with CARGO_TARGET_DIR.
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("interop");
    fs::create_dir_all(&home).expect("target is writable");
    let folder = home.join(name);
    let stamp = folder.join("installed");
    let lock = File::create(home.join(format!("{name}.lock"))).expect("a lock file");
    lock.lock()
        .expect("the lock; it ends with this process at the latest");
    if !fs::read_to_string(&stamp).is_ok_and(|old| old == recipe) {
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("the old installation goes");
        }
        make(&folder);
        fs::write(&stamp, recipe).expect("the stamp");
    }
    folder
}

fn run(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?} does not start: {error}; .ci/run installs it"));
    assert!(
        output.status.success(),
        "{command:?} failed:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
