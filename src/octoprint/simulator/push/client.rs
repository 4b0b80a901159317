//! What a client asks of its socket.

use serde_json::Value;

/// One message from the client, as far as OctoPrint understands it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request {
    Auth { name: String, session: String },
    Throttle(u32),
    Subscribe(Subscription),
}

/// What the client wants to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Subscription {
    pub state: bool,
    pub logs: bool,
    pub messages: bool,
    pub plugins: bool,
    pub events: Events,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Events {
    All,
    Only(Vec<String>),
}

impl Default for Subscription {
    /// Who never subscribes gets all.
    fn default() -> Self {
        Self {
            state: true,
            logs: true,
            messages: true,
            plugins: true,
            events: Events::All,
        }
    }
}

impl Subscription {
    pub(super) fn wants_event(&self, name: &str) -> bool {
        match &self.events {
            Events::All => true,
            Events::Only(names) => names.iter().any(|wanted| wanted == name),
        }
    }
}

impl Request {
    /// `None` for what OctoPrint ignores with a line in its log.
    pub(super) fn read(text: &str) -> Option<Self> {
        let message: Value = serde_json::from_str(text).ok()?;
        if let Some(auth) = message.get("auth") {
            let (name, session) = auth.as_str()?.split_once(':')?;
            return (!session.contains(':')).then(|| Self::Auth {
                name: name.to_owned(),
                session: session.to_owned(),
            });
        }
        if let Some(throttle) = message.get("throttle") {
            let factor = u32::try_from(throttle.as_u64()?).ok()?;
            return (factor > 0).then_some(Self::Throttle(factor));
        }
        let wanted = message.get("subscribe")?.as_object()?;
        let state = wanted.get("state");
        Some(Self::Subscribe(Subscription {
            state: is_wanted(state),
            logs: is_wanted(state.map(|state| state.get("logs").unwrap_or(state))),
            messages: is_wanted(state.map(|state| state.get("messages").unwrap_or(state))),
            plugins: is_wanted(wanted.get("plugins")),
            events: match wanted.get("events") {
                Some(Value::Bool(true)) => Events::All,
                Some(Value::Array(names)) => Events::Only(
                    names
                        .iter()
                        .filter_map(|name| name.as_str().map(str::to_owned))
                        .collect(),
                ),
                _ => Events::Only(Vec::new()),
            },
        }))
    }
}

/// A list or a pattern is taken as "everything".
fn is_wanted(value: Option<&Value>) -> bool {
    !matches!(value, None | Some(Value::Null | Value::Bool(false)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_understood_is_ignored() {
        for nonsense in [
            "",
            "[1]",
            "{}",
            r#"{"auth":"no colon"}"#,
            r#"{"auth":"one:two:three"}"#,
            r#"{"auth":7}"#,
            r#"{"throttle":0}"#,
            r#"{"throttle":-1}"#,
            r#"{"throttle":"2"}"#,
            r#"{"subscribe":true}"#,
        ] {
            assert_eq!(Request::read(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn a_subscription_names_all_that_is_wanted() {
        let read = |text: &str| match Request::read(text) {
            Some(Request::Subscribe(subscription)) => subscription,
            other => panic!("{other:?}"),
        };
        let quiet = read(
            r#"{"subscribe":{"state":{"logs":false,"messages":false},"plugins":false,"events":["PrintDone"]}}"#,
        );
        assert!(quiet.state && !quiet.logs && !quiet.messages && !quiet.plugins);
        assert!(quiet.wants_event("PrintDone") && !quiet.wants_event("ZChange"));
        assert_eq!(
            read(r#"{"subscribe":{"state":true,"plugins":true,"events":true}}"#),
            Subscription::default()
        );
        let nothing = read(r#"{"subscribe":{"events":false}}"#);
        assert!(!nothing.state && !nothing.plugins && !nothing.wants_event("PrintDone"));
    }
}
