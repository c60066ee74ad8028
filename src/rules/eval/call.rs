//! Calls functions: takes the arguments' values apart, and puts the origin of the result together.

use std::borrow::Cow;
use std::iter::once;
use std::net::IpAddr;
use std::ops::{ControlFlow, Range};

use super::flow::{self, Flow, Item};
use super::tracer::{Subject, Tracer};
use super::{operand, walk};
use crate::rules::facts::Facts;
use crate::rules::functions::limits::{MAX_MADE_BYTES, MAX_MADE_ELEMENTS};
use crate::rules::functions::written::{How, Pieces};
use crate::rules::functions::{self, JsonKey};
use crate::rules::program::{Argument, Call, Work};

/// A value, or none, and where it comes from.
type Found<'v, T> = (Option<Flow<'v, T>>, <T as Tracer<'v>>::Origin);

/// The result of a call. All arguments are evaluated, in order, also after one that has no value.
pub(super) fn call<'v, T: Tracer<'v>>(
    call: &'v Call,
    facts: &'v Facts<'v>,
    tracer: T,
) -> Found<'v, T> {
    let first = argument(&call.first, facts, tracer);
    // Few arguments need no room of their own.
    match &*call.rest {
        [] => with_rest(call, first, &[]),
        [a] => with_rest(call, first, &[argument(a, facts, tracer)]),
        [a, b] => with_rest(call, first, &[argument(a, facts, tracer), argument(b, facts, tracer)]),
        rest => {
            let rest = rest.iter().map(|given| argument(given, facts, tracer));
            with_rest(call, first, &rest.collect::<Vec<_>>())
        }
    }
}

fn with_rest<'v, T: Tracer<'v>>(
    call: &'v Call,
    (value, origin): Found<'v, T>,
    rest: &[Found<'v, T>],
) -> Found<'v, T> {
    let mut room = MAX_MADE_BYTES;
    let each = match &call.first {
        Argument::Operand(first) => &first.each[..],
        Argument::Int(_) | Argument::Bytes(_) | Argument::Ip(_) => &[],
    };
    if each.is_empty() {
        return apply(call, value, origin, rest, &mut room);
    }
    let given = Given { call, origin, rest };
    let Some(container) = value else { return given.made(|_| None) };
    // For each element; where there is no result, there is no element.
    let mut items = Vec::new();
    let _ = walk(container, given.origin.clone(), each, &mut |value, origin| {
        let (value, origin) = apply::<T>(call, Some(value), origin, rest, &mut room);
        items.extend(value.map(|value| Item { value, origin }));
        ControlFlow::Continue(())
    });
    given.made(|_| Some(Flow::Made(items)))
}

fn argument<'v, T: Tracer<'v>>(
    argument: &'v Argument,
    facts: &'v Facts<'v>,
    tracer: T,
) -> Found<'v, T> {
    match argument {
        Argument::Operand(of) => operand(of, facts, tracer),
        Argument::Int(int) => (Some(Flow::Int(*int)), T::of_rule()),
        Argument::Bytes(bytes) => (Some(Flow::Bytes(Cow::Borrowed(bytes))), T::of_rule()),
        Argument::Ip(ip) => (Some(Flow::Ip(*ip)), T::of_rule()),
    }
}

