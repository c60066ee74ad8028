//! Arguments of calls: a value of the request, or a literal.

use super::call::Given;
use super::{Parser, hint};
use crate::rules::ast::{Argument, Case, Literal, Shape, Span};
use crate::rules::error::Fault;
use crate::rules::functions::{Check, Function, Parameter, Signature, Source};
use crate::rules::lexer;
use crate::rules::regex::Regex;
use crate::rules::replacement::Replacement;
use crate::rules::types::Type;
use crate::rules::wildcard::Wildcard;

impl Parser<'_> {
    /// An argument for a parameter; `first` is the type of the first argument, behind it.
    pub(super) fn argument(
        &mut self,
        parameter: &Parameter,
        first: Option<&Type>,
        signature: &Signature,
    ) -> Result<Box<Given>, Fault> {
        let literal = self.literal_type(parameter, first);
        let is_key = signature.takes_key() && first.is_none();
        if is_key && literal != Some(Type::Bytes) {
            return Err(hint::not_a_key(&self.cursor, signature));
        }
        let given = match literal {
            Some(ty) => self.given_literal(ty)?,
            None => Given::operand(*self.operand()?),
        };
        self.check_argument(&given, parameter, first, signature)?;
        Ok(given)
    }

    fn given_literal(&mut self, ty: Type) -> Result<Box<Given>, Fault> {
        let start = self.cursor.at();
        let argument = Argument::Literal(self.literal(&ty)?);
        Ok(Box::new(Given { argument, ty, shape: Shape::One, span: self.cursor.span(start) }))
    }

    /// Whether an argument is of the parameter's type and source, and a literal what is asked of it.
    fn check_argument(
        &mut self,
        given: &Given,
        parameter: &Parameter,
        first: Option<&Type>,
        signature: &Signature,
    ) -> Result<(), Fault> {
        let of_first = first.unwrap_or(&given.ty);
        if !parameter.takes.takes(&given.ty, of_first) {
            return Err(hint::argument_of_other_type(given, parameter, of_first, signature));
        }
        let span = given.span.clone();
        match (&given.argument, parameter.source) {
            (Argument::Literal(_), Source::Request) => {
                Err(hint::literal_argument(span, parameter, signature))
            }
            (Argument::Operand(_), Source::Literal) => {
                Err(hint::operand_argument(span, parameter, signature))
            }
            (Argument::Literal(literal), _) => {
                self.check(literal, parameter, span, signature.function)
            }
            (Argument::Operand(_), _) => Ok(()),
        }
    }

    /// The type of the literal that starts here, if one does.
    fn literal_type(&self, parameter: &Parameter, first: Option<&Type>) -> Option<Type> {
        let rest = self.cursor.rest();
        let next = self.cursor.peek()?;
        let raw = rest.strip_prefix('r').is_some_and(|rest| rest.starts_with(['"', '#']));
        if matches!(next, '"' | '\'') || raw {
            return Some(Type::Bytes);
        }
        let takes_ip = parameter.takes.takes(&Type::Ip, first.unwrap_or(&Type::Ip));
        if takes_ip && is_address(rest) {
            return Some(Type::Ip);
        }
        // `ab.cd` may be a field; `ab:cd` is none.
        let bytes =
            lexer::is_byte_string(rest) && (next.is_ascii_digit() || rest.get(2..3) != Some("."));
        let range = rest.get(2..4) == Some("..");
        match next {
            _ if bytes && !range => Some(Type::Bytes),
            '0'..='9' | '-' => Some(Type::Int),
            _ => None,
        }
    }

    /// What is asked of a literal.
    fn check(
        &mut self,
        literal: &Literal,
        parameter: &Parameter,
        span: Span,
        function: Function,
    ) -> Result<(), Fault> {
        match (parameter.check, literal) {
            (Check::Between(least, most), Literal::Int(number))
                if !(least..=most).contains(number) =>
            {
                let fault = format!("{number} is no {} of {}", parameter.name, function.name());
                Err(Fault::new(span, fault, format!("write a number from {least} to {most}")))
            }
            (Check::NotEmpty, Literal::Bytes(bytes)) if bytes.is_empty() => {
                let fault = format!("the {} of {} is empty", parameter.name, function.name());
                Err(Fault::new(span, fault, "write at least one byte"))
            }
            (Check::Flags(known), Literal::Bytes(flags)) if !are_flags(flags, known) => {
                let fault = format!("these are no {} of {}", parameter.name, function.name());
                let letters: Vec<_> = known.chars().map(String::from).collect();
                Err(Fault::new(
                    span,
                    fault,
                    format!("the letters are {}, each once", letters.join(" and ")),
                ))
            }
            (Check::Regex, Literal::Bytes(pattern)) => self.check_regex(pattern, span),
            (Check::Wildcard, Literal::Bytes(pattern)) => {
                let checked = Wildcard::new(pattern, Case::Ignored);
                let wildcard = checked.map_err(|error| Fault::of(span, &error))?;
                self.count(wildcard.memory_usage());
                self.groups = wildcard.stars();
                Ok(())
            }
            (Check::Replacement, Literal::Bytes(text)) => {
                let checked = Replacement::parse(text, self.groups);
                checked.map(|_| ()).map_err(|error| Fault::of(span, &error))
            }
            _ => Ok(()),
        }
    }

    fn check_regex(&mut self, pattern: &[u8], span: Span) -> Result<(), Fault> {
        let Ok(pattern) = std::str::from_utf8(pattern) else {
            let way_out = "write \\\\xff in a quoted string, \\xff in a raw one: the escape is the regular expression's";
            return Err(Fault::new(span, "the regular expression is not UTF-8", way_out));
        };
        let regex = Regex::capturing(pattern);
        let regex = regex.map_err(|error| Fault::new(span, error.fault(), error.way_out()))?;
        self.count(regex.memory_usage());
        self.groups = regex.groups() - 1;
        Ok(())
    }
}

/// Whether what stands here begins like an address: digits and a dot, or hexadecimal digits and a colon.
fn is_address(rest: &str) -> bool {
    let rest_of = |is_of: fn(&char) -> bool| rest.chars().find(|next| !is_of(next));
    let (decimal, hexadecimal) = (rest_of(char::is_ascii_digit), rest_of(char::is_ascii_hexdigit));
    hexadecimal == Some(':')
        || decimal == Some('.') && rest.starts_with(|next: char| next.is_ascii_digit())
}

fn are_flags(flags: &[u8], known: &str) -> bool {
    let once = |flag: &u8| flags.iter().filter(|other| *other == flag).count() == 1;
    flags.iter().all(|flag| known.as_bytes().contains(flag) && once(flag))
}
