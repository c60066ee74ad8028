//! The filters that every query takes: `action=block`, `not_action=log`, `path_like=/admin/*`,
//! `client_ip_in=10.0.0.0/8`, `ray_id_prefix=7d0f`, `intake=logpush`, `matched_data=true`.
//!
//! A parameter that stands several times means any of its values; different parameters have to hold all at
//! once.

use std::net::IpAddr;

use ipnet::IpNet;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Type};
use utoipa::openapi::{KnownFormat, RefOr, Required, Schema, SchemaFormat};

use super::Problem;
use super::params::{Parameters, bad, nearest};
use crate::collector::ingest::country;
use crate::collector::limits::{
    MAX_CONDITION_BYTES, MAX_CONDITION_VALUES, MAX_CONDITIONS, MAX_PATTERN_BYTES, MAX_PATTERNS,
};
use crate::collector::query::{Condition, Filter, Sense, Test};
use crate::collector::{Field, FieldKind, FieldValues, Intake};

/// How a parameter compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equals,
    Like,
    Prefix,
    In,
}

impl Comparison {
    const fn suffix(self) -> &'static str {
        match self {
            Self::Equals => "",
            Self::Like => "_like",
            Self::Prefix => "_prefix",
            Self::In => "_in",
        }
    }

    const fn of_kind(kind: FieldKind) -> &'static [Self] {
        match kind {
            FieldKind::Text => &[Self::Equals, Self::Like, Self::Prefix],
            FieldKind::Integer => &[Self::Equals],
            FieldKind::Address => &[Self::Equals, Self::In],
        }
    }
}

/// A parameter that is a condition on a field.
#[derive(Clone, Copy, Debug)]
struct Filtering {
    field: Field,
    comparison: Comparison,
    sense: Sense,
}

impl Filtering {
    fn all() -> impl Iterator<Item = Self> {
        Field::ALL.into_iter().flat_map(|field| {
            let comparisons = Comparison::of_kind(field.kind()).iter();
            comparisons.flat_map(move |&comparison| {
                [Sense::Include, Sense::Exclude].map(|sense| Self { field, comparison, sense })
            })
        })
    }

    fn name(self) -> String {
        let not = if self.sense == Sense::Exclude { "not_" } else { "" };
        format!("{not}{}{}", self.field.column(), self.comparison.suffix())
    }

    fn read(self, name: &str, values: Vec<String>) -> Result<Condition, Problem> {
        if values.len() > MAX_CONDITION_VALUES {
            let way_out = format!("give {MAX_CONDITION_VALUES} at most");
            return Err(bad(name, "it lists too many values", &way_out));
        }
        if values.iter().any(|value| value.len() > MAX_CONDITION_BYTES) {
            let way_out = format!("give {MAX_CONDITION_BYTES} bytes at most");
            return Err(bad(name, "a value is too long", &way_out));
        }
        let test = match self.comparison {
            Comparison::Equals => Test::AnyOf(
                values
                    .iter()
                    .map(|value| canonical(name, self.field, value))
                    .collect::<Result<_, _>>()?,
            ),
            Comparison::Like => Test::Wildcard(values),
            Comparison::Prefix if self.field == Field::ClientCountry => {
                Test::Prefix(values.iter().map(|value| value.to_ascii_uppercase()).collect())
            }
            Comparison::Prefix => Test::Prefix(values),
            Comparison::In => Test::InNetworks(
                values.iter().map(|value| network(name, value)).collect::<Result<_, _>>()?,
            ),
        };
        Ok(Condition { field: self.field, test, sense: self.sense })
    }
}

/// The names of all filter parameters, and some more.
pub(crate) fn names_with(more: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = more.iter().map(|&name| name.to_owned()).collect();
    names.extend(["intake".to_owned(), "matched_data".to_owned()]);
    names.extend(Filtering::all().map(Filtering::name));
    names
}