/// The result for one first argument. Where an argument is missing that is needed, so is the result.
fn apply<'v, T: Tracer<'v>>(
    call: &'v Call,
    value: Option<Flow<'v, T>>,
    origin: T::Origin,
    rest: &[Found<'v, T>],
    room: &mut usize,
) -> Found<'v, T> {
    let given = Given { call, origin, rest };
    match &call.work {
        Work::Lower => given.of_bytes(value, |value, pieces| Some(functions::lower(value, pieces))),
        Work::Upper => given.of_bytes(value, |value, pieces| Some(functions::upper(value, pieces))),
        Work::Substring => given.of_bytes(value, |value, pieces| {
            let (start, end) = (given_int(rest, 0)?, rest.get(1).map(|_| given_int(rest, 1)));
            let end = if let Some(end) = end { Some(end?) } else { None };
            Some(functions::substring(value, start, end, pieces))
        }),
        Work::RemoveBytes(removed) => given
            .of_bytes(value, |value, pieces| Some(functions::remove_bytes(value, removed, pieces))),
        Work::RemoveQueryArgs(names) => given.of_bytes(value, |value, pieces| {
            let is_removed = |name: &[u8]| names.iter().any(|removed| removed == name);
            Some(functions::remove_query_args(value, is_removed, pieces))
        }),
        Work::UrlDecode(options) => given
            .of_bytes(value, |value, pieces| Some(functions::url_decode(value, *options, pieces))),
        Work::DecodeBase64 => {
            given.of_bytes(value, |value, pieces| functions::decode_base64(&value, pieces))
        }
        Work::EncodeBase64(options) => given.of_bytes(value, |value, pieces| {
            Some(functions::encode_base64(&value, *options, pieces))
        }),
        Work::LookupJsonString => given.of_bytes(value, |value, pieces| {
            functions::lookup_string(&value, &json_keys(rest)?, pieces)
        }),
        Work::RegexReplace(regex, replacement) => given.of_bytes(value, |value, pieces| {
            let replaced = functions::regex_replace(value, regex, replacement, *room, pieces);
            Some(within(room, replaced))
        }),
        Work::WildcardReplace(wildcard, replacement) => given.of_bytes(value, |value, pieces| {
            let replaced = functions::wildcard_replace(value, wildcard, replacement, *room, pieces);
            Some(within(room, replaced))
        }),
        Work::Sha256 => {
            given.condensed(|pieces| Some(Flow::Bytes(functions::sha256(&bytes(value)?, pieces))))
        }
        Work::Sha512 => {
            given.condensed(|pieces| Some(Flow::Bytes(functions::sha512(&bytes(value)?, pieces))))
        }
        Work::Uuidv4 => {
            given.condensed(|pieces| functions::uuidv4(&bytes(value)?, pieces).map(Flow::Bytes))
        }
        Work::Len => given.condensed(|pieces| {
            let value = value?;
            let length = length(&value);
            if let Flow::Bytes(bytes) = value {
                note_text::<T>(&length, 0..bytes.len(), pieces);
            }
            Some(Flow::Int(length))
        }),
        Work::IsTimedHmacValid(hmac) => given.condensed(|pieces| {
            let (token, now_s) = (bytes(value)?, given_int(rest, 0)?);
            let is_valid = hmac.is_valid(&token, now_s);
            note_text::<T>(&is_valid, 0..token.len(), pieces);
            Some(Flow::Bool(is_valid))
        }),
        Work::BitSlice { start, end } => given.made(|pieces| {
            let value = bytes(value)?;
            let slice = functions::bit_slice(&value, *start, *end)?;
            note_text::<T>(&slice, 0..value.len(), pieces);
            Some(Flow::Int(slice))
        }),
        Work::LookupJsonInteger => given.made(|pieces| {
            let (integer, token) = functions::lookup_integer(&bytes(value)?, &json_keys(rest)?)?;
            note_text::<T>(&integer, token, pieces);
            Some(Flow::Int(integer))
        }),
        Work::Cidr { v4_bits, v6_bits } => given.made(|pieces| {
            let Some(Flow::Ip(address)) = value else { return None };
            let network: IpAddr = functions::cidr(address, *v4_bits, *v6_bits)?;
            if T::RECORDS {
                note_text::<T>(&network, 0..address.to_string().len(), pieces);
            }
            Some(Flow::Ip(network))
        }),
        Work::ToString => given.made(|pieces| {
            let text = value?.text().into_bytes();
            pieces.next(text.len(), 0, 0..text.len(), How::Aligned);
            Some(Flow::Bytes(Cow::Owned(text)))
        }),
        Work::StartsWith => {
            given.end_of(value, |value, start| value.starts_with(start).then_some(0..start.len()))
        }
        Work::EndsWith => given.end_of(value, |value, end| {
            value.ends_with(end).then(|| value.len().saturating_sub(end.len())..value.len())
        }),
        Work::HasKey => given.has_key(value),
        Work::HasValue => given.has_value(value),
        Work::Split(separator, limit) => given.split(value, separator, *limit),
        Work::Join => given.join(value, room),
        Work::Concat => given.concat(value, room),
    }
}

/// A call with the arguments' origins.
struct Given<'v, 'g, T: Tracer<'v>> {
    call: &'v Call,
    origin: T::Origin,
    rest: &'g [Found<'v, T>],
}

impl<'v, T: Tracer<'v>> Given<'v, '_, T> {
    fn origins(&self) -> impl Iterator<Item = &T::Origin> {
        once(&self.origin).chain(self.rest.iter().map(|(_, origin)| origin))
    }

