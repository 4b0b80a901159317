//! The text of a config file and the places in it: JSON with `//` and `/* */` comments and trailing commas.

use std::path::Path;
use std::sync::Arc;

use jsonc_parser::ast::Value;
use jsonc_parser::errors::{ParseError, ParseErrorKind as Kind};
use jsonc_parser::{
    CollectOptions, ParseOptions, ParseStringErrorKind as StringKind, parse_to_ast,
};

use super::files::{self, ReadError};
use super::mistake::{Place, Position, Report};

/// 16 MiB: some 50,000 machines.
const LARGEST_FILE: u64 = 16 << 20;

/// The text, and where its lines begin.
pub(super) struct Source {
    file: Arc<Path>,
    text: String,
    line_starts: Vec<usize>,
}

impl Source {
    /// `None` is reported.
    pub(super) fn read(path: &Path, report: &mut Report) -> Option<Self> {
        let whole_file = Place {
            file: path.into(),
            position: None,
            path: String::new(),
        };
        let name_another = "name the file with --config FILE";
        match path.metadata() {
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => {
                let start =
                    "write it (config.json.example shows how), or name another with --config FILE";
                report.mistake(&whole_file, "there is no such file", start);
                return None;
            }
            Ok(metadata) if metadata.is_dir() => {
                report.mistake(&whole_file, "this is a folder, not a file", name_another);
                return None;
            }
            _ => {}
        }
        match files::read_text(path, LARGEST_FILE) {
            Ok(text) => Some(Self::new(path, text)),
            Err(why) => {
                let remedy = match why {
                    ReadError::Io(_) => "let the user who runs umati-bridge read it",
                    ReadError::TooLarge(_) => name_another,
                    ReadError::NotText => "save it with the encoding UTF-8",
                };
                report.mistake(&whole_file, format!("this file {why}"), remedy);
                None
            }
        }
    }

    pub(super) fn new(file: &Path, text: String) -> Self {
        let bytes = text.as_bytes();
        let ends = (0..bytes.len()).filter(|&i| match bytes[i] {
            b'\n' => true,
            b'\r' => bytes.get(i + 1) != Some(&b'\n'),
            _ => false,
        });
        Self {
            file: file.into(),
            line_starts: std::iter::once(0).chain(ends.map(|i| i + 1)).collect(),
            text,
        }
    }

    /// The place of the value that begins at this byte.
    pub(super) fn place(&self, offset: usize, path: impl Into<String>) -> Place {
        let line = self.line_starts.partition_point(|&start| start <= offset);
        let line_start = self.line_starts[line - 1];
        Place {
            file: self.file.clone(),
            position: Some(Position {
                line,
                column: self.text[line_start..offset].chars().count() + 1,
            }),
            path: path.into(),
        }
    }

    /// The value in the file; `None` is reported.
    pub(super) fn parse(&self, report: &mut Report) -> Option<Value<'_>> {
        let strict_json_with_comments = ParseOptions {
            allow_comments: true,
            allow_trailing_commas: true,
            allow_loose_object_property_names: false,
            allow_missing_commas: false,
            allow_single_quoted_strings: false,
            allow_hexadecimal_numbers: false,
            allow_unary_plus_numbers: false,
            allow_bare_decimal_point_numbers: false,
            allow_non_finite_numbers: false,
            allow_extended_string_escapes: false,
        };
        match parse_to_ast(
            &self.text,
            &CollectOptions::default(),
            &strict_json_with_comments,
        ) {
            Ok(result) if result.value.is_some() => result.value,
            Ok(_) => {
                let remedy = "write a machine: { \"type\": \"OCTOPRINT\", … } (config.json.example shows how)";
                report.mistake(&self.place(0, ""), "the file is empty", remedy);
                None
            }
            Err(error) => {
                let (what, instead) = self.explain(&error);
                report.mistake(&self.place(error.range().start, ""), what, instead);
                None
            }
        }
    }

    fn explain(&self, error: &ParseError) -> (String, &'static str) {
        let at_error = &self.text[error.range().start..];
        let remedy = match error.kind() {
            _ if at_error.starts_with(['“', '”', '„', '‘', '’']) => {
                "write straight double quotes (\"), not typographic ones"
            }
            Kind::ExpectedComma => "write a comma here",
            Kind::ExpectedColonAfterObjectKey => "write a colon between the key and its value",
            Kind::ExpectedObjectValue => "write a value after the colon",
            Kind::ExpectedStringObjectProperty
            | Kind::SingleQuotedStringsNotAllowed
            | Kind::UnexpectedWord => {
                "put keys and text in double quotes; true, false and null stand without, in lower case"
            }
            Kind::String(StringKind::UnterminatedStringLiteral) => {
                "end the text with a double quote"
            }
            Kind::String(_) => "write each \\ as \\\\; in a Windows path, / works too",
            Kind::UnexpectedCloseBrace | Kind::UnexpectedCloseBracket | Kind::UnexpectedComma => {
                "write the value that is missing before it, or remove it"
            }
            Kind::UnterminatedObject => "close the { that stands here with a }",
            Kind::UnterminatedArray => "close the [ that stands here with a ]",
            Kind::UnterminatedCommentBlock => "close the comment with */",
            Kind::MultipleRootJsonValues => {
                "put several machines into one list: [ { … }, { … } ], and nothing after it"
            }
            Kind::NestingDepthExceeded => "remove brackets: no setting is nested that deeply",
            Kind::HexadecimalNumbersNotAllowed
            | Kind::UnaryPlusNumbersNotAllowed
            | Kind::BareDecimalPointNumbersNotAllowed
            | Kind::NonFiniteNumbersNotAllowed
            | Kind::ExpectedDigit
            | Kind::ExpectedDigitFollowingNegativeSign
            | Kind::ExpectedPlusMinusOrDigitInNumberLiteral => "write a plain number such as 4840",
            _ => "remove what stands here, or put it in double quotes",
        };
        let kind = error.kind().to_string();
        let mut letters = kind.chars();
        let what = letters
            .next()
            .map(|first| first.to_lowercase().chain(letters).collect::<String>());
        (
            format!("this is not JSON: {}", what.unwrap_or_default()),
            remedy,
        )
    }
}