/// The filter that a request's parameters make.
pub(crate) fn read(parameters: &Parameters) -> Result<Filter, Problem> {
    let mut conditions = Vec::new();
    let mut patterns = Patterns::default();
    for name in parameters.names() {
        if let Some(filtering) = Filtering::all().find(|known| known.name() == name) {
            let values = parameters.all(name).map(str::to_owned).collect();
            let condition = filtering.read(name, values)?;
            patterns.add(name, &condition)?;
            conditions.push(condition);
        }
    }
    if conditions.len() > MAX_CONDITIONS {
        let way_out = format!("filter by {MAX_CONDITIONS} parameters at most");
        let last = parameters.names().last().copied().unwrap_or_default().to_owned();
        return Err(bad(&last, "these are too many conditions", &way_out));
    }
    let intakes = parameters.all("intake").map(intake).collect::<Result<_, _>>()?;
    Ok(Filter { conditions, intakes, matched_data: parameters.truth("matched_data")? })
}

/// What the patterns of a request come to: each is compared with a text of every row.
#[derive(Debug, Default)]
struct Patterns {
    count: usize,
    bytes: usize,
}

impl Patterns {
    fn add(&mut self, name: &str, condition: &Condition) -> Result<(), Problem> {
        let Test::Wildcard(patterns) = &condition.test else { return Ok(()) };
        self.count = self.count.saturating_add(patterns.len());
        self.bytes = patterns.iter().map(String::len).fold(self.bytes, usize::saturating_add);
        if self.count > MAX_PATTERNS {
            let way_out = format!("give {MAX_PATTERNS} at most, all parameters together");
            return Err(bad(name, "these are too many patterns", &way_out));
        }
        if self.bytes > MAX_PATTERN_BYTES {
            let way_out =
                format!("give {MAX_PATTERN_BYTES} bytes at most, all parameters together");
            return Err(bad(name, "these patterns are too long", &way_out));
        }
        Ok(())
    }
}

/// The field that a parameter names.
pub(crate) fn field(name: &str, column: &str) -> Result<Field, Problem> {
    Field::from_column(column).ok_or_else(|| {
        let way_out = match nearest(column, Field::ALL.iter().map(|field| field.column())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "give the name of a filter parameter, such as `action`".to_owned(),
        };
        bad(name, "it names no field", &way_out)
    })
}

fn canonical(name: &str, field: Field, value: &str) -> Result<String, Problem> {
    let text = match field.kind() {
        // As at the doors, so that either spelling finds it.
        FieldKind::Text if field == Field::ClientCountry => Some(country(value).into_owned()),
        FieldKind::Text => Some(value.to_owned()),
        FieldKind::Integer => {
            Some(value.to_owned()).filter(|text| FieldValues::is_valid(field, text))
        }
        FieldKind::Address => {
            value.parse::<IpAddr>().ok().map(|address| address.to_canonical().to_string())
        }
    };
    text.ok_or_else(|| match field.kind() {
        FieldKind::Address => {
            bad(name, "it is no IP address", "for a network ask by `client_ip_in`")
        }
        _ => bad(name, "it is no integer of 32 bits", "give its digits without leading zeros"),
    })
}

// 10.0.0.0/8, or a single address. Bits beyond the prefix are cleared: 10.1.2.3/8 is 10.0.0.0/8.
fn network(name: &str, value: &str) -> Result<IpNet, Problem> {
    let of_address = |address: IpAddr| IpNet::from(address.to_canonical());
    let network = value.parse::<IpNet>().or_else(|_| value.parse::<IpAddr>().map(of_address));
    network
        .map(|network| network.trunc())
        .map_err(|_| bad(name, "it is no network", "give one as 10.0.0.0/8 or 2001:db8::/32"))
}