    /// What was made of the arguments, and which bytes of them.
    fn made(&self, work: impl FnOnce(&mut T::Pieces) -> Option<Flow<'v, T>>) -> Found<'v, T> {
        let mut pieces = T::Pieces::default();
        let result = work(&mut pieces);
        (result, T::called(self.call.function, self.origins(), pieces))
    }

    /// Bytes of bytes.
    fn of_bytes(
        &self,
        value: Option<Flow<'v, T>>,
        work: impl FnOnce(Cow<'v, [u8]>, &mut T::Pieces) -> Option<Cow<'v, [u8]>>,
    ) -> Found<'v, T> {
        self.made(|pieces| work(bytes(value)?, pieces).map(Flow::Bytes))
    }

    /// What tells nothing of the arguments in clear.
    fn condensed(&self, work: impl FnOnce(&mut T::Pieces) -> Option<Flow<'v, T>>) -> Found<'v, T> {
        let mut pieces = T::Pieces::default();
        let result = work(&mut pieces);
        (result, T::condensed(self.call.function, self.origins(), pieces))
    }

    /// A Bool that says something of these values.
    fn said(
        &self,
        holds: bool,
        pieces: T::Pieces,
        subjects: impl FnOnce() -> Vec<Subject<'v, T>>,
    ) -> Found<'v, T> {
        let origin = T::said_of(self.call.function, self.origins(), pieces, subjects);
        (Some(Flow::Bool(holds)), origin)
    }

    /// `starts_with` and `ends_with`.
    fn end_of(
        &self,
        value: Option<Flow<'v, T>>,
        end: impl FnOnce(&[u8], &[u8]) -> Option<Range<usize>>,
    ) -> Found<'v, T> {
        let Some((value, wanted)) = bytes(value).zip(given_bytes(self.rest, 0)) else {
            return self.made(|_| None);
        };
        let found = end(&value, wanted);
        let is_there = found.is_some();
        let mut pieces = T::Pieces::default();
        note_text::<T>(&is_there, 0..value.len(), &mut pieces);
        self.said(is_there, pieces, || vec![(Flow::Bytes(value), self.origin.clone(), found)])
    }

