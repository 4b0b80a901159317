//! A wire between the bridge and OctoPrint that a test holds in its hand: the connections on which OctoPrint tells by
//! itself can be cut or left hanging, while questions are answered as ever.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

/// Carries connections to another port of the loopback, until it is dropped.
pub struct Relay {
    address: SocketAddr,
    wire: Arc<Wire>,
}

#[derive(Default)]
struct Wire {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    hangs: bool,
    is_over: bool,
    connections: u64,
    /// Those that push, by their number.
    pushing: HashMap<u64, Ends>,
}

struct Ends {
    client: TcpStream,
    server: TcpStream,
}

impl Relay {
    pub fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let wire = Arc::new(Wire::default());
        let carrier = Arc::clone(&wire);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if carrier.state().is_over {
                    break;
                }
                let carrier = Arc::clone(&carrier);
                // What goes wrong is seen by whoever is at the ends.
                thread::spawn(move || carrier.connect(client, port).ok());
            }
        });
        Self { address, wire }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Cuts the push connections; what hangs in them is lost. Tells how many there were.
    pub fn cut(&self) -> usize {
        let mut state = self.wire.state();
        state.hangs = false;
        let cut = state.pushing.drain();
        let cut = cut.map(|(_, ends)| ends.close()).count();
        self.wire.changed.notify_all();
        cut
    }

    /// Nothing that OctoPrint tells arrives any more. Tells how many connections hang.
    pub fn hang(&self) -> usize {
        let mut state = self.wire.state();
        state.hangs = true;
        state.pushing.len()
    }

    /// What hung arrives now.
    pub fn go_on(&self) {
        self.wire.state().hangs = false;
        self.wire.changed.notify_all();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.wire.state().is_over = true;
        self.cut();
        // It waits for the next one.
        let _ = TcpStream::connect(self.address);
    }
}

impl Wire {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no carrier panics")
    }

    /// Carries one connection until either end closes it.
    fn connect(&self, mut client: TcpStream, port: u16) -> io::Result<()> {
        let mut server = TcpStream::connect(("127.0.0.1", port))?;
        for end in [&client, &server] {
            end.set_nodelay(true)?;
        }
        // The first words of a connection say what it is for: it is never used for both.
        let mut words = [0; 4096];
        let count = client.read(&mut words)?;
        let pushes = words[..count].starts_with(b"GET /sockjs/");
        server.write_all(&words[..count])?;
        let (client_again, server_again) = (client.try_clone()?, server.try_clone()?);
        let number = pushes.then(|| self.note(&client, &server)).transpose()?;
        thread::scope(|both| {
            both.spawn(|| self.carry(server_again, client_again, number));
            self.carry(client, server, None);
        });
        if let Some(number) = number {
            self.state().pushing.remove(&number);
        }
        Ok(())
    }

    fn note(&self, client: &TcpStream, server: &TcpStream) -> io::Result<u64> {
        let ends = Ends {
            client: client.try_clone()?,
            server: server.try_clone()?,
        };
        let mut state = self.state();
        state.connections += 1;
        let number = state.connections;
        state.pushing.insert(number, ends);
        Ok(number)
    }

    /// `pushing`: the number of a connection that can hang.
    fn carry(&self, mut from: TcpStream, mut to: TcpStream, pushing: Option<u64>) {
        let mut words = [0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut words) {
            if pushing.is_some_and(|number| self.was_cut(number))
                || to.write_all(&words[..count]).is_err()
            {
                break;
            }
        }
        let ends = Ends {
            client: from,
            server: to,
        };
        ends.close();
    }

    /// Waits while it hangs.
    fn was_cut(&self, number: u64) -> bool {
        let hangs = |state: &mut State| state.hangs && state.pushing.contains_key(&number);
        let state = self.changed.wait_while(self.state(), hangs);
        !state
            .expect("no carrier panics")
            .pushing
            .contains_key(&number)
    }
}

impl Ends {
    fn close(self) {
        // It may be closed already.
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }
}
