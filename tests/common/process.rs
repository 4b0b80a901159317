//! A child process whose lines of output can be waited for, and that never outlives its guard.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

use super::{PATIENCE, wait_until};

/// What a test does to a process from outside.
#[derive(Debug, Clone, Copy)]
pub enum Signal {
    /// Ask it to end.
    Term,
    /// Ask it to end, as Ctrl-C does.
    Interrupt,
    /// Freeze it: its sockets accept, and nobody answers.
    Stop,
    /// Thaw it.
    Continue,
}

impl Signal {
    fn name(self) -> &'static str {
        match self {
            Self::Term => "TERM",
            Self::Interrupt => "INT",
            Self::Stop => "STOP",
            Self::Continue => "CONT",
        }
    }
}

/// A running child. Both of its outputs are collected line by line; its standard input stays open.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    output: Arc<Output>,
    readers: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Output {
    lines: Mutex<Vec<String>>,
    changed: Condvar,
}

impl Process {
    /// Starts `command`; `name` stands in the messages.
    pub fn spawn(name: &str, command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error} ({command:?})"));
        let output = Arc::new(Output::default());
        let stdout = child.stdout.take().expect("stdout is piped");
        let stderr = child.stderr.take().expect("stderr is piped");
        let readers = vec![output.follow(stdout), output.follow(stderr)];
        Self {
            name: name.to_owned(),
            child,
            output,
            readers,
        }
    }

    /// Its number in this system.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// All lines of both outputs so far, in the order in which they came.
    pub fn lines(&self) -> Vec<String> {
        self.lines_from(0)
    }

    /// The lines from number `start` on.
    pub fn lines_from(&self, start: usize) -> Vec<String> {
        self.output.lines.lock().expect("reader is alive")[start..].to_vec()
    }

    /// Sleeps until there are more than `known` lines or the deadline has come; tells whether there are.
    pub fn wait_for_more(&self, known: usize, deadline: Instant) -> bool {
        let lines = self.output.lines.lock().expect("reader is alive");
        let left = deadline.saturating_duration_since(Instant::now());
        let (lines, _) = self
            .output
            .changed
            .wait_timeout_while(lines, left, |lines| lines.len() <= known)
            .expect("reader is alive");
        lines.len() > known
    }

    /// Waits for the first line in which `find` finds something.
    pub fn wait_for_line<T>(&mut self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut known = 0;
        loop {
            let lines = self.lines_from(known);
            if let Some(found) = lines.iter().find_map(|line| find(line)) {
                return found;
            }
            known += lines.len();
            if let Ok(Some(status)) = self.child.try_wait() {
                // The readers end with the process, so the last words are in.
                self.readers
                    .drain(..)
                    .for_each(|reader| drop(reader.join()));
                match self.lines_from(known).iter().find_map(|line| find(line)) {
                    Some(found) => return found,
                    None => panic!("{} ended ({status}) before {what}:\n{self}", self.name),
                }
            }
            let step = Instant::now() + std::time::Duration::from_millis(200);
            let more = self.wait_for_more(known, step.min(deadline));
            assert!(
                more || Instant::now() < deadline,
                "{} never said {what}:\n{self}",
                self.name
            );
        }
    }

    /// Sends a signal to this process and to no other.
    pub fn signal(&self, signal: Signal) {
        // The shell has `kill` built in on every machine; the standard library has no such signals.
        let status = Command::new("sh")
            .args(["-c", r#"kill -s "$0" "$1""#, signal.name()])
            .arg(self.child.id().to_string())
            .status()
            .expect("sh starts");
        assert!(
            status.success(),
            "{} takes no {}:\n{self}",
            self.name,
            signal.name()
        );
    }

    /// Ends it without a word, at once, as a power cut does.
    pub fn kill(&mut self) {
        self.child.kill().expect("it still runs");
        self.wait_for_exit();
    }

    /// Waits until the process has ended by itself.
    pub fn wait_for_exit(&mut self) -> ExitStatus {
        let child = &mut self.child;
        let status = wait_until(&format!("{} ends", self.name), || {
            let status = child.try_wait().map_err(|error| error.to_string())?;
            status.ok_or_else(|| "still running".to_owned())
        });
        self.readers
            .drain(..)
            .for_each(|reader| drop(reader.join()));
        status
    }

    /// Closes the standard input, which the foreign clients take as the wish that they end.
    pub fn close_stdin(&mut self) {
        drop(self.child.stdin.take());
    }
}

impl Output {
    fn follow(self: &Arc<Self>, pipe: impl Read + Send + 'static) -> JoinHandle<()> {
        let output = Arc::clone(self);
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).split(b'\n') {
                let Ok(line) = line else { break };
                let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                output.lines.lock().expect("no reader panics").push(line);
                output.changed.notify_all();
            }
        })
    }
}

impl std::fmt::Display for Process {
    /// Its last words, for the message of a failed test.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lines = self.lines();
        for line in &lines[lines.len().saturating_sub(80)..] {
            writeln!(f, "    {} | {line}", self.name)?;
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
