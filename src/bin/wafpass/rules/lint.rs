//! What a rule file says without meaning it: rules that can never match, or never have their turn.

use std::collections::HashMap;

use wafpass::rules::ast::{
    Comparison, Expr, ExprKind, Literal, LogicalOp, Operand, OperandKind, OrderOp, Shape,
};
use wafpass::rules::functions::Function;
use wafpass::rules::{Builtin, Knows, Rule, Scheme, UriDecoding};

/// Says what is odd about the rules, in order.
pub(super) fn warnings(rules: &[Rule], scheme: &Scheme) -> Vec<String> {
    let mut warnings = Vec::new();
    // The rule behind which no other has its turn, and those that have matched what another asks for again.
    let mut last: Option<&Rule> = None;
    let mut ended: HashMap<(String, UriDecoding), &Rule> = HashMap::new();
    for rule in rules {
        let warn =
            |text: String| format!("line {}: rule {} {text}", rule.line, rule.id.escape_debug());
        if !rule.enabled {
            warnings.push(warn("is not enabled".into()));
            continue;
        }
        let told = Told { scheme };
        let key = (told.text(&rule.expression), rule.uri_decoding);
        let always = told.constant(&rule.expression);
        if always == Some(false) {
            warnings.push(warn("can never match".into()));
        } else if let Some(last) = last {
            let id = last.id.escape_debug();
            warnings.push(warn(format!("never has its turn: rule {id} matches every request")));
        } else if let Some(same) = ended.get(&key) {
            let id = same.id.escape_debug();
            warnings.push(warn(format!("never has its turn: rule {id} asks for the same")));
        }
        if rule.action.ends() && last.is_none() {
            if always == Some(true) {
                last = Some(rule);
            }
            ended.entry(key).or_insert(rule);
        }
    }
    warnings
}

/// What can be told of a condition without a request.
struct Told<'s> {
    scheme: &'s Scheme,
}

impl Told<'_> {
    fn text(&self, expression: &Expr) -> String {
        expression.display(self.scheme).to_string()
    }

    /// The answer, where it is the same for every request. `None` where it is not, and where that is not
    /// told.
    fn constant(&self, expression: &Expr) -> Option<bool> {
        if expression.shape != Shape::One {
            return None;
        }
        match &expression.kind {
            ExprKind::Logical { op, operands } => self.joined(*op, operands),
            ExprKind::Not(operand) => self.constant(operand).map(|truth| !truth),
            ExprKind::Compare { operand, comparison } => self.compared(operand, comparison),
            _ => None,
        }
    }

    fn joined(&self, op: LogicalOp, operands: &[Expr]) -> Option<bool> {
        let answers = || operands.iter().map(|operand| self.constant(operand));
        let decides = match op {
            LogicalOp::And => false,
            LogicalOp::Or => true,
            _ => return None,
        };
        let contradicts = || decides == (op == LogicalOp::Or) && self.has_opposites(operands);
        let excludes = || op == LogicalOp::And && has_two_values(operands);
        if answers().any(|answer| answer == Some(decides)) || contradicts() || excludes() {
            return Some(decides);
        }
        answers().all(|answer| answer == Some(!decides)).then_some(!decides)
    }

    /// `a` and `not a`.
    fn has_opposites(&self, operands: &[Expr]) -> bool {
        let texts: Vec<_> = operands.iter().map(|operand| self.text(operand)).collect();
        operands.iter().any(|operand| match &operand.kind {
            ExprKind::Not(inside) => {
                let inside = self.text(inside);
                texts.contains(&inside)
            }
            _ => false,
        })
    }

    fn compared(&self, operand: &Operand, comparison: &Comparison) -> Option<bool> {
        match comparison {
            Comparison::Contains(bytes) if bytes.is_empty() && self.is_always_there(operand) => {
                Some(true)
            }
            Comparison::Order { op, literal: Literal::Int(number) }
                if is_never_negative(operand, self.scheme) =>
            {
                match op {
                    OrderOp::GreaterOrEqual if *number <= 0 => Some(true),
                    OrderOp::Greater if *number < 0 => Some(true),
                    OrderOp::Less if *number <= 0 => Some(false),
                    OrderOp::LessOrEqual if *number < 0 => Some(false),
                    OrderOp::Equal if *number < 0 => Some(false),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn is_always_there(&self, operand: &Operand) -> bool {
        let OperandKind::Field(field) = &operand.kind else { return false };
        let knows = self.scheme.field_at(*field).map(|field| field.knows());
        let may_lack = [Builtin::BodyMime, Builtin::IpSrc, Builtin::IpSrcCountry];
        let is_there = |builtin| !may_lack.contains(&builtin);
        operand.path.is_empty()
            && matches!(knows, Some(Knows::Request(builtin)) if is_there(builtin))
    }
}

/// `a eq "x"` and `a eq "y"` of one value.
fn has_two_values(operands: &[Expr]) -> bool {
    let equal: Vec<_> = operands.iter().filter_map(equals).collect();
    equal.iter().enumerate().any(|(place, (one, value))| {
        equal.iter().skip(place + 1).any(|(other, another)| one == other && value != another)
    })
}

/// The field, with its steps, and the literal that it is to equal.
fn equals(expression: &Expr) -> Option<((usize, String), &Literal)> {
    let ExprKind::Compare { operand, comparison } = &expression.kind else { return None };
    let Comparison::Order { op: OrderOp::Equal, literal } = comparison else { return None };
    let OperandKind::Field(field) = &operand.kind else { return None };
    (expression.shape == Shape::One)
        .then(|| ((field.index(), format!("{:?}", operand.path)), literal))
}

fn is_never_negative(operand: &Operand, scheme: &Scheme) -> bool {
    match &operand.kind {
        OperandKind::Field(field) => {
            let sizes = [Builtin::BodySize, Builtin::TimestampSec, Builtin::TimestampMsec];
            let knows = scheme.field_at(*field).map(|field| field.knows());
            matches!(knows, Some(Knows::Request(builtin)) if sizes.contains(&builtin))
        }
        // Of a value that is there always: what is missing has no length.
        OperandKind::Call(call) if call.function == Function::Len => {
            call.arguments.first().is_some_and(|argument| match argument {
                wafpass::rules::ast::Argument::Operand(operand) => {
                    Told { scheme }.is_always_there(operand)
                }
                _ => false,
            })
        }
        _ => false,
    }
}