fn intake(name: &str) -> Result<Intake, Problem> {
    Intake::ALL.into_iter().find(|intake| intake.name() == name).ok_or_else(|| {
        let names = Intake::ALL.map(Intake::name).join(", ");
        bad("intake", "there is no such door", &format!("give one of {names}"))
    })
}

/// The name of a field in the OpenAPI description.
#[derive(Debug)]
pub(crate) struct FieldName;

impl utoipa::PartialSchema for FieldName {
    fn schema() -> RefOr<Schema> {
        let names = Field::ALL.map(Field::column);
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).into()
    }
}

impl utoipa::ToSchema for FieldName {}

/// How the filter parameters stand in the OpenAPI description.
#[derive(Debug)]
pub(crate) struct FilterParameters;

impl utoipa::IntoParams for FilterParameters {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let intakes = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(Intake::ALL.map(Intake::name)));
        let truth = ObjectBuilder::new().schema_type(Type::Boolean);
        let mut all = vec![
            listed("intake", "By which door the event came in; any of them.", intakes.into()),
            parameter(
                "matched_data",
                "Only events with what a rule matched, or only those without.",
                truth,
            )
            .build(),
        ];
        all.extend(Filtering::all().map(|filtering| {
            listed(&filtering.name(), &filtering.description(), filtering.schema())
        }));
        all
    }
}

impl Filtering {
    fn description(self) -> String {
        let sense = match self.sense {
            Sense::Include => "Events whose",
            Sense::Exclude => "Not events whose",
        };
        let name = self.field.name();
        let compares = match self.comparison {
            Comparison::Equals => "is one of these.".to_owned(),
            Comparison::Like => format!(
                "is like one of these: `*` stands for any text, ASCII letters match in either case. \
                 A request has {MAX_PATTERNS} patterns at most, of {MAX_PATTERN_BYTES} bytes together."
            ),
            Comparison::Prefix => "begins with one of these.".to_owned(),
            Comparison::In => "is in one of these networks.".to_owned(),
        };
        format!("{sense} `{name}` {compares}")
    }

    fn schema(self) -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        let schema = match (self.comparison, self.field.kind()) {
            (Comparison::Equals, FieldKind::Integer) => ObjectBuilder::new()
                .schema_type(Type::Integer)
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
                .minimum(Some(0))
                .maximum(Some(u32::MAX)),
            (Comparison::Equals, FieldKind::Address) => return address_schema(),
            (Comparison::In, _) => {
                text.examples(["10.0.0.0/8", "2001:db8::/32"]).pattern(Some(NETWORK))
            }
            _ => text.max_length(Some(MAX_CONDITION_BYTES)),
        };
        schema.into()
    }
}

// Networks as a schema can tell them; the collector tells more exactly.
const NETWORK: &str = r"^((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(/(3[0-2]|[12]?[0-9]))?$|^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))?$";

fn address_schema() -> RefOr<Schema> {
    let of = |format: &str| {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::Custom(format.to_owned())))
    };
    utoipa::openapi::schema::AnyOfBuilder::new().item(of("ipv4")).item(of("ipv6")).into()
}

fn listed(name: &str, description: &str, item: RefOr<Schema>) -> Parameter {
    let list = ArrayBuilder::new().items(item).max_items(Some(MAX_CONDITION_VALUES));
    parameter(name, description, list).style(Some(ParameterStyle::Form)).explode(Some(true)).build()
}

