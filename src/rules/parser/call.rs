//! Calls of functions, checked against their signatures.

use super::{Parser, hint};
use crate::rules::ast::{Argument, Call, Literal, Operand, OperandKind, Shape, Span};
use crate::rules::error::Fault;
use crate::rules::fields::Builtin;
use crate::rules::functions::{Function, Parameter, Signature};
use crate::rules::limits::MAX_ARGUMENTS;
use crate::rules::scheme::Knows;
use crate::rules::types::Type;

/// The widest slice of `bit_slice`, in bits, as Cloudflare documents.
const MAX_SLICE_BITS: i64 = 32;

/// An argument, its type (of each element, where it is mapped), and its place.
pub(super) struct Given {
    pub(super) argument: Argument,
    pub(super) ty: Type,
    pub(super) shape: Shape,
    pub(super) span: Span,
}

impl Given {
    pub(super) fn operand(operand: Operand) -> Box<Self> {
        let (ty, shape, span) = (operand.ty.clone(), operand.shape, operand.span.clone());
        Box::new(Self { argument: Argument::Operand(operand), ty, shape, span })
    }
}

impl Parser<'_> {
    /// A call, from behind its `(`.
    pub(super) fn call(&mut self, function: Function, start: usize) -> Result<Call, Fault> {
        let signature = function.signature();
        let open = self.cursor.at() - 1;
        let given = self.arguments(signature, open)?;
        if given.len() < signature.required.len() {
            return Err(hint::too_few(self.cursor.span(start), given.len(), signature));
        }
        let span = self.cursor.span(start);
        self.check_together(function, &given)?;
        let first =
            given.first().map_or((&Type::Bytes, Shape::One), |first| (&first.ty, first.shape));
        let ty = match (signature.gives.ty(first.0), first.1) {
            (ty, Shape::One) => ty,
            (ty, Shape::Each) => ty.array(),
        };
        let arguments = given.into_iter().map(|given| given.argument).collect();
        Ok(Call { function, arguments, ty, span })
    }

    fn arguments(&mut self, signature: &Signature, open: usize) -> Result<Vec<Given>, Fault> {
        let mut given: Vec<Given> = Vec::new();
        loop {
            self.cursor.skip_space();
            if given.is_empty() && self.cursor.eat(")") {
                return Ok(given);
            }
            let parameter = self.parameter(signature, given.len())?;
            let argument =
                self.argument(parameter, given.first().map(|first| &first.ty), signature)?;
            if argument.shape == Shape::Each && !given.is_empty() {
                return Err(hint::each_behind_first(argument.span));
            }
            given.push(*argument);
            self.cursor.skip_space();
            if !self.cursor.eat(",") {
                return match self.cursor.eat(")") {
                    true => Ok(given),
                    false if signature.takes_key() && given.len() == 1 => {
                        Err(hint::not_a_key(&self.cursor, signature))
                    }
                    false => Err(hint::call_not_closed(&self.cursor, open)),
                };
            }
        }
    }

    fn parameter(
        &self,
        signature: &Signature,
        position: usize,
    ) -> Result<&'static Parameter, Fault> {
        let parameter = signature.parameter(position).filter(|_| position < MAX_ARGUMENTS);
        parameter.ok_or_else(|| hint::too_many(&self.cursor, position, signature))
    }

    /// What cannot be said of one argument by itself.
    fn check_together(&self, function: Function, given: &[Given]) -> Result<(), Fault> {
        match (function, given) {
            (Function::BitSlice, [_, start, end, ..]) => check_slice(start, end),
            (Function::RemoveQueryArgs, [query, ..]) if !self.is_query(&query.argument) => {
                Err(Fault::new(
                    query.span.clone(),
                    "remove_query_args takes the query as it is",
                    "write http.request.uri.query or raw.http.request.uri.query",
                ))
            }
            _ => Ok(()),
        }
    }

    fn is_query(&self, argument: &Argument) -> bool {
        let Argument::Operand(operand) = argument else { return false };
        let OperandKind::Field(field) = operand.kind else { return false };
        let known = self.scheme.field_at(field).map(|field| field.knows());
        matches!(known, Some(Knows::Request(Builtin::Query | Builtin::RawQuery)))
    }
}

fn check_slice(start: &Given, end: &Given) -> Result<(), Fault> {
    let (Argument::Literal(Literal::Int(first)), Argument::Literal(Literal::Int(last))) =
        (&start.argument, &end.argument)
    else {
        return Ok(());
    };
    if (1..=MAX_SLICE_BITS).contains(&(last - first)) {
        return Ok(());
    }
    let fault =
        format!("bit_slice gives 1 to {MAX_SLICE_BITS} bits, and these are {}", last - first);
    Err(Fault::new(
        start.span.start..end.span.end,
        fault,
        "the end is the first bit that does not count",
    ))
}
