//! What one server needs to know before it can start.

use std::net::IpAddr;
use std::path::PathBuf;

use super::access::Users;

/// Settings of one server: one port of the bridge.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address that the listener is bound to.
    pub listen: IpAddr,
    /// The port that the listener is bound to; part of every endpoint URL.
    pub port: u16,
    /// The name that clients reach this computer by, if it is not the one that the computer knows.
    pub public_hostname: Option<String>,
    /// Globally unique, and stable: clients and the certificate are bound to it.
    pub application_uri: String,
    /// Folder for the certificate, the key and the certificates of clients.
    pub state_dir: PathBuf,
    /// Lets anyone who reaches the port read, even from another computer, and without encryption.
    pub allow_anonymous: bool,
    /// Who may log in.
    pub users: Users,
    /// Version of this program, shown in `Server/ServerStatus/BuildInfo`.
    pub version: String,
}

impl Settings {
    /// Whether clients may read without saying who they are.
    ///
    /// Loopback is open, as long as there are no users, because whoever has an account on this computer is inside
    /// already.
    pub fn is_open(&self) -> bool {
        self.allow_anonymous || (self.is_loopback() && self.users.is_empty())
    }

    /// Whether sessions without encryption are possible: only where nothing leaves the computer, and nobody has to
    /// say who they are.
    pub fn admits_plain_text(&self) -> bool {
        self.is_loopback() && self.is_open()
    }

    /// Whether nothing that is sent leaves this computer.
    pub fn is_loopback(&self) -> bool {
        self.listen.to_canonical().is_loopback()
    }

    /// The host in the endpoint URLs, ready to stand in a URL.
    ///
    /// A client that reached the server under another name keeps its own: the server compares path and port only.
    pub fn url_host(&self) -> String {
        match &self.public_hostname {
            Some(name) => name.parse().map_or_else(|_| name.clone(), bracketed),
            None if self.listen.is_unspecified() => hostname(),
            None => bracketed(self.listen),
        }
    }

    /// The address of every endpoint: `opc.tcp://<host>:<port>`.
    pub fn url(&self) -> String {
        format!("opc.tcp://{}:{}", self.url_host(), self.port)
    }
}

/// An address as the host of a URL (RFC 3986 §3.2.2).
fn bracketed(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// The name that this computer has for itself.
pub(super) fn hostname() -> String {
    gethostname::gethostname().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(listen: &str, public_hostname: Option<&str>) -> Settings {
        Settings {
            listen: listen.parse().unwrap(),
            port: 4840,
            public_hostname: public_hostname.map(str::to_owned),
            application_uri: "urn:test".to_owned(),
            state_dir: PathBuf::new(),
            allow_anonymous: false,
            users: Users::default(),
            version: "0".to_owned(),
        }
    }

    #[test]
    fn the_url_names_what_clients_can_reach() {
        assert_eq!(settings("127.0.0.1", None).url_host(), "127.0.0.1");
        assert_eq!(settings("::1", None).url_host(), "[::1]");
        assert_eq!(settings("192.168.1.7", None).url_host(), "192.168.1.7");
        assert_eq!(settings("0.0.0.0", None).url_host(), hostname());
        assert_eq!(settings("::", Some("gw.factory")).url_host(), "gw.factory");
        assert_eq!(settings("127.0.0.1", Some("gw")).url_host(), "gw");
        let address = Some("2001:db8::1");
        assert_eq!(settings("::", address).url_host(), "[2001:db8::1]");
        assert_eq!(
            settings("::", address).url(),
            "opc.tcp://[2001:db8::1]:4840"
        );
    }

    #[test]
    fn only_loopback_is_open_by_itself() {
        assert!(settings("127.0.0.1", None).is_open());
        assert!(settings("::1", None).is_open());
        assert!(settings("::ffff:127.0.0.1", None).is_open());
        assert!(!settings("0.0.0.0", None).is_open());
        let explicit = Settings {
            allow_anonymous: true,
            ..settings("0.0.0.0", None)
        };
        assert!(explicit.is_open());
    }
}