/// A parameter of the query, which may be left out.
pub(crate) fn parameter(
    name: &str,
    description: &str,
    schema: impl Into<RefOr<Schema>>,
) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(query: &str) -> Result<Filter, Problem> {
        read(&Parameters::read(Some(query), &names_with(&[]))?)
    }

    fn only(query: &str) -> Condition {
        let mut conditions = filter(query).unwrap().conditions;
        assert_eq!(conditions.len(), 1, "{query}");
        conditions.remove(0)
    }

    #[test]
    fn a_parameter_that_stands_twice_means_either() {
        let condition = only("action=block&action=log");
        assert_eq!(condition.field, Field::Action);
        assert_eq!(condition.sense, Sense::Include);
        assert_eq!(condition.test, Test::AnyOf(vec!["block".to_owned(), "log".to_owned()]));
        assert_eq!(only("not_action=log").sense, Sense::Exclude);
    }

    #[test]
    fn every_field_has_its_own_comparisons() {
        assert_eq!(only("path_like=/admin/*").test, Test::Wildcard(vec!["/admin/*".to_owned()]));
        assert_eq!(only("not_path_like=*.php").sense, Sense::Exclude);
        assert_eq!(only("ray_id_prefix=7d0f").test, Test::Prefix(vec!["7d0f".to_owned()]));
        let networks = only("client_ip_in=10.1.2.3/8&client_ip_in=2001:db8::1").test;
        let expected = ["10.0.0.0/8", "2001:db8::1/128"].map(|text| text.parse().unwrap());
        assert_eq!(networks, Test::InNetworks(expected.into()));
        for none in ["client_asn_like=1", "client_ip_like=1*", "action_in=10.0.0.0/8", "nope=1"] {
            assert_eq!(filter(none).unwrap_err().kind, "urn:wafpass:unknown-parameter", "{none}");
        }
    }

    #[test]
    fn values_are_canonical_or_refused() {
        assert_eq!(only("client_ip=::ffff:1.2.3.4").test, Test::AnyOf(vec!["1.2.3.4".to_owned()]));
        assert_eq!(
            only("client_ip=2001:DB8:0::1").test,
            Test::AnyOf(vec!["2001:db8::1".to_owned()])
        );
        for wrong in [
            "client_asn=007",
            "client_asn=x",
            "client_ip=1.2.3",
            "client_ip_in=10/8",
            "intake=x",
            "matched_data=1",
        ] {
            assert_eq!(filter(wrong).unwrap_err().kind, "urn:wafpass:bad-parameter", "{wrong}");
        }
        let many = vec!["action=x"; MAX_CONDITION_VALUES + 1].join("&");
        assert!(filter(&many).is_err());
        assert!(filter(&format!("action={}", "x".repeat(MAX_CONDITION_BYTES + 1))).is_err());
    }

    #[test]
    fn a_country_is_found_in_either_spelling() {
        let any = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect();
        let condition = only("client_country=us&client_country=De&client_country=other");
        assert_eq!(condition.test, Test::AnyOf(any(&["US", "DE", "other"])));
        assert_eq!(only("client_country_prefix=u").test, Test::Prefix(any(&["U"])));
        assert_eq!(only("ray_id=ab").test, Test::AnyOf(any(&["ab"])));
    }

    #[test]
    fn patterns_are_counted_together() {
        let patterns = |name: &str, count: usize| vec![format!("{name}=*x*"); count].join("&");
        let both =
            |more| format!("{}&{}", patterns("path_like", 100), patterns("not_host_like", more));
        let three = |more| format!("{}&{}", both(100), patterns("action_like", more));
        assert!(filter(&three(56)).is_ok());
        assert_eq!(
            filter(&three(57)).unwrap_err().detail,
            "`action_like`: these are too many patterns\ngive 256 at most, all parameters together"
        );
        let long = |count: usize| vec![format!("path_like={}", "x".repeat(2_048)); count].join("&");
        assert!(filter(&format!("{}&path_prefix=x", long(8))).is_ok());
        assert_eq!(
            filter(&format!("{}&host_like=*", long(8))).unwrap_err().detail,
            "`host_like`: these patterns are too long\ngive 16384 bytes at most, all parameters together"
        );
    }

    #[test]
    fn no_two_parameters_share_a_name() {
        let names = names_with(&[
            "from",
            "until",
            "limit",
            "cursor",
            "interval_s",
            "group",
            "field",
            "format",
            "at",
        ]);
        let mut once = names.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), names.len());
    }
}
