//! The controls of one simulated printer, for tests: what no request over HTTP can do.

use std::sync::Arc;

use super::clock::Clock;
use super::http::endpoint::Endpoint;
use super::http::fault::{Fault, Scope};
use super::member::Member;
use super::printer::Printer;
use super::printer::command::{Command, Refusal};
use super::printer::sensors::Reading;
use super::printer::state::{PrinterError, State};
use super::push::fault::{Prank, PushFault};

/// In whose name [`Handle::command`] acts.
const HANDLE_USER: &str = "admin";

/// Controls one printer. Everything takes effect at once, at the virtual time of the call.
#[derive(Debug, Clone)]
pub struct Handle {
    member: Arc<Member>,
    clock: Clock,
}

impl Handle {
    pub(super) fn new(member: Arc<Member>, clock: Clock) -> Self {
        Self { member, clock }
    }

    /// The printer does nothing by its own will any more; what was begun ends.
    pub fn stop_script(&self) {
        self.with(Printer::stop_script);
    }

    /// The printer follows its script again.
    pub fn resume_script(&self) {
        self.with(Printer::resume_script);
    }

    /// Gives a command as over HTTP.
    ///
    /// # Errors
    /// As OctoPrint refuses it.
    pub fn command(&self, command: Command) -> Result<(), Refusal> {
        self.with(|printer| printer.obey(command, HANDLE_USER))
    }

    /// The state that a request would be told now.
    pub fn state(&self) -> State {
        self.member.printer(&self.clock).state().clone()
    }

    /// Nothing is left to print: the running job finishes at once, a paused one as soon as it goes on.
    pub fn skip_to_end(&self) {
        self.by_hand(Printer::skip_to_end);
    }

    /// Switches the printer off; its OctoPrint lives on.
    pub fn unplug(&self) {
        self.by_hand(Printer::disconnect);
    }

    /// The printer stops with an error: "Error", then "Offline after error".
    pub fn fail(&self, error: PrinterError) {
        self.by_hand(|printer| printer.fail(error));
    }

    /// The OctoPrint server restarts in no time: no job, printer operational, no session, all sockets closed without
    /// a word. For the time in which it cannot be reached, [inject](Self::inject) a fault.
    pub fn restart_server(&self) {
        self.member.push.restart();
        self.by_hand(Printer::restart_server);
    }

    /// The firmware asks for other filament: an event and nothing else.
    pub fn ask_for_filament(&self) {
        self.with(Printer::ask_for_filament);
    }

    /// Reports exactly this for a sensor, also one that the printer does not have.
    pub fn set_sensor(&self, name: &str, actual: Option<f64>, target: Option<f64>) {
        self.with(|printer| {
            let reading = Reading { actual, target };
            printer.sensors_mut().replace(name, reading);
        });
    }

    /// Leaves a sensor out of all reports.
    pub fn remove_sensor(&self, name: &str) {
        self.with(|printer| printer.sensors_mut().remove(name));
    }

    /// Reports no temperatures: `"temperature": {}`.
    pub fn withhold_temperatures(&self) {
        self.with(|printer| printer.sensors_mut().withhold());
    }

    /// Takes back all that was done to the sensors.
    pub fn restore_sensors(&self) {
        self.with(|printer| printer.sensors_mut().restore());
    }

    /// The firmware goes silent: state, progress and temperatures stand still, and so does the time of the samples.
    pub fn freeze(&self) {
        self.with(Printer::freeze);
    }

    /// The printer catches up with all that it missed.
    pub fn thaw(&self) {
        self.with(Printer::thaw);
    }

    /// No key is known any more.
    pub fn revoke_keys(&self) {
        self.member.accept_keys(false);
    }

    /// Takes back [`Self::revoke_keys`].
    pub fn restore_keys(&self) {
        self.member.accept_keys(true);
    }

    /// Misbehaves at all endpoints until [healed](Self::heal).
    pub fn inject(&self, fault: Fault) {
        self.member.inject(Scope::Everywhere, fault);
    }

    /// Misbehaves at one endpoint until [healed](Self::heal).
    pub fn inject_at(&self, endpoint: Endpoint, fault: Fault) {
        self.member.inject(Scope::Only(endpoint), fault);
    }

    /// The push sockets misbehave until [healed](Self::heal).
    pub fn inject_push(&self, fault: PushFault) {
        self.member.push.inject(fault);
    }

    /// Something is done once, on every socket that is open.
    pub fn play(&self, prank: Prank) {
        self.member.push.play(prank);
    }

    /// Closes all sockets now, without a farewell.
    pub fn cut(&self) {
        self.member.push.cut();
    }

    /// Push sockets open now. Logins are [answers](Self::answers) with 200, upgrades are those with 101.
    pub fn sockets(&self) -> usize {
        self.member.push.sockets()
    }

    /// Messages sent on all sockets together.
    pub fn frames(&self) -> u64 {
        self.member.push.frames()
    }

    /// Ends all faults.
    pub fn heal(&self) {
        self.member.heal();
    }

    /// Requests received at an endpoint, answered or not.
    pub fn requests(&self, endpoint: Endpoint) -> u64 {
        self.member.ledger.requests(endpoint)
    }

    /// Answers given with this status by all endpoints together.
    pub fn answers_with(&self, status: u16) -> u64 {
        self.member.ledger.answers_with(status)
    }

    /// Answers given with this status at an endpoint.
    pub fn answers(&self, endpoint: Endpoint, status: u16) -> u64 {
        self.member.ledger.answers(endpoint, status)
    }

    fn with<T>(&self, act: impl FnOnce(&mut Printer) -> T) -> T {
        self.member.act(&self.clock, act)
    }

    fn by_hand(&self, act: impl FnOnce(&mut Printer)) {
        self.with(|printer| {
            act(printer);
            printer.let_go();
        });
    }
}
