//! From characters to tokens, one at a time: which token may stand at a place depends on the types there.

mod address;
mod number;
mod string;

use super::ast::Span;
use super::error::Fault;

pub(super) use self::address::{address, address_range};
pub(super) use self::number::{int, int_range};
pub(super) use self::string::{bytes, is_byte_string, regex, string};

/// A place in a text, and what follows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Cursor<'t> {
    pub(super) const fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// The offset of the next character.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// From `start` up to here.
    pub(super) const fn span(&self, start: usize) -> Span {
        start..self.at
    }

    /// The text from `start` up to here.
    pub(super) fn since(&self, start: usize) -> &'t str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    pub(super) fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    /// Goes on behind a token, if it stands here.
    pub(super) fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// Goes on behind a word, if it stands here whole.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        self.word() == word && self.eat(word)
    }

    /// The word that stands here: letters, digits, `_`, and `.` between them. May be empty.
    pub(super) fn word(&self) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|next: char| !is_of_word(next) && next != '.').unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or_default();
        // What follows `..` is not of the word, nor is a dot at its end.
        word.split("..").next().unwrap_or_default().trim_end_matches('.')
    }

    /// Goes on behind all characters that `is_of` takes.
    pub(super) fn take_while(&mut self, is_of: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|next: char| !is_of(next)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    pub(super) fn skip_space(&mut self) {
        self.take_while(|next| matches!(next, ' ' | '\t' | '\r' | '\n'));
    }

    /// What stands here, as an error marks it: a word, or one character. At the end of the text, the place
    /// behind its last character that is not a space.
    pub(super) fn token(&self) -> Span {
        let word = self.word().len();
        match self.peek() {
            Some(next) => self.at..self.at + word.max(next.len_utf8()),
            None => {
                let end = self.text.trim_end_matches([' ', '\t', '\r', '\n']).len();
                end..end
            }
        }
    }

    /// What stands here, in words.
    pub(super) fn found(&self) -> String {
        match (self.word(), self.peek()) {
            (_, None) => "the expression ends".into(),
            ("", Some(next)) => format!("there is {}", shown(next)),
            (word, _) => format!("there is {}", cut(word)),
        }
    }

    /// The line and column of an offset, from 1; the column counts characters.
    pub(super) fn place(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        (before.matches('\n').count() + 1, line.chars().count() + 1)
    }

    pub(super) fn fault<T>(
        &self,
        span: Span,
        fault: impl Into<String>,
        way_out: impl Into<String>,
    ) -> Result<T, Fault> {
        Err(Fault::new(span, fault, way_out))
    }
}

pub(super) const fn is_of_word(next: char) -> bool {
    next.is_ascii_alphanumeric() || next == '_'
}

/// A character, as errors name it.
pub(super) fn shown(character: char) -> String {
    match character {
        '`' => "a backtick".into(),
        character => format!("`{}`", plain(character)),
    }
}

/// A character as itself, or its escape where a reader would not see it.
fn plain(character: char) -> String {
    match character {
        '"' | '\'' | '\\' => character.into(),
        character => character.escape_debug().collect(),
    }
}

/// Longest part of the text that a fault repeats, in characters.
const REPEATED: usize = 60;

/// What was written, as errors name it.
pub(super) fn cut(written: &str) -> String {
    format!("`{}`", repeated(written))
}

/// What was written, in one line.
pub(super) fn repeated(written: &str) -> String {
    let short: String = written.chars().take(REPEATED).map(plain).collect();
    let dots = if written.chars().nth(REPEATED).is_some() { "…" } else { "" };
    format!("{short}{dots}")
}
