//! The functions, once more, in as few words as can be.

use base64ct::{Base64, Base64Unpadded, Encoding};
use sha2::{Digest, Sha256};
use wafpass::rules::Value;
use wafpass::rules::functions::Function;

type Given<'a> = &'a [Option<Value<'static>>];

fn bytes(given: Given<'_>, at: usize) -> Option<Vec<u8>> {
    match given.get(at)? {
        Some(Value::Bytes(bytes)) => Some(bytes.to_vec()),
        _ => None,
    }
}

fn int(given: Given<'_>, at: usize) -> Option<i64> {
    match given.get(at)? {
        Some(Value::Int(int)) => Some(*int),
        _ => None,
    }
}

fn array(given: Given<'_>, at: usize) -> Option<Vec<Value<'static>>> {
    match given.get(at)? {
        Some(Value::Array(values)) => Some(values.clone()),
        Some(Value::Map(map)) => {
            Some(map.iter().map(|(_, value)| super::naive::owned(value)).collect())
        }
        _ => None,
    }
}

fn of(bytes: impl Into<Vec<u8>>) -> Option<Value<'static>> {
    Some(Value::Bytes(bytes.into().into()))
}

/// What a function gives.
pub(crate) fn compute(function: Function, given: Given<'_>) -> Option<Value<'static>> {
    if function == Function::Concat {
        return concat(given);
    }
    if given.iter().any(Option::is_none) {
        return None;
    }
    match function {
        Function::Lower => of(bytes(given, 0)?.to_ascii_lowercase()),
        Function::Upper => of(bytes(given, 0)?.to_ascii_uppercase()),
        Function::Len => Some(Value::Int(match bytes(given, 0) {
            Some(bytes) => bytes.len() as i64,
            None => array(given, 0)?.len() as i64,
        })),
        Function::Substring => {
            let value = bytes(given, 0)?;
            let length = value.len() as i64;
            let place =
                |index: i64| if index < 0 { (index + length).max(0) } else { index.min(length) };
            let start = place(int(given, 1)?);
            let end = int(given, 2).map_or(length, place);
            of((start..end).map(|at| value[at as usize]).collect::<Vec<_>>())
        }
        Function::RemoveBytes => {
            let removed = bytes(given, 1)?;
            of(bytes(given, 0)?
                .into_iter()
                .filter(|byte| !removed.contains(byte))
                .collect::<Vec<_>>())
        }
        Function::UrlDecode => {
            let mut value = decoded(&bytes(given, 0)?);
            if bytes(given, 1).is_some() {
                while decoded(&value) != value {
                    value = decoded(&value);
                }
            }
            of(value)
        }
        Function::Join => {
            let separator = bytes(given, 1)?;
            let items = array(given, 0)?;
            let items = items.iter().map(|item| match item {
                Value::Bytes(bytes) => bytes.to_vec(),
                other => panic!("{other:?}"),
            });
            of(items.collect::<Vec<_>>().join(&separator[..]))
        }
        Function::Split => {
            let text = String::from_utf8_lossy(&bytes(given, 0)?).into_owned();
            // Texts at random may not be UTF-8; then byte by byte, as Latin-1.
            let text: String = match String::from_utf8(bytes(given, 0)?) {
                Ok(_) => text
                    .chars()
                    .flat_map(|char| char.to_string().into_bytes())
                    .map(char::from)
                    .collect(),
                Err(error) => error.into_bytes().into_iter().map(char::from).collect(),
            };
            let separator: String = bytes(given, 1)?.into_iter().map(char::from).collect();
            let parts = text.splitn(int(given, 2)? as usize, &separator);
            let latin = |part: &str| part.chars().map(|char| char as u8).collect::<Vec<_>>();
            Some(Value::Array(parts.map(|part| of(latin(part)).unwrap()).collect()))
        }
        Function::StartsWith => Some(Value::Bool(bytes(given, 0)?.starts_with(&bytes(given, 1)?))),
        Function::EndsWith => Some(Value::Bool(bytes(given, 0)?.ends_with(&bytes(given, 1)?))),
        Function::HasKey => match &given[0] {
            Some(Value::Map(map)) => {
                Some(Value::Bool(map.iter().any(|(key, _)| key == bytes(given, 1).unwrap())))
            }
            _ => None,
        },
        Function::HasValue => {
            let wanted = given[1].clone()?;
            Some(Value::Bool(array(given, 0)?.contains(&wanted)))
        }
        Function::EncodeBase64 => of(Base64Unpadded::encode_string(&bytes(given, 0)?)),
        Function::DecodeBase64 => decode_base64(&bytes(given, 0)?),
        Function::Sha256 => of(Sha256::digest(bytes(given, 0)?).to_vec()),
        Function::ToString => of(match given[0].clone()? {
            Value::Bool(value) => value.to_string(),
            Value::Int(value) => value.to_string(),
            Value::Ip(value) => value.to_string(),
            other => panic!("{other:?}"),
        }),
        Function::Cidr => {
            let Some(Value::Ip(ip)) = given[0] else { return None };
            let masked = |octets: &[u8], bits: i64| -> Vec<u8> {
                let octet = |(at, octet): (usize, &u8)| {
                    (0..8)
                        .filter(|bit| (at as i64) * 8 + bit < bits)
                        .fold(0, |sum, bit| sum | (octet & (0x80 >> bit)))
                };
                octets.iter().enumerate().map(octet).collect()
            };
            Some(Value::Ip(match ip {
                std::net::IpAddr::V4(ip) => {
                    let octets: [u8; 4] = masked(&ip.octets(), int(given, 1)?).try_into().unwrap();
                    octets.into()
                }
                std::net::IpAddr::V6(ip) => {
                    let octets: [u8; 16] = masked(&ip.octets(), int(given, 2)?).try_into().unwrap();
                    octets.into()
                }
            }))
        }
        Function::BitSlice => {
            let bits: String = bytes(given, 0)?.iter().map(|byte| format!("{byte:08b}")).collect();
            let slice = bits.get(int(given, 1)? as usize..int(given, 2)? as usize)?;
            Some(Value::Int(i64::from_str_radix(slice, 2).unwrap()))
        }
        Function::LookupJsonString => {
            let document = json(given)?;
            of(document.as_str()?)
        }
        Function::LookupJsonInteger => json(given)?.as_i64().map(Value::Int),
        Function::RegexReplace => {
            // The pattern is `a(b*)`, the replacement `<${1}>`.
            let value = bytes(given, 0)?;
            let Some(start) = value.iter().position(|byte| *byte == b'a') else { return of(value) };
            let count = value[start + 1..].iter().take_while(|byte| **byte == b'b').count();
            let end = start + 1 + count;
            of([&value[..start], b"<", &value[start + 1..end], b">", &value[end..]].concat())
        }
        Function::WildcardReplace => {
            // The wildcard is `*a*`, the replacement `${2}x${1}`.
            let value = bytes(given, 0)?;
            let Some(at) = value.iter().position(|byte| byte.eq_ignore_ascii_case(&b'a')) else {
                return of(value);
            };
            of([&value[at + 1..], b"x", &value[..at]].concat())
        }
        other => panic!("{other:?} is not generated"),
    }
}

fn concat(given: Given<'_>) -> Option<Value<'static>> {
    let given: Vec<_> = given.iter().filter(|value| value.is_some()).cloned().collect();
    match given.first()? {
        Some(Value::Bytes(_)) => {
            of((0..given.len()).flat_map(|at| bytes(&given, at).unwrap()).collect::<Vec<_>>())
        }
        _ => {
            Some(Value::Array((0..given.len()).flat_map(|at| array(&given, at).unwrap()).collect()))
        }
    }
}

fn decoded(value: &[u8]) -> Vec<u8> {
    let hex = |at: usize| value.get(at).and_then(|digit| char::from(*digit).to_digit(16));
    let mut out = Vec::new();
    let mut at = 0;
    while at < value.len() {
        match (value[at], hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 2;
            }
            (b'+', ..) => out.push(b' '),
            (byte, ..) => out.push(byte),
        }
        at += 1;
    }
    out
}

fn decode_base64(value: &[u8]) -> Option<Value<'static>> {
    let text: String =
        value.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).map(char::from).collect();
    let text = text.replace('-', "+").replace('_', "/");
    let digits = text.trim_end_matches('=');
    let missing = (4 - digits.len() % 4) % 4;
    // Bits that are left over do not count.
    let filled = format!("{digits}{}", "A".repeat(missing));
    if missing == 3 {
        return None;
    }
    let mut decoded = Base64::decode_vec(&filled).ok()?;
    decoded.truncate(decoded.len() - missing);
    of(decoded)
}

fn json(given: Given<'_>) -> Option<serde_json::Value> {
    let mut document: serde_json::Value = serde_json::from_slice(&bytes(given, 0)?).ok()?;
    for at in 1..given.len() {
        document = match bytes(given, at) {
            Some(name) => document.get(String::from_utf8(name).unwrap())?.clone(),
            None => document.get(int(given, at)? as usize)?.clone(),
        };
    }
    Some(document)
}
