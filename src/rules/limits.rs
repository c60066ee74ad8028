//! Every limit of the rule language, with its unit and its reason.

/// Longest expression, in bytes. Cloudflare takes 4,096 characters; four times as much leaves room for sets
/// that other tools wrote into the rule, and is parsed in well under a millisecond.
pub const MAX_EXPRESSION_BYTES: usize = 16_384;

/// Deepest nesting of parentheses, `not` and calls, each of which is a call of the parser: 128, as the
/// open-source engine allows. The parser then needs less than half a megabyte of stack in a debug build.
pub const MAX_NESTING: usize = 128;

/// Longest string in an expression or a list, in bytes, unescaped: as long as what Cloudflare takes for a
/// whole expression.
pub const MAX_STRING_BYTES: usize = 4_096;

/// Most elements of a set in an expression. What is longer is a list with a name, which several rules share.
pub const MAX_SET_ELEMENTS: usize = 1_024;

/// Most elements of a list: 100,000 address ranges are 3.4 MB, and the largest public block lists fit.
pub const MAX_LIST_ELEMENTS: usize = 100_000;

/// Most lists of a scheme. Each is looked up by its name while rules are parsed.
pub const MAX_LISTS: usize = 256;

/// Longest name of a list, in bytes, as Cloudflare's API has it.
pub const MAX_LIST_NAME_BYTES: usize = 50;

/// Most fields of a scheme, the built-in ones included. Each takes a place in the facts of each request.
pub const MAX_FIELDS: usize = 1_024;

/// Longest name of a registered field, in bytes: twice the longest built-in one.
pub const MAX_FIELD_NAME_BYTES: usize = 128;

/// Deepest type of a registered field: `Map(Array(Array(Bytes)))`. Built-in fields need three.
pub const MAX_TYPE_DEPTH: usize = 4;

/// Most arguments of one call. Only `concat`, the lookups in JSON and `remove_query_args` take any number.
pub const MAX_ARGUMENTS: usize = 32;

/// Most stars of a wildcard. Each piece between two stars is one search over the rest of the value.
pub const MAX_WILDCARD_STARS: usize = 16;

/// Most references (`${1}`) of a replacement, as Cloudflare documents.
pub const MAX_REFERENCES: usize = 8;

/// Largest automaton of a regular expression, in bytes: the longest alternation that a string has room for
/// takes 160 KB while it is made, case ignored. At the worst, a search takes 0.6 ms for each KiB of automaton
/// and each KiB of value (as a rule, 1 us for each KiB of value): the open-source engine's 10 MiB would be ten
/// minutes for one body.
pub const MAX_REGEX_BYTES: usize = 196_608;

/// What all regular expressions and wildcards of a rule file may take together, in bytes, once compiled.
pub const MAX_REGEX_TOTAL_BYTES: usize = 67_108_864;

/// What one regular expression may keep of the states that it met, for each thread that runs it, in bytes.
/// A request that makes it forget them costs time, in linear bounds, and no memory.
pub const REGEX_CACHE_BYTES: usize = 1_048_576;

/// Deepest nesting inside a regular expression: compiling one takes a call for each level.
pub const MAX_REGEX_NESTING: u32 = 100;

/// Most rules of a rule file: five times what the engine is measured with.
pub const MAX_RULES: usize = 5_000;

/// Largest rule file, in bytes: the most rules, at 1.6 KB each.
pub const MAX_RULE_FILE_BYTES: usize = 8_388_608;

/// Longest id of a rule, in bytes: it is in every event, in metrics and in the binding of a sealed blob.
pub const MAX_RULE_ID_BYTES: usize = 64;

/// Longest description of a rule, in bytes, as Cloudflare's API has it.
pub const MAX_DESCRIPTION_BYTES: usize = 500;
