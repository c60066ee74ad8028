//! From text to a typed expression, by recursive descent: one function for each production.

mod argument;
mod call;
mod comparison;
mod hint;
mod logical;
mod operand;

use super::ast::{Expr, Shape};
use super::error::{Fault, ParseError};
use super::lexer::Cursor;
use super::limits::{MAX_EXPRESSION_BYTES, MAX_NESTING};
use super::scheme::Scheme;

/// Reads an expression: what it names has to be in the scheme, and its types have to fit.
///
/// ```
/// use wafpass::rules::{Scheme, parse};
///
/// # fn main() -> Result<(), wafpass::rules::ParseError> {
/// let scheme = Scheme::default();
/// let rule = parse(r#"http.host eq "shop" and any(lower(http.request.headers.names[*])[*] == "x")"#, &scheme)?;
/// assert_eq!(
///     rule.display(&scheme).to_string(),
///     r#"http.host == "shop" and any(lower(http.request.headers.names[*])[*] == "x")"#
/// );
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`ParseError`]: the place, what is wrong there, and the way out.
pub fn parse(text: &str, scheme: &Scheme) -> Result<Expr, ParseError> {
    parse_measured(text, scheme).map(|parsed| parsed.expression)
}

/// An expression, and what its regular expressions and wildcards take.
pub(super) struct Parsed {
    pub(super) expression: Expr,
    pub(super) regex_bytes: usize,
}

pub(super) fn parse_measured(text: &str, scheme: &Scheme) -> Result<Parsed, ParseError> {
    let mut parser =
        Parser { cursor: Cursor::new(text), scheme, depth: 0, groups: 0, regex_bytes: 0 };
    let expression = parser.whole(text).map_err(|fault| ParseError::new(text, fault))?;
    Ok(Parsed { expression, regex_bytes: parser.regex_bytes })
}

/// The state of one reading.
struct Parser<'p> {
    cursor: Cursor<'p>,
    scheme: &'p Scheme,
    /// Parentheses, `not` and calls around the cursor.
    depth: usize,
    /// The last group of the pattern that was read last, which a replacement may name.
    groups: usize,
    /// What the regular expressions and wildcards so far take, compiled.
    regex_bytes: usize,
}

impl Parser<'_> {
    fn whole(&mut self, text: &str) -> Result<Expr, Fault> {
        if text.len() > MAX_EXPRESSION_BYTES {
            let fault = format!(
                "the expression has {} bytes, and {MAX_EXPRESSION_BYTES} are the most",
                text.len()
            );
            return Err(Fault::new(0..0, fault, "put long sets into a list: in $name"));
        }
        self.cursor.skip_space();
        if self.cursor.is_at_end() {
            return Err(Fault::new(
                0..0,
                "the expression is empty",
                "say what is to match, such as ip.src in {192.0.2.0/24}",
            ));
        }
        let expression = self.logical()?;
        self.cursor.skip_space();
        if !self.cursor.is_at_end() {
            return Err(hint::behind(&self.cursor));
        }
        match expression.shape {
            Shape::One => Ok(*expression),
            Shape::Each => Err(Fault::new(
                expression.span,
                "the expression gives an answer for each of several values, and a rule needs one",
                "write any(…) around it where one is enough, all(…) where each has to hold",
            )),
        }
    }

    /// One level deeper, until [`leave`](Self::leave). After a fault nobody reads on, so that nobody leaves.
    fn enter(&mut self, start: usize) -> Result<(), Fault> {
        if self.depth >= MAX_NESTING {
            return Err(hint::too_deep(start));
        }
        self.depth += 1;
        Ok(())
    }

    const fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Counts what a regular expression or a wildcard takes.
    const fn count(&mut self, bytes: usize) {
        self.regex_bytes = self.regex_bytes.saturating_add(bytes);
    }
}
