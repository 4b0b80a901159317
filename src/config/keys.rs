//! Every key that a config file may hold, with a value that works.
//!
//! The reader asks for keys by these constants only; what is not in the list of its section is unknown. The
//! examples end up in messages ("write …"), and `docs/configuration.md` is tested against the lists.

/// A key and an example of its value, as JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    pub name: &'static str,
    pub example: &'static str,
}

impl Key {
    /// `"mes_id": [ 1 ]`
    pub(super) fn written(&self) -> String {
        format!("\"{}\": {}", self.name, self.example)
    }

    /// The remedy when it is missing or of the wrong type.
    pub(super) fn write_it(&self) -> String {
        format!("write {}", self.written())
    }
}

macro_rules! keys {
    ($($constant:ident = $name:literal, $example:literal;)*) => {
        $(pub const $constant: Key = Key { name: $name, example: $example };)*
    };
}

keys! {
    TYPE = "type", r#""OCTOPRINT""#;
    URL = "url", r#""http://192.168.1.41:5000""#;
    API_KEY = "api_key", r#""A0A00B123E454H122BD513FE58B5E9BC""#;
    AUTHENTICATION_FILE_PATH = "authentication_file_path", r#""secret.txt""#;
    CUSTOM_NAME = "custom_name", r#""my_octoprint_machine""#;
    MES_ID = "mes_id", "[ 1 ]";
    UMATI_SERVER_PORT = "umati_server_port", "4840";
    ID = "id", r#""prusa-01""#;
    POLL_INTERVAL_MS = "poll_interval_ms", "1000";
    HEARTBEAT_INTERVAL_MS = "heartbeat_interval_ms", "10000";
    SOURCE = "source", r#""auto""#;
    MANUFACTURER = "manufacturer", r#""Prusa Research""#;
    MODEL = "model", r#""MK4S""#;
    SERIAL_NUMBER = "serial_number", r#""CZPX3021X017XC01234""#;
    PRODUCT_CODE = "product_code", r#""PRI-MK4S-KIT""#;
    CONTROL = "control", "true";
    YEAR_OF_CONSTRUCTION = "year_of_construction", "2024";
    LOCATION = "location", r#""Hall 2, row 4""#;
    ASSET_ID = "asset_id", r#""INV-00417""#;
    TLS = "tls", r#"{ "ca_file": "ca.pem" }"#;

    CA_FILE = "ca_file", r#""ca.pem""#;
    FINGERPRINT = "fingerprint", r#""<the 64 hexadecimal digits of the certificate's SHA-256>""#;

    MACHINES = "machines", r#"[ { "type": "OCTOPRINT", … } ]"#;
    LISTEN = "listen", r#""127.0.0.1""#;
    PUBLIC_HOSTNAME = "public_hostname", r#""bridge.example.org""#;
    STATE_DIR = "state_dir", r#""umati-bridge-state""#;
    STALE_AFTER_MS = "stale_after_ms", "60000";
    ALLOW_ANONYMOUS = "allow_anonymous", "true";
    JOB_LOG = "job_log", r#"{ "orders": 50, "days": 30 }"#;
    MES = "mes", r#"[ { "id": 1, "name": "MES 1", "user": "mes1", "password_hash": "$argon2id$…" } ]"#;
    OPERATORS = "operators", r#"[ { "name": "Maintenance", "user": "anna", "password_hash": "$argon2id$…" } ]"#;

    MES_INSTANCE_ID = "id", "1";
    NAME = "name", r#""MES 1""#;
    OPERATOR_NAME = "name", r#""Maintenance""#;
    ROLE = "role", r#""control""#;
    USER = "user", r#""mes1""#;
    PASSWORD_HASH = "password_hash", r#""$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>""#;
    CERTIFICATE = "certificate", r#""<the 64 hexadecimal digits of the certificate's SHA-256>""#;

    ORDERS = "orders", "50";
    DAYS = "days", "30";
}

/// A kind of object in the file.
#[derive(Debug, PartialEq, Eq)]
pub struct Section {
    /// What stands in it, for sentences like "is a key of …".
    pub name: &'static str,
    pub keys: &'static [Key],
}

