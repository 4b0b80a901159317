//! Binding the OPC UA ports: all are tried, all failures are told at once, and the operator learns which key to
//! change and, where the system tells, which process is in the way.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};

/// A port that could not be bound. Displayed with the key that changes it.
#[derive(Debug)]
pub struct PortRefused {
    pub address: SocketAddr,
    pub reason: io::Error,
    /// Who listens there, if the system tells: `name (pid 1234)`.
    pub holder: Option<String>,
}

/// Every port that could not be bound; at least one.
#[derive(Debug, thiserror::Error)]
pub struct PortsRefused(pub Vec<PortRefused>);

impl fmt::Display for PortsRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, refused) in self.0.iter().enumerate() {
            if n > 0 {
                writeln!(f)?;
            }
            let PortRefused {
                address,
                reason,
                holder,
            } = refused;
            write!(f, "cannot listen on {address}: {reason}")?;
            if let Some(holder) = holder {
                write!(f, "; {holder} holds the port")?;
            }
            match reason.kind() {
                io::ErrorKind::AddrNotAvailable => {
                    write!(f, "; set `listen` to an address of this computer")?
                }
                _ => write!(
                    f,
                    "; set `umati_server_port` to a free port instead of {} (of `demo`: --port)",
                    address.port()
                )?,
            }
        }
        Ok(())
    }
}

/// Binds `ports` on `listen`, in order. Port 0 lets the system choose.
pub(super) fn bind(listen: IpAddr, ports: &[u16]) -> Result<Vec<TcpListener>, PortsRefused> {
    let mut bound = Vec::new();
    let mut refused = Vec::new();
    for &port in ports {
        let address = SocketAddr::new(listen, port);
        match TcpListener::bind(address)
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
        {
            Ok(listener) => bound.push(listener),
            Err(reason) => refused.push(PortRefused {
                address,
                holder: (reason.kind() == io::ErrorKind::AddrInUse)
                    .then(|| holder_of(port))
                    .flatten(),
                reason,
            }),
        }
    }
    if refused.is_empty() {
        Ok(bound)
    } else {
        Err(PortsRefused(refused))
    }
}

/// The process that listens on `port`, from `/proc`; `None` where there is no such folder or no right to look.
fn holder_of(port: u16) -> Option<String> {
    let inodes: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| std::fs::read_to_string(table).ok())
        .flat_map(|table| listening_inodes(&table, port))
        .collect();
    let sockets: Vec<String> = inodes.iter().map(|i| format!("socket:[{i}]")).collect();
    if sockets.is_empty() {
        return None;
    }
    std::fs::read_dir("/proc")
        .ok()?
        .filter_map(Result::ok)
        .find_map(|process| {
            let pid: u32 = process.file_name().to_str()?.parse().ok()?;
            let holds = std::fs::read_dir(process.path().join("fd"))
                .ok()?
                .filter_map(Result::ok)
                .filter_map(|fd| std::fs::read_link(fd.path()).ok())
                .any(|link| sockets.iter().any(|s| link.as_os_str() == s.as_str()));
            holds.then(|| {
                let name = std::fs::read_to_string(process.path().join("comm"));
                format!("{} (pid {pid})", name.as_deref().unwrap_or("?").trim())
            })
        })
}

/// The socket inodes that listen on `port` in the text of `/proc/net/tcp` (proc(5)).
fn listening_inodes(table: &str, port: u16) -> Vec<String> {
    const LISTEN: &str = "0A";
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (_, local_port) = fields.get(1)?.rsplit_once(':')?;
            let matches = u16::from_str_radix(local_port, 16).ok()? == port
                && fields.get(3).copied() == Some(LISTEN);
            matches.then(|| fields.get(9).map(ToString::to_string))?
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn free_ports_are_bound() {
        let bound = bind(LOOPBACK, &[0, 0]).unwrap();
        assert_eq!(bound.len(), 2);
    }

    #[test]
    fn every_taken_port_is_told_with_its_holder_and_the_key_to_change() {
        let a = TcpListener::bind((LOOPBACK, 0)).unwrap();
        let b = TcpListener::bind((LOOPBACK, 0)).unwrap();
        let ports = [&a, &b].map(|l| l.local_addr().unwrap().port());
        let refused = bind(LOOPBACK, &[ports[0], 0, ports[1]]).unwrap_err();
        assert_eq!(refused.0.len(), 2);
        let text = refused.to_string();
        for port in ports {
            assert!(text.contains(&format!("cannot listen on 127.0.0.1:{port}: ")));
            assert!(text.contains(&format!(
                "set `umati_server_port` to a free port instead of {port}"
            )));
        }
        if cfg!(target_os = "linux") {
            assert!(text.contains(&format!("(pid {})", std::process::id())));
        }
    }

    #[test]
    fn a_foreign_address_names_the_listen_key() {
        let foreign = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        let refused = bind(foreign, &[0]).unwrap_err().to_string();
        assert!(refused.contains("set `listen` to an address of this computer"));
    }

    #[test]
    fn the_proc_table_is_read_by_its_columns() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 0100007F:12E8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100\n\
            1: 0100007F:12E8 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100\n";
        assert_eq!(listening_inodes(table, 4840), ["4711"]);
    }
}
