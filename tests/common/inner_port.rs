//! Where the server library of a bridge listens, behind the front door. Linux only (`/proc`).

use std::collections::BTreeSet;
use std::fs;

use super::wait_until;

/// The ports on which a process listens.
fn ports_of(process: u32) -> BTreeSet<u16> {
    let descriptors = fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    let sockets: BTreeSet<String> = descriptors
        .filter_map(|it| fs::read_link(it.ok()?.path()).ok())
        .map(|link| link.to_string_lossy().into_owned())
        .collect();
    let table = fs::read_to_string(format!("/proc/{process}/net/tcp")).unwrap();
    let listening = table.lines().skip(1).filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (_, port) = fields[1].split_once(':')?;
        let socket = format!("socket:[{}]", fields[9]);
        (fields[3] == "0A" && sockets.contains(&socket)).then(|| u16::from_str_radix(port, 16))
    });
    listening.map(Result::unwrap).collect()
}

/// The address of the port that is not the one of this URL; it is opened a moment after that.
pub fn inner(process: u32, url: &str) -> String {
    let (_, outer) = url.rsplit_once(':').unwrap();
    let outer = outer.parse().unwrap();
    wait_until("the inner port", || {
        let ports = ports_of(process);
        let inner: Vec<u16> = ports
            .iter()
            .copied()
            .filter(|port| *port != outer)
            .collect();
        match inner[..] {
            [port] if ports.contains(&outer) => Ok(format!("opc.tcp://127.0.0.1:{port}")),
            _ => Err(format!("{ports:?}")),
        }
    })
}
