//! An expression as text, which parses to the same expression again.

use std::fmt::{self, Display, Formatter, Write};

use super::ast::{
    Argument, Call, Comparison, Expr, ExprKind, Literal, LogicalOp, Operand, OperandKind, OrderOp,
    Quantifier, Step,
};
use super::lexer::{self, Cursor};
use super::scheme::Scheme;

impl Expr {
    /// The expression as text: one line, operators as symbols and words of one kind, no parentheses that
    /// do nothing. With the scheme it was parsed with, it parses to the same expression again.
    pub fn display<'e>(&'e self, scheme: &'e Scheme) -> impl Display + 'e {
        Shown { expression: self, scheme }
    }
}

struct Shown<'e> {
    expression: &'e Expr,
    scheme: &'e Scheme,
}

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { expression, scheme } = *self;
        match &expression.kind {
            ExprKind::Logical { op, operands } => {
                for (place, operand) in operands.iter().enumerate() {
                    if place > 0 {
                        write!(f, " {op} ")?;
                    }
                    // Flat chains hold no chain of their own operator; one that binds less is in parentheses.
                    let loose =
                        matches!(&operand.kind, ExprKind::Logical { op: own, .. } if own < op);
                    self.write(f, operand, loose)?;
                }
                Ok(())
            }
            ExprKind::Not(operand) => {
                f.write_str("not ")?;
                self.write(f, operand, matches!(operand.kind, ExprKind::Logical { .. }))
            }
            ExprKind::Quantified { quantifier, operand } => {
                write!(f, "{quantifier}(")?;
                self.write(f, operand, false)?;
                f.write_str(")")
            }
            ExprKind::Compare { operand, comparison } => {
                write_operand(f, operand, scheme)?;
                f.write_str(" ")?;
                write_comparison(f, comparison, scheme)
            }
            ExprKind::Truth(operand) => write_operand(f, operand, scheme),
        }
    }
}

impl Shown<'_> {
    fn write(&self, f: &mut Formatter<'_>, expression: &Expr, in_parentheses: bool) -> fmt::Result {
        let shown = Shown { expression, scheme: self.scheme };
        if in_parentheses { write!(f, "({shown})") } else { write!(f, "{shown}") }
    }
}

fn write_operand(f: &mut Formatter<'_>, operand: &Operand, scheme: &Scheme) -> fmt::Result {
    match &operand.kind {
        // A field of another scheme has no name here.
        OperandKind::Field(id) => {
            f.write_str(scheme.field_at(*id).map_or("?", |field| field.name()))?
        }
        OperandKind::Call(call) => write_call(f, call, scheme)?,
    }
    for step in &operand.path {
        match step {
            Step::At(index) => write!(f, "[{index}]")?,
            Step::Each => f.write_str("[*]")?,
            Step::Key(key) => {
                f.write_str("[")?;
                write_string(f, key)?;
                f.write_str("]")?;
            }
        }
    }
    Ok(())
}

fn write_call(f: &mut Formatter<'_>, call: &Call, scheme: &Scheme) -> fmt::Result {
    write!(f, "{}(", call.function.name())?;
    for (place, argument) in call.arguments.iter().enumerate() {
        if place > 0 {
            f.write_str(", ")?;
        }
        match argument {
            Argument::Operand(operand) => write_operand(f, operand, scheme)?,
            Argument::Literal(literal) => write!(f, "{literal}")?,
        }
    }
    f.write_str(")")
}

fn write_comparison(
    f: &mut Formatter<'_>,
    comparison: &Comparison,
    scheme: &Scheme,
) -> fmt::Result {
    match comparison {
        Comparison::Order { op, literal } => write!(f, "{op} {literal}"),
        Comparison::BitwiseAnd(bits) => write!(f, "& {bits}"),
        Comparison::Contains(bytes) => {
            f.write_str("contains ")?;
            write_string(f, bytes)
        }
        Comparison::Matches(pattern) => {
            f.write_str("matches ")?;
            write_regex(f, pattern)
        }
        Comparison::Wildcard { pattern, case } => {
            write!(f, "{case} ")?;
            write_string(f, pattern)
        }
        Comparison::InInts(ranges) => write_set(f, ranges, write_range),
        Comparison::InIps(ranges) => write_set(f, ranges, write_range),
        Comparison::InBytes(values) => write_set(f, values, |f, value| write_string(f, value)),
        Comparison::InList(id) => {
            write!(f, "in ${}", scheme.list_at(*id).map_or("?", |(name, _)| name))
        }
    }
}

fn write_set<T>(
    f: &mut Formatter<'_>,
    elements: &[T],
    write: impl Fn(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    f.write_str("in {")?;
    for (place, element) in elements.iter().enumerate() {
        if place > 0 {
            f.write_str(" ")?;
        }
        write(f, element)?;
    }
    f.write_str("}")
}

fn write_range<T: Display + PartialEq>(
    f: &mut Formatter<'_>,
    (first, last): &(T, T),
) -> fmt::Result {
    if first == last { write!(f, "{first}") } else { write!(f, "{first}..{last}") }
}

/// Quoted: text as it is, what is not text or not seen as `\xHH`.
fn write_string(f: &mut Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    f.write_str("\"")?;
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '"' | '\\' => write!(f, "\\{character}")?,
                character if is_seen(character) => f.write_char(character)?,
                character => write_bytes(f, character.encode_utf8(&mut [0; 4]).as_bytes())?,
            }
        }
        write_bytes(f, chunk.invalid())?;
    }
    f.write_str("\"")
}

fn write_bytes(f: &mut Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))
}

/// Whether a reader sees a character as itself.
fn is_seen(character: char) -> bool {
    let mut escaped = character.escape_debug();
    character == '\'' || escaped.len() == 1 && escaped.next() == Some(character)
}

/// Quoted where that can say it, else raw.
fn write_regex(f: &mut Formatter<'_>, pattern: &str) -> fmt::Result {
    let quoted = quoted_regex(pattern);
    let read = lexer::regex(&mut Cursor::new(&quoted));
    if read.is_ok_and(|read| read.pattern == pattern) {
        return f.write_str(&quoted);
    }
    // What only a raw string can say came from one, so that its hashes are few enough.
    let hashes = (0..)
        .map(|count| "#".repeat(count))
        .find(|hashes| !pattern.contains(&format!("\"{hashes}")));
    let hashes = hashes.unwrap_or_default();
    write!(f, "r{hashes}\"{pattern}\"{hashes}")
}

fn quoted_regex(pattern: &str) -> String {
    let mut quoted = String::from("\"");
    let mut in_class = false;
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                quoted.push('\\');
                quoted.extend(characters.next());
                continue;
            }
            '"' if !in_class => quoted.push('\\'),
            '[' => in_class = true,
            ']' => in_class = false,
            _ => {}
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => write!(f, "{number}"),
            Self::Bytes(bytes) => write_string(f, bytes),
            Self::Ip(address) => write!(f, "{address}"),
        }
    }
}

impl Display for LogicalOp {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Or => "or",
            Self::Xor => "xor",
            Self::And => "and",
        })
    }
}

impl Display for Quantifier {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "any",
            Self::All => "all",
        })
    }
}

impl Display for OrderOp {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        })
    }
}

#[cfg(test)]
mod tests;
