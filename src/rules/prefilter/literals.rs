//! The bytes that a regular expression cannot match without.

use regex_syntax::hir::{Class, Hir, HirKind};

use crate::rules::regex::read;

/// Most literals of an alternation; a longer one is not waited for.
const MAX_ALTERNATIVES: usize = 64;

/// In lower case, as everything that is waited for.
pub(super) fn folded(bytes: &[u8]) -> Vec<u8> {
    bytes.to_ascii_lowercase()
}

/// Sets of literals, one of each of which stands in every match.
pub(super) fn of_regex(pattern: &str) -> Vec<Vec<Vec<u8>>> {
    read(pattern).map(|hir| of_hir(&hir)).unwrap_or_default()
}

/// The parser bounds how deep expressions nest.
fn of_hir(hir: &Hir) -> Vec<Vec<Vec<u8>>> {
    let mut sets = Vec::new();
    let mut run = Vec::new();
    along(hir, &mut run, &mut sets);
    flush(&mut run, &mut sets);
    sets
}

/// Goes along what a match is made of: bytes that follow each other make a run.
fn along(hir: &Hir, run: &mut Vec<u8>, sets: &mut Vec<Vec<Vec<u8>>>) {
    match hir.kind() {
        HirKind::Empty => {}
        // It takes no bytes, so what stands around it is side by side.
        HirKind::Look(_) => {}
        HirKind::Literal(literal) => run.extend(folded(&literal.0)),
        HirKind::Capture(capture) => along(&capture.sub, run, sets),
        HirKind::Concat(parts) => parts.iter().for_each(|part| along(part, run, sets)),
        HirKind::Class(class) => match one_letter(class) {
            Some(letter) => run.push(letter),
            None => flush(run, sets),
        },
        HirKind::Repetition(repetition) => {
            // Once for certain, and perhaps more of it before what follows.
            if repetition.min > 0 {
                along(&repetition.sub, run, sets);
            }
            if repetition.max != Some(repetition.min) || repetition.min > 1 {
                flush(run, sets);
            }
        }
        HirKind::Alternation(alternatives) => {
            flush(run, sets);
            sets.extend(either(alternatives));
        }
    }
}

fn flush(run: &mut Vec<u8>, sets: &mut Vec<Vec<Vec<u8>>>) {
    if !run.is_empty() {
        sets.push(vec![std::mem::take(run)]);
    }
}

/// The best set of each alternative, together; none where one of them has none.
fn either(alternatives: &[Hir]) -> Option<Vec<Vec<u8>>> {
    let mut together = Vec::new();
    for alternative in alternatives {
        let shortest = |set: &Vec<Vec<u8>>| set.iter().map(Vec::len).min();
        together.extend(of_hir(alternative).into_iter().max_by_key(shortest)?);
    }
    (together.len() <= MAX_ALTERNATIVES).then_some(together)
}

/// The letter that a class is both cases of, or the byte that it is.
fn one_letter(class: &Class) -> Option<u8> {
    let mut bytes = Vec::with_capacity(2);
    match class {
        Class::Bytes(class) => {
            for range in class.ranges() {
                if range.end() - range.start() > 1 {
                    return None;
                }
                bytes.extend([range.start(), range.end()]);
            }
        }
        Class::Unicode(class) => {
            for range in class.ranges() {
                let (start, end) = (u8::try_from(range.start()), u8::try_from(range.end()));
                let (start, end) = (start.ok()?, end.ok()?);
                if !end.is_ascii() || end - start > 1 {
                    return None;
                }
                bytes.extend([start, end]);
            }
        }
    }
    let first = bytes.first()?.to_ascii_lowercase();
    bytes.iter().all(|byte| byte.to_ascii_lowercase() == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets(pattern: &str) -> Vec<Vec<String>> {
        let text = |literal: Vec<u8>| String::from_utf8(literal).unwrap();
        of_regex(pattern).into_iter().map(|set| set.into_iter().map(text).collect()).collect()
    }

    #[test]
    fn what_every_match_has() {
        for (pattern, expected) in [
            ("abc", &[&["abc"][..]][..]),
            (r"(?i)union\s+select", &[&["union"], &["select"]]),
            ("(?i:Ab)C", &[&["abc"]]),
            ("a+bc", &[&["a"], &["bc"]]),
            ("a*bc", &[&["bc"]]),
            ("(ab){2}c", &[&["ab"], &["c"]]),
            ("(foo|bar)baz", &[&["foo", "bar"], &["baz"]]),
            ("foo|ba?", &[&["foo", "b"]]),
            ("foo|.*", &[]),
            (r"^\.git/$", &[&[".git/"]]),
            (r"\bexec\b\(", &[&["exec("]]),
            ("[a-z]+", &[]),
            ("", &[]),
            ("[aA][bB]x?", &[&["ab"]]),
        ] {
            assert_eq!(sets(pattern), expected, "{pattern}");
        }
    }
}
