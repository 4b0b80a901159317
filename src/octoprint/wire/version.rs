//! `GET /api/version`: what runs on the other side, and whether it is an OctoPrint or one of its imitators.

use serde_json::Value;

use super::text;
use crate::machine::Software;

/// Who answers, as far as it changes how the answers are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::octoprint) enum Flavour {
    #[default]
    OctoPrint,
    /// Prusa's firmware imitates the interface, but tells completion as 0 to 1.
    PrusaLink,
}

impl Flavour {
    pub(in crate::octoprint) fn of(software: &Software) -> Self {
        match &software.text {
            Some(text) if text.starts_with("PrusaLink") => Self::PrusaLink,
            _ => Self::OctoPrint,
        }
    }
}

pub(in crate::octoprint) fn software(answer: &Value) -> Software {
    Software {
        server: text(&answer["server"]),
        api: text(&answer["api"]),
        text: text(&answer["text"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_text_tells_the_flavour() {
        let flavour =
            |text: &str| Flavour::of(&software(&json!({"server": "1.5.0", "text": text})));
        assert_eq!(flavour("OctoPrint 1.11.8"), Flavour::OctoPrint);
        assert_eq!(flavour("OctoPrint (Moonraker 0.11.0)"), Flavour::OctoPrint);
        assert_eq!(flavour("PrusaLink"), Flavour::PrusaLink);
        assert_eq!(Flavour::of(&Software::default()), Flavour::OctoPrint);
    }
}
