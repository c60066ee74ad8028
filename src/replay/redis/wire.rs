//! The commands, and what their answers mean.

use std::fmt;
use std::num::NonZeroU8;

use base64ct::{Base64UrlUnpadded, Encoding};
use redis::{Cmd, Value};
use sha2::{Digest, Sha256};

use super::error::ReplayRedisFault as Fault;
use crate::limits::MAX_USES;
use crate::replay::{Admission, Identity};

/// 128 bits of the hash of an identity.
pub(super) const KEY_BYTES: usize = 16;
/// The same in base64url.
const KEY_TEXT_BYTES: usize = 22;

/// Takes ARGV[1] uses if less than ARGV[2] were taken, and answers how many are taken then; else 0.
///
/// A script, and not MULTI with SET NX and INCR: a refused attempt takes nothing; time stands still
/// while it runs, so a key cannot expire between two steps and come back without an expiry; and in
/// a cluster one command goes to one node as a whole, wherever its slot has moved. A count that is
/// no number fails the script, which refuses the request.
const TAKE: &str = "\
local used = tonumber(redis.call('GET', KEYS[1]) or '0') \
if used >= tonumber(ARGV[2]) then return 0 end \
used = math.min(used + tonumber(ARGV[1]), tonumber(ARGV[2])) \
if redis.call('SET', KEYS[1], used, 'XX', 'KEEPTTL') then return used end \
redis.call('SET', KEYS[1], used, 'PX', ARGV[3]) \
return used";

/// Writes ARGV[2] if what is there is ARGV[1], where nothing there is the empty text.
const REPLACE: &str = "\
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end \
redis.call('SET', KEYS[1], ARGV[2]) \
return 1";

/// What Redis knows of a signature: not the signature, and nothing to get back to it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; KEY_BYTES]);

impl Key {
    pub(super) fn of(identity: &Identity) -> Self {
        let hash: [u8; 32] = Sha256::digest(identity.as_bytes()).into();
        Self(std::array::from_fn(|at| hash.get(at).copied().unwrap_or_default()))
    }

    fn name(self, prefix: &str) -> String {
        let mut text = [0; KEY_TEXT_BYTES];
        let text = Base64UrlUnpadded::encode(&self.0, &mut text).unwrap_or_default();
        format!("{prefix}{text}")
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name(""))
    }
}

/// Takes one use of `key`, kept for `kept_ms`.
pub(super) fn admit(prefix: &str, key: Key, max_uses: NonZeroU8, kept_ms: u64) -> Cmd {
    let max_uses = max_uses.get().min(MAX_USES);
    if max_uses == 1 {
        let mut command = redis::cmd("SET");
        command.arg(key.name(prefix)).arg(1).arg("NX").arg("PX").arg(kept_ms);
        command
    } else {
        take(prefix, key, 1, max_uses, kept_ms)
    }
}

/// Adds uses that were taken without Redis to those that it knows of.
pub(super) fn write_back(prefix: &str, key: Key, uses: NonZeroU8, kept_ms: u64) -> Cmd {
    take(prefix, key, uses.get(), MAX_USES, kept_ms)
}

fn take(prefix: &str, key: Key, uses: u8, max_uses: u8, kept_ms: u64) -> Cmd {
    let mut command = redis::cmd("EVAL");
    command.arg(TAKE).arg(1).arg(key.name(prefix)).arg(uses).arg(max_uses).arg(kept_ms);
    command
}

/// What the answer to [`admit`] says. Nothing is taken for an admission but the two answers that
/// say so.
pub(super) fn admission(answer: &Value) -> Result<Admission, Fault> {
    match answer {
        Value::Okay => Ok(Admission::Fresh { nth: NonZeroU8::MIN }),
        Value::Nil | Value::Int(0) => Ok(Admission::Replayed),
        Value::Int(nth) => u8::try_from(*nth)
            .ok()
            .filter(|nth| *nth <= MAX_USES)
            .and_then(NonZeroU8::new)
            .map(|nth| Admission::Fresh { nth })
            .ok_or(Fault::Answer),
        _ => Err(Fault::Answer),
    }
}

/// Reads one value.
pub(super) fn get(name: &str) -> Cmd {
    let mut command = redis::cmd("GET");
    command.arg(name);
    command
}

/// Writes `new` where `old` is what stands there.
pub(super) fn replace(name: &str, old: &str, new: &str) -> Cmd {
    let mut command = redis::cmd("EVAL");
    command.arg(REPLACE).arg(1).arg(name).arg(old).arg(new);
    command
}

/// The text of an answer, in either version of the protocol; `None` for anything else.
pub(super) fn text(answer: &Value) -> Option<&str> {
    match answer {
        Value::BulkString(bytes) => str::from_utf8(bytes).ok(),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_short_and_says_nothing_of_the_signature() {
        let identity = Identity::from_mac([0xab; 32]);
        let key = Key::of(&identity);
        let name = key.name("wafpass:");
        // printf '\xab%.0s' {1..32} | sha256sum | cut -c 1-32 | xxd -r -p | basenc --base64url
        assert_eq!(name, "wafpass:mi2y4j8VBM0FZgZVOsBJxQ");
        assert_ne!(key, Key::of(&Identity::from_mac([0xac; 32])));
    }

    #[test]
    fn only_an_admission_is_taken_for_one() {
        let fresh = |nth| Ok(Admission::Fresh { nth: NonZeroU8::new(nth).unwrap() });
        assert_eq!(admission(&Value::Okay), fresh(1));
        assert_eq!(admission(&Value::Int(3)), fresh(3));
        assert_eq!(admission(&Value::Nil), Ok(Admission::Replayed));
        assert_eq!(admission(&Value::Int(0)), Ok(Admission::Replayed));
        for odd in [
            Value::Int(-1),
            Value::Int(16),
            Value::Int(257),
            Value::SimpleString("QUEUED".into()),
            Value::BulkString(b"OK".to_vec()),
            Value::Array(vec![Value::Okay]),
            Value::Boolean(true),
        ] {
            assert_eq!(admission(&odd), Err(Fault::Answer), "{odd:?}");
        }
    }
}
