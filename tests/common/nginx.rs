//! nginx before an OctoPrint, with a certificate of an authority of our own and a base path, as a child process.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::process::Process;
use super::{free_port, wait_until};

/// What the proxy does with the wish to go on as a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upgrade {
    PassedOn,
    Swallowed,
}

/// A proxy for `/octoprint/` only.
#[derive(Debug)]
pub struct Nginx {
    folder: TempDir,
    port: u16,
    _process: Process,
}

impl Nginx {
    pub fn before(octoprint: u16, upgrade: Upgrade) -> Self {
        let folder = TempDir::new().expect("a folder for nginx");
        certify(folder.path());
        let port = free_port();
        let config = config(folder.path(), port, octoprint, upgrade);
        fs::write(folder.path().join("nginx.conf"), config).expect("the config is written");
        let mut command = Command::new(program());
        command
            .args(["-e", "stderr", "-c", "nginx.conf", "-p"])
            .arg(folder.path());
        let process = Process::spawn("nginx", &mut command);
        wait_until("nginx listens", || {
            let connection = TcpStream::connect(("127.0.0.1", port));
            connection.map_err(|error| format!("{error}\n{process}"))
        });
        Self {
            folder,
            port,
            _process: process,
        }
    }

    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}/octoprint/", self.port)
    }

    /// The authority's certificate.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }
}

/// Where it is is not in the path of every user.
fn program() -> &'static str {
    let usual = "/usr/sbin/nginx";
    if Path::new(usual).exists() {
        usual
    } else {
        "nginx"
    }
}

/// One process, which holds all of its files in the folder.
fn config(folder: &Path, port: u16, octoprint: u16, upgrade: Upgrade) -> String {
    let upgrade = match upgrade {
        Upgrade::PassedOn => {
            "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;"
        }
        Upgrade::Swallowed => "",
    };
    let folder = folder.display();
    format!(
        "daemon off; master_process off; pid {folder}/pid;
        events {{ }}
        http {{
            access_log off;
            client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
            fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
            server {{
                listen 127.0.0.1:{port} ssl;
                ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key;
                location /octoprint/ {{
                    proxy_pass http://127.0.0.1:{octoprint}/;
                    proxy_http_version 1.1;
                    proxy_set_header Host $http_host;
                    proxy_set_header X-Scheme $scheme;
                    proxy_set_header X-Script-Name /octoprint;
                    {upgrade}
                }}
            }}
        }}"
    )
}

/// `ca.pem`, and `server.pem` and `server.key` for the loopback, which it signed.
fn certify(folder: &Path) {
    let usage = "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n";
    fs::write(folder.join("usage"), usage).expect("written");
    for command in [
        "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=Workshop \
         -addext keyUsage=critical,keyCertSign",
        "req -new -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=octopi",
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile usage -out server.pem",
    ] {
        let output = Command::new("openssl")
            .args(command.split(' ').filter(|word| !word.is_empty()))
            .current_dir(folder)
            .output()
            .expect("openssl is installed");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {command}: {told}");
    }
}
