//! Fields and calls, and the steps into them.

use super::{Parser, hint};
use crate::rules::ast::{Call, Operand, OperandKind, Shape, Span, Step};
use crate::rules::error::Fault;
use crate::rules::functions::Function;
use crate::rules::lexer;
use crate::rules::types::Type;

impl Parser<'_> {
    /// A field or a call, indexed or not.
    pub(super) fn operand(&mut self) -> Result<Box<Operand>, Fault> {
        self.cursor.skip_space();
        let start = self.cursor.at();
        let mut operand = self.named()?;
        while self.cursor.peek() == Some('[') {
            self.step(&mut operand)?;
            operand.span = self.cursor.span(start);
        }
        Ok(operand)
    }

    /// A name, and the call of it if it is a function's.
    fn named(&mut self) -> Result<Box<Operand>, Fault> {
        let start = self.cursor.at();
        let name = self.cursor.word();
        if name.is_empty() {
            return Err(hint::no_operand(&self.cursor));
        }
        self.cursor.eat(name);
        let span = self.cursor.span(start);
        if let Some((id, field)) = self.scheme.field(name) {
            return Ok(operand(OperandKind::Field(id), field.ty().clone(), span));
        }
        self.cursor.skip_space();
        let called = self.cursor.eat("(");
        match Function::from_name(name).filter(|_| called) {
            Some(function) => {
                self.enter(start)?;
                let call = self.call(function, start)?;
                self.leave();
                Ok(of_call(call))
            }
            None => Err(hint::unknown_name(span, name, called, self.scheme)),
        }
    }

    /// `[0]`, `["key"]` or `[*]`.
    fn step(&mut self, operand: &mut Operand) -> Result<(), Fault> {
        let start = self.cursor.at();
        self.cursor.eat("[");
        self.cursor.skip_space();
        let step = match self.cursor.peek() {
            Some('*') => {
                self.cursor.next();
                Step::Each
            }
            Some('"' | 'r') => Step::Key(lexer::string(&mut self.cursor)?),
            Some('0'..='9') => self.index()?,
            _ => return Err(hint::no_index(&self.cursor)),
        };
        self.cursor.skip_space();
        if !self.cursor.eat("]") {
            let fault = format!("a `]` belongs here, and {}", self.cursor.found());
            return self.cursor.fault(
                self.cursor.token(),
                fault,
                "an index is like [0], [\"name\"] or [*]",
            );
        }
        operand.ty = match (&operand.ty, &step) {
            (Type::Array(element), Step::At(_) | Step::Each)
            | (Type::Map(element), Step::Key(_) | Step::Each) => (**element).clone(),
            (ty, step) => return Err(hint::no_such_step(self.cursor.span(start), ty, step)),
        };
        if step == Step::Each {
            operand.shape = Shape::Each;
        }
        operand.path.push(step);
        Ok(())
    }

    fn index(&mut self) -> Result<Step, Fault> {
        let start = self.cursor.at();
        let index = lexer::int(&mut self.cursor)?;
        match u32::try_from(index) {
            Ok(index) => Ok(Step::At(index)),
            Err(_) => {
                let fault = format!("no array is so long as to have an element {index}");
                self.cursor.fault(
                    self.cursor.span(start),
                    fault,
                    format!("the last index is {}", u32::MAX),
                )
            }
        }
    }
}

fn of_call(call: Call) -> Box<Operand> {
    let (ty, span) = (call.ty.clone(), call.span.clone());
    operand(OperandKind::Call(call), ty, span)
}

fn operand(kind: OperandKind, ty: Type, span: Span) -> Box<Operand> {
    Box::new(Operand { kind, path: Vec::new(), ty, shape: Shape::One, span })
}
