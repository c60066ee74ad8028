//! A look at the servers: whether they evict, whether they are the same as before, and whether part
//! of what they held is gone.

use base64ct::{Base64UrlUnpadded, Encoding};
use redis::{Cmd, Value};
use sha2::{Digest, Sha256};

use super::Eviction;
use super::error::ReplayRedisFault as Fault;
use super::link::Link;
use super::wire::text;

/// Marks in a cluster: one in every 128 slots, so that a node that comes back empty is noticed
/// although the record is on another. Each of up to 64 nodes with an even share of the slots has
/// one at least.
const MARKS: usize = 128;
const SLOTS: usize = 16_384;
const SLOTS_PER_MARK: usize = SLOTS / MARKS;

/// What the servers say of themselves.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Survey {
    /// A name for the servers that answered, another one when one of them was restarted or
    /// replaced. Empty where one does not say.
    pub(super) servers: String,
}

impl Survey {
    /// Asks every server that holds keys.
    pub(super) async fn of(link: &Link, eviction: Eviction) -> Result<Self, Fault> {
        for answer in link.ask_each(&info("memory")).await? {
            judge_policy(policy_of(&allowed(answer)?), eviction)?;
        }
        let mut runs = Vec::new();
        for answer in link.ask_each(&info("server")).await? {
            runs.push(
                allowed(answer)?
                    .as_deref()
                    .and_then(|info| member(info, "run_id"))
                    .map(str::to_owned),
            );
        }
        Ok(Self { servers: name_of(runs) })
    }
}

/// The text of an answer to INFO; `None` where the user may not ask or there is nothing to it.
fn allowed(answer: Result<Value, Fault>) -> Result<Option<String>, Fault> {
    match answer {
        Ok(answer) => Ok(text(&answer).map(str::to_owned)),
        Err(Fault::Permission | Fault::Server) => Ok(None),
        Err(fault) => Err(fault),
    }
}

fn policy_of(info: &Option<String>) -> Option<&str> {
    member(info.as_deref()?, "maxmemory_policy")
}

/// An assertion stands in for a policy that is not told, not for one that is wrong.
fn judge_policy(policy: Option<&str>, eviction: Eviction) -> Result<(), Fault> {
    match (policy, eviction) {
        (Some("noeviction"), _) | (None, Eviction::AssertNoEviction) => Ok(()),
        (Some(_), _) => Err(Fault::Evicting),
        (None, Eviction::Probe) => Err(Fault::EvictionUnknown),
    }
}

/// A member of an answer to INFO: a line `name:value`.
fn member<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    let lines = info.lines().map(str::trim_end);
    lines.filter_map(|line| line.split_once(':')).find(|(n, _)| *n == name).map(|(_, value)| value)
}

fn name_of(runs: Vec<Option<String>>) -> String {
    let Some(mut runs) = runs.into_iter().collect::<Option<Vec<_>>>() else {
        return String::new();
    };
    runs.sort_unstable();
    let hash: [u8; 32] = Sha256::digest(runs.join(" ")).into();
    Base64UrlUnpadded::encode_string(&hash).chars().take(16).collect()
}

fn info(section: &str) -> Cmd {
    let mut command = redis::cmd("INFO");
    command.arg(section);
    command
}

/// The keys that a cluster has one of in every part.
#[derive(Debug)]
pub(super) struct Marks(Vec<String>);

impl Marks {
    /// For one part after the other, the first number whose slot is in it.
    pub(super) fn new(prefix: &str) -> Self {
        let mut tags = vec![None; MARKS];
        let mut left = MARKS;
        for number in 0_u32.. {
            let part = tags.get_mut(slot_of(number.to_string().as_bytes()) / SLOTS_PER_MARK);
            if let Some(tag @ None) = part {
                *tag = Some(number);
                left -= 1;
            }
            if left == 0 {
                break;
            }
        }
        Self(tags.into_iter().flatten().map(|tag| format!("{prefix}mark:{{{tag}}}")).collect())
    }

    /// Whether all of them are there.
    pub(super) async fn are_there(&self, link: &Link) -> Result<bool, Fault> {
        let mut command = redis::cmd("EXISTS");
        command.arg(&self.0);
        match link.ask(&command).await? {
            Value::Int(count) => Ok(usize::try_from(count) == Ok(MARKS)),
            _ => Err(Fault::Answer),
        }
    }

    /// Writes all of them.
    pub(super) async fn write(&self, link: &Link) -> Result<(), Fault> {
        let mut command = redis::cmd("MSET");
        for name in &self.0 {
            command.arg(name).arg(1);
        }
        link.ask(&command).await.map(drop)
    }
}

/// The slot of a hash tag in a Redis cluster: CRC16 (XMODEM) of it.
fn slot_of(tag: &[u8]) -> usize {
    let crc = tag.iter().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 }
        })
    });
    usize::from(crc) % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_cluster_specification() {
        assert_eq!(slot_of(b"123456789"), 0x31c3);
        assert_eq!(slot_of(b"foo"), 12_182); // CLUSTER KEYSLOT foo
    }

    #[test]
    fn every_part_has_a_mark() {
        let marks = Marks::new("wafpass:");
        assert_eq!(marks.0.len(), MARKS);
        for (part, name) in marks.0.iter().enumerate() {
            let tag = name.strip_prefix("wafpass:mark:{").unwrap().strip_suffix('}').unwrap();
            assert_eq!(slot_of(tag.as_bytes()) / SLOTS_PER_MARK, part);
        }
    }

    #[test]
    fn only_noeviction_will_do() {
        let judge = |policy, eviction| judge_policy(policy, eviction);
        for eviction in [Eviction::Probe, Eviction::AssertNoEviction] {
            assert_eq!(judge(Some("noeviction"), eviction), Ok(()));
            for policy in ["allkeys-lru", "volatile-lru", "volatile-ttl", "allkeys-lfu", ""] {
                assert_eq!(judge(Some(policy), eviction), Err(Fault::Evicting), "{policy}");
            }
        }
        assert_eq!(judge(None, Eviction::Probe), Err(Fault::EvictionUnknown));
        assert_eq!(judge(None, Eviction::AssertNoEviction), Ok(()));
    }

    #[test]
    fn members_are_read_by_their_whole_name() {
        let info = "# Memory\r\nmaxmemory_policy_x:a\r\nmaxmemory_policy:noeviction\r\nx:y:z\r\n";
        assert_eq!(member(info, "maxmemory_policy"), Some("noeviction"));
        assert_eq!(member(info, "x"), Some("y:z"));
        assert_eq!(member(info, "policy"), None);
    }

    #[test]
    fn servers_have_one_name_in_any_order() {
        let name =
            |runs: &[&str]| name_of(runs.iter().map(|run| Some((*run).to_owned())).collect());
        assert_eq!(name(&["a", "b"]), name(&["b", "a"]));
        assert_ne!(name(&["a", "b"]), name(&["a", "c"]));
        assert_eq!(name(&["a"]).len(), 16);
        assert_eq!(name_of(vec![Some("a".into()), None]), "");
    }
}
