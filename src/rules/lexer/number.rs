//! Integers: `10`, `-10`, `0x1f`, and `017`, which is octal.

use super::{Cursor, cut, is_of_word};
use crate::rules::error::Fault;

/// An integer.
pub(in crate::rules) fn int(cursor: &mut Cursor<'_>) -> Result<i64, Fault> {
    let start = cursor.at();
    let negative = cursor.eat("-");
    let digits = cursor.take_while(is_of_word);
    if cursor.rest().starts_with('.') && !cursor.rest().starts_with("..") {
        cursor.take_while(|next| is_of_word(next) || next == '.');
        let fault = format!("{} is not an integer", cut(cursor.since(start)));
        return cursor.fault(cursor.span(start), fault, "write a whole number");
    }
    let (digits, radix) = match digits.strip_prefix("0x") {
        Some(digits) if !negative => (digits, 16),
        _ if !negative && digits.len() > 1 && digits.starts_with('0') => (digits, 8),
        _ => (digits, 10),
    };
    let written = cursor.since(start);
    if digits.is_empty() {
        return not_there(cursor, start, written);
    }
    if !digits.chars().all(|digit| digit.is_digit(radix)) {
        let (fault, way_out) = misspelt(written, radix, negative);
        return cursor.fault(cursor.span(start), fault, way_out);
    }
    // The sign is read with the digits: the least integer has no positive counterpart.
    let signed = if negative { written } else { digits };
    i64::from_str_radix(signed, radix).or_else(|_| {
        let way_out = format!("the least is {}, the greatest {}", i64::MIN, i64::MAX);
        cursor.fault(cursor.span(start), format!("{} does not fit an Int", cut(written)), way_out)
    })
}

/// An integer, or two with `..` between them; the ends, both included.
pub(in crate::rules) fn int_range(cursor: &mut Cursor<'_>) -> Result<(i64, i64), Fault> {
    let start = cursor.at();
    let first = int(cursor)?;
    if cursor.peek() == Some('-') {
        return cursor.fault(
            cursor.token(),
            "a range has two dots",
            format!("write {first}..; or a space before the -"),
        );
    }
    if !cursor.eat("..") {
        return Ok((first, first));
    }
    let last = int(cursor)?;
    if last < first {
        let way_out = format!("write {last}..{first}");
        return cursor.fault(cursor.span(start), "the range descends", way_out);
    }
    Ok((first, last))
}

fn not_there(cursor: &Cursor<'_>, start: usize, written: &str) -> Result<i64, Fault> {
    let way_out = "integers are like 10, -10, 0x1f or 017 (octal)";
    if !written.is_empty() {
        return cursor.fault(
            cursor.span(start),
            format!("{} has no digits", cut(written)),
            way_out,
        );
    }
    let way_out = match cursor.peek() {
        Some('"') => "this value is an Int: write the number without quotes",
        Some('{') => "a set stands after `in`",
        _ => way_out,
    };
    cursor.fault(
        cursor.token(),
        format!("an integer belongs here, and {}", cursor.found()),
        way_out,
    )
}

fn misspelt(written: &str, radix: u32, negative: bool) -> (String, &'static str) {
    let written = cut(written);
    match radix {
        8 => {
            (format!("{written} is not octal, which a leading 0 stands for"), "drop the leading 0")
        }
        16 => (format!("{written} is not hexadecimal"), "its digits are 0 to 9 and a to f"),
        _ if negative => {
            (format!("{written} is not an integer"), "only decimal integers are negative")
        }
        _ => (
            format!("{written} is not an integer"),
            "integers are like 10, -10, 0x1f or 017 (octal)",
        ),
    }
}
