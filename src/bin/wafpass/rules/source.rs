//! Where rules come from, and the fields that they may name.

use std::io::Write;
use std::path::{Path, PathBuf};

use wafpass::rules::{
    Action, ParseError, Rule, RuleFault, RuleFile, RuleFileFault, RuleSet, Scheme, Type,
    UriDecoding, parse,
};

use crate::error::{Fault, shown};
use crate::input;

/// The id of an expression by itself.
pub(super) const EXPRESSION: &str = "expression";

/// A rule set, or all that speaks against it.
pub(super) type Read = Result<RuleSet, Faulty>;

/// Rules that cannot be read as they are written.
pub(super) enum Faulty {
    File(PathBuf, RuleFileFault),
    Expression(ParseError),
}

/// Fields that an application registers.
#[derive(clap::Args)]
pub(super) struct Fields {
    /// A field that the application registers: app.tenant=Bytes.
    #[arg(long = "field", value_name = "NAME=TYPE", value_parser = field)]
    fields: Vec<(String, Type)>,
}

impl Fields {
    pub(super) fn scheme(&self) -> Result<Scheme, Fault> {
        let mut scheme = Scheme::default();
        for (name, ty) in &self.fields {
            scheme
                .register(name, ty.clone())
                .map_err(|error| Fault::two_lines(&error.to_string()))?;
        }
        Ok(scheme)
    }
}

fn field(text: &str) -> Result<(String, Type), String> {
    let (name, ty) = text.split_once('=').ok_or("write NAME=TYPE")?;
    let ty = of_name(ty).ok_or("the types are Bool, Int, Bytes, Ip, Array(…) and Map(…)")?;
    Ok((name.into(), ty))
}

fn of_name(name: &str) -> Option<Type> {
    let inside = |kind: &str| name.strip_prefix(kind)?.strip_suffix(')');
    match name {
        "Bool" => Some(Type::Bool),
        "Int" => Some(Type::Int),
        "Bytes" => Some(Type::Bytes),
        "Ip" => Some(Type::Ip),
        _ => match (inside("Array("), inside("Map(")) {
            (Some(element), _) => Some(of_name(element)?.array()),
            (_, Some(element)) => Some(of_name(element)?.map()),
            _ => None,
        },
    }
}

/// Reads a rule file: JSON by its ending, and TOML otherwise.
pub(super) fn read_file(path: &Path, scheme: &Scheme) -> Result<Result<RuleFile, Faulty>, Fault> {
    let bytes = input::read(path)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let fault = format!(
            "{} is no UTF-8 from byte {} on",
            shown(path),
            error.utf8_error().valid_up_to()
        );
        Fault::new(fault, "write other bytes in a rule as \\xHH")
    })?;
    let is_json = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
    let file = if is_json {
        RuleFile::from_json(&text, scheme)
    } else {
        RuleFile::from_toml(&text, scheme)
    };
    Ok(file.map_err(|fault| Faulty::File(path.to_owned(), fault)))
}

/// A set of one rule that logs.
pub(super) fn of_expression(
    text: &str,
    decoding: UriDecoding,
    scheme: &Scheme,
) -> Result<Read, Fault> {
    if let Err(error) = parse(text, scheme) {
        return Ok(Err(Faulty::Expression(error)));
    }
    let decoding = match decoding {
        UriDecoding::Url => "url",
        _ => "none",
    };
    let file = serde_json::json!({
        "uri_decoding": decoding,
        "rules": [{"id": EXPRESSION, "expression": text, "action": Action::Log.name()}],
    });
    match RuleFile::from_json(&file.to_string(), scheme) {
        Ok(file) => compiled(file).map(Ok),
        Err(fault) => Ok(Err(Faulty::File(PathBuf::from("--expr"), fault))),
    }
}

pub(super) fn compiled(file: RuleFile) -> Result<RuleSet, Fault> {
    RuleSet::compile(file).map_err(|error| Fault::two_lines(&error.to_string()))
}

impl Faulty {
    /// How many faults there are.
    pub(super) fn number(&self) -> usize {
        match self {
            Self::File(_, fault) => fault.faults().len(),
            Self::Expression(_) => 1,
        }
    }

    /// Each fault in two lines, the place of one in an expression between them.
    pub(super) fn print(&self, out: &mut dyn Write) -> Result<(), Fault> {
        self.faults().iter().try_for_each(|fault| writeln!(out, "{fault}").map_err(Fault::from))
    }

    /// The last of the faults, once the others are told.
    pub(super) fn into_fault(self) -> Fault {
        let mut faults = self.faults();
        let last = faults.pop();
        faults.iter().for_each(Fault::print);
        last.unwrap_or_else(|| Fault::new("the rules cannot be read", "wafpass rules check"))
    }

    fn faults(&self) -> Vec<Fault> {
        match self {
            Self::File(path, fault) => {
                fault.faults().iter().map(|fault| of_file(path, fault)).collect()
            }
            Self::Expression(error) => {
                let place = format!("line {}, column {}", error.line(), error.column());
                vec![told(&place, error.fault(), Some(error.excerpt()), error.way_out())]
            }
        }
    }
}

fn of_file(path: &Path, fault: &RuleFault) -> Fault {
    let mut place = format!("{}:{}:{}", shown(path), fault.line(), fault.column());
    if let Some(rule) = fault.rule() {
        place.push_str(&format!(": rule {}", rule.escape_debug()));
    }
    let excerpt = fault.in_expression().map(ParseError::excerpt);
    told(&place, fault.fault(), excerpt, fault.way_out())
}

fn told(place: &str, fault: &str, excerpt: Option<&str>, way_out: &str) -> Fault {
    let excerpt = excerpt.map(|excerpt| format!("\n{excerpt}")).unwrap_or_default();
    Fault::new(format!("{place}: {fault}{excerpt}"), way_out)
}

/// What a rule does, in words.
pub(super) fn action(rule: &Rule) -> String {
    match rule.action {
        Action::Block { status } | Action::Challenge { status } => {
            format!("{} ({status})", rule.action.name())
        }
        other => other.name().into(),
    }
}