/// The object with `machines` and our own settings.
pub const TOP_LEVEL: Section = Section {
    name: "the top level",
    keys: &[
        MACHINES,
        UMATI_SERVER_PORT,
        LISTEN,
        PUBLIC_HOSTNAME,
        STATE_DIR,
        SOURCE,
        POLL_INTERVAL_MS,
        HEARTBEAT_INTERVAL_MS,
        STALE_AFTER_MS,
        ALLOW_ANONYMOUS,
        JOB_LOG,
        MES,
        OPERATORS,
    ],
};

/// A machine, in every dialect at once.
pub const MACHINE: Section = Section {
    name: "a machine",
    keys: &[
        TYPE,
        URL,
        API_KEY,
        AUTHENTICATION_FILE_PATH,
        CUSTOM_NAME,
        MES_ID,
        UMATI_SERVER_PORT,
        ID,
        SOURCE,
        POLL_INTERVAL_MS,
        HEARTBEAT_INTERVAL_MS,
        CONTROL,
        TLS,
        MANUFACTURER,
        MODEL,
        SERIAL_NUMBER,
        PRODUCT_CODE,
        YEAR_OF_CONSTRUCTION,
        LOCATION,
        ASSET_ID,
    ],
};

/// `tls` of a machine.
pub const MACHINE_TLS: Section = Section {
    name: "`tls`",
    keys: &[CA_FILE, FINGERPRINT],
};

/// An entry of `mes`.
pub const MES_INSTANCE: Section = Section {
    name: "an entry of `mes`",
    keys: &[
        MES_INSTANCE_ID,
        NAME,
        ROLE,
        USER,
        PASSWORD_HASH,
        CERTIFICATE,
    ],
};

/// An entry of `operators`.
pub const OPERATOR: Section = Section {
    name: "an entry of `operators`",
    keys: &[OPERATOR_NAME, USER, PASSWORD_HASH, CERTIFICATE],
};

/// `job_log` of the top level.
pub const JOB_LOG_SECTION: Section = Section {
    name: "`job_log`",
    keys: &[ORDERS, DAYS],
};

/// Every kind of object that a file may hold.
pub const SECTIONS: [Section; 6] = [
    TOP_LEVEL,
    MACHINE,
    MACHINE_TLS,
    MES_INSTANCE,
    OPERATOR,
    JOB_LOG_SECTION,
];

impl Section {
    pub(super) fn knows(&self, name: &str) -> bool {
        self.keys.iter().any(|key| key.name == name)
    }

    /// The remedy for a key that this section does not know.
    pub(super) fn advise(&self, unknown: &str) -> String {
        let name = unknown;
        if TOP_LEVEL.knows(name) {
            return format!(
                "`{name}` stands beside `machines`: write {{ \"machines\": [ {{ … }} ], \"{name}\": … }}"
            );
        }
        if MACHINE.knows(name) {
            return format!("move `{name}` into a machine of the list `machines`");
        }
        if JOB_LOG_SECTION.knows(name) {
            return format!("`{name}` stands in `job_log`: {}", JOB_LOG.write_it());
        }
        let typed = unknown.to_lowercase();
        let nearest = self
            .keys
            .iter()
            .max_by(|a, b| similarity(a.name, &typed).total_cmp(&similarity(b.name, &typed)));
        match nearest {
            Some(key) => format!("did you mean `{}`? If not, remove it", key.name),
            None => "remove it".to_owned(),
        }
    }
}

/// 0 (nothing in common) to 1 (the same, or one whole word of it: `port` for `umati_server_port`).
fn similarity(known: &str, typed: &str) -> f64 {
    if known.split('_').any(|word| word == typed) {
        return 1.0;
    }
    strsim::jaro_winkler(known, typed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_key_is_advised() {
        for (typed, meant) in [
            ("mesid", "mes_id"),
            ("MES_ID", "mes_id"),
            ("customName", "custom_name"),
            ("api-key", "api_key"),
            ("authentication_file", "authentication_file_path"),
            ("port", "umati_server_port"),
            ("umati_port", "umati_server_port"),
        ] {
            assert_eq!(
                MACHINE.advise(typed),
                format!("did you mean `{meant}`? If not, remove it"),
            );
        }
    }

    #[test]
    fn a_key_in_the_wrong_section_is_sent_home() {
        assert_eq!(
            MACHINE.advise("listen"),
            "`listen` stands beside `machines`: write { \"machines\": [ { … } ], \"listen\": … }"
        );
        assert_eq!(
            TOP_LEVEL.advise("url"),
            "move `url` into a machine of the list `machines`"
        );
    }
}
