//! A folder with a config file in it, and its messages with stable paths.

use std::path::Path;

use tempfile::TempDir;
use umati_bridge::config::{self, Config, Loaded, MachineConfig, Refused};

pub const KEY: &str = "A0A00B123E454H122BD513FE58B5E9BC";
pub const HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$4dnBDcSVN+9tUPPtdMVbg0IR4pYfGCWWHGnEQFQ6Kks";

pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(TempDir::new().expect("a temporary folder"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file that only its owner may read.
    pub fn with(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.path().join(name);
        std::fs::write(&path, content).expect("written");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let owner_only = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(&path, owner_only).expect("made private");
        }
        self
    }

    /// Loads `config.json` of the folder.
    pub fn load(&self) -> Result<Loaded, Refused> {
        config::load(&self.path().join("config.json"))
    }

    /// Replaces the folder by `/etc/bridge` and the working directory by `/home/bridge`, which differ from run to run.
    pub fn stable(&self, text: &str) -> String {
        let working = std::env::current_dir().expect("a working directory");
        text.replace(&self.path().display().to_string(), "/etc/bridge")
            .replace(&working.display().to_string(), "/home/bridge")
    }

    /// All messages of a refused file.
    pub fn refusal(&self) -> String {
        match self.load() {
            Ok(_) => "the file is accepted".to_owned(),
            Err(refused) => self.stable(&refused.to_string()),
        }
    }

    /// All messages of an accepted file.
    pub fn warnings(&self) -> String {
        match self.load() {
            Ok(loaded) => {
                let warnings = loaded.warnings.iter().map(ToString::to_string);
                self.stable(&warnings.collect::<Vec<_>>().join("\n\n"))
            }
            Err(refused) => format!("the file is refused:\n{refused}"),
        }
    }
}

/// The configuration in this text; panics with the messages if it is refused.
pub fn accepted(text: &str) -> Config {
    match Folder::new().with("config.json", text).load() {
        Ok(loaded) => loaded.config,
        Err(refused) => panic!("{refused}\n{text}"),
    }
}

/// The one machine in this text.
pub fn one_machine(text: &str) -> MachineConfig {
    let config = accepted(text);
    assert_eq!(config.machines.len(), 1);
    config.machines.into_iter().next().expect("one machine")
}

/// Asserts all messages of a text that must be refused.
#[track_caller]
pub fn assert_refused(text: &str, messages: &str) {
    let told = Folder::new().with("config.json", text).refusal();
    assert!(
        told == messages,
        "\n{text}\ntells\n{told}\ninstead of\n{messages}"
    );
}

/// Asserts all messages of a text that must be accepted.
#[track_caller]
pub fn assert_warned(text: &str, messages: &str) {
    let told = Folder::new().with("config.json", text).warnings();
    assert!(
        told == messages,
        "\n{text}\ntells\n{told}\ninstead of\n{messages}"
    );
}

/// A good machine, one key a line, with these keys changed; a change to `""` removes the key.
pub fn machine(changes: &[(&str, &str)]) -> String {
    let key = format!("\"{KEY}\"");
    let mut properties = vec![
        ("type", "\"OCTOPRINT\""),
        ("url", "\"http://10.0.0.1\""),
        ("api_key", &key),
        ("mes_id", "[ 1 ]"),
    ];
    for change in changes {
        match properties.iter_mut().find(|(name, _)| *name == change.0) {
            Some(property) => property.1 = change.1,
            None => properties.push(*change),
        }
    }
    properties.retain(|(_, value)| !value.is_empty());
    let lines: Vec<_> = properties
        .iter()
        .map(|(name, value)| format!("  \"{name}\": {value}"))
        .collect();
    format!("{{\n{}\n}}", lines.join(",\n"))
}

/// A good file with these settings beside its machine.
pub fn settings(settings: &str) -> String {
    format!("{{\n{settings},\n  \"machines\": [ {} ]\n}}", machine(&[]))
}