    fn has_key(&self, value: Option<Flow<'v, T>>) -> Found<'v, T> {
        let (Some(Flow::Map(map)), Some(key)) = (value, given_bytes(self.rest, 0)) else {
            return self.made(|_| None);
        };
        let member = map.get(key);
        self.said(member.is_some(), T::Pieces::default(), || {
            let origin = T::under(&self.origin, key, member);
            member.map(|member| (Flow::of(member), origin, None)).into_iter().collect()
        })
    }

    fn has_value(&self, value: Option<Flow<'v, T>>) -> Found<'v, T> {
        let (Some(collection), Some((Some(wanted), _))) = (value, self.rest.first()) else {
            return self.made(|_| None);
        };
        let (mut equal, mut other) = (Vec::new(), Vec::new());
        let mut is_there = false;
        let _ = flow::each(collection, &self.origin, &mut |value, origin| {
            let is_it = is_same(&value, wanted);
            is_there |= is_it;
            if T::RECORDS {
                if is_it { &mut equal } else { &mut other }.push((value, origin, None));
            } else if is_it {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        self.said(is_there, T::Pieces::default(), || if is_there { equal } else { other })
    }

    fn split(
        &self,
        value: Option<Flow<'v, T>>,
        separator: &memchr::memmem::Finder<'_>,
        limit: usize,
    ) -> Found<'v, T> {
        let Some(value) = bytes(value) else { return self.made(|_| None) };
        let part = |range| {
            let mut pieces = T::Pieces::default();
            let part = functions::part_of(&value, range, &mut pieces);
            let origin = T::called(self.call.function, once(&self.origin), pieces);
            Item { value: Flow::Bytes(part), origin }
        };
        let parts = functions::split(&value, separator, limit).into_iter().map(part).collect();
        self.made(|_| Some(Flow::Made(parts)))
    }

    fn join(&self, value: Option<Flow<'v, T>>, room: &mut usize) -> Found<'v, T> {
        let (Some(array), Some(separator)) = (value, given_bytes(self.rest, 0)) else {
            return self.made(|_| None);
        };
        let mut items = Vec::new();
        // The array, which the result is logged under, the separator, and then the elements.
        let mut origins: Vec<_> = self.origins().cloned().collect();
        let _ = flow::each(array, &self.origin, &mut |value, origin| {
            if let Flow::Bytes(bytes) = value {
                items.push(bytes);
                origins.push(origin);
            }
            ControlFlow::<()>::Continue(())
        });
        let mut pieces = T::Pieces::default();
        let values = items.iter().map(|item| &**item);
        let joined = within(room, functions::join(values, separator, *room, &mut pieces));
        let origin = T::called(self.call.function, origins.iter(), pieces);
        (Some(Flow::Bytes(joined)), origin)
    }

    /// Of bytes or of arrays; arguments without a value are left out.
    fn concat(&self, value: Option<Flow<'v, T>>, room: &mut usize) -> Found<'v, T> {
        let values = || once(&value).chain(self.rest.iter().map(|(value, _)| value));
        let origins: Vec<_> = values()
            .zip(self.origins())
            .map(|(value, origin)| if value.is_some() { origin.clone() } else { T::of_rule() })
            .collect();
        let mut pieces = T::Pieces::default();
        let made = match values().flatten().next() {
            None => return self.made(|_| None),
            Some(Flow::Bytes(_)) => {
                let bytes = values().enumerate().filter_map(|(argument, value)| match value {
                    Some(Flow::Bytes(bytes)) => Some((argument, &**bytes)),
                    _ => None,
                });
                let made = functions::concat(bytes, *room, &mut pieces);
                Flow::Bytes(within(room, made))
            }
            Some(_) => {
                let arrays = values().zip(&origins);
                let arrays = arrays.filter_map(|(value, origin)| Some((value.clone()?, origin)));
                Flow::Made(self.elements_of(arrays))
            }
        };
        (Some(made), T::called(self.call.function, origins.iter(), pieces))
    }

    /// The elements of arrays, one array after the other.
    fn elements_of<'o>(
        &self,
        arrays: impl Iterator<Item = (Flow<'v, T>, &'o T::Origin)>,
    ) -> Vec<Item<'v, T>>
    where
        T: 'o,
        'v: 'o,
    {
        let mut items = Vec::new();
        for (array, origin) in arrays {
            let _ = flow::each(array, origin, &mut |value, origin| {
                if items.len() >= MAX_MADE_ELEMENTS {
                    return ControlFlow::Break(());
                }
                let origin = T::handed_on(self.call.function, &origin);
                items.push(Item { value, origin });
                ControlFlow::Continue(())
            });
        }
        items
    }
}

/// What was made, with the room that it takes taken.
fn within<'v>(room: &mut usize, made: Cow<'v, [u8]>) -> Cow<'v, [u8]> {
    *room = room.saturating_sub(made.len());
    made
}

/// That a plain value was made of these bytes, for a record: its pieces count in its text.
fn note_text<'v, T: Tracer<'v>>(value: &impl ToString, from: Range<usize>, pieces: &mut T::Pieces) {
    if T::RECORDS {
        pieces.next(value.to_string().len(), 0, from, How::Coarse);
    }
}

fn bytes<'v, T: Tracer<'v>>(value: Option<Flow<'v, T>>) -> Option<Cow<'v, [u8]>> {
    match value {
        Some(Flow::Bytes(bytes)) => Some(bytes),
        _ => None,
    }
}

fn given_bytes<'v, 'g, T: Tracer<'v>>(rest: &'g [Found<'v, T>], at: usize) -> Option<&'g [u8]> {
    match rest.get(at) {
        Some((Some(Flow::Bytes(bytes)), _)) => Some(bytes),
        _ => None,
    }
}

fn given_int<'v, T: Tracer<'v>>(rest: &[Found<'v, T>], at: usize) -> Option<i64> {
    match rest.get(at) {
        Some((Some(Flow::Int(int)), _)) => Some(*int),
        _ => None,
    }
}

fn json_keys<'v, 'g, T: Tracer<'v>>(rest: &'g [Found<'v, T>]) -> Option<Vec<JsonKey<'g>>> {
    let key = |(value, _): &'g Found<'v, T>| match value {
        Some(Flow::Bytes(name)) => Some(JsonKey::Name(Cow::Borrowed(&**name))),
        Some(Flow::Int(index)) => Some(JsonKey::Index(*index)),
        _ => None,
    };
    rest.iter().map(key).collect()
}

fn length<'v, T: Tracer<'v>>(value: &Flow<'v, T>) -> i64 {
    let length = match value {
        Flow::Bytes(bytes) => bytes.len(),
        other => other.elements(),
    };
    i64::try_from(length).unwrap_or(i64::MAX)
}

fn is_same<'v, T: Tracer<'v>>(a: &Flow<'v, T>, b: &Flow<'v, T>) -> bool {
    match (a, b) {
        (Flow::Bytes(a), Flow::Bytes(b)) => a == b,
        (Flow::Int(a), Flow::Int(b)) => a == b,
        (Flow::Ip(a), Flow::Ip(b)) => a == b,
        (Flow::Bool(a), Flow::Bool(b)) => a == b,
        _ => false,
    }
}
