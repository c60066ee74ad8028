//! Random events, filters and questions, from one seed.

use wafpass::collector::query::{Budget, Condition, Filter, Sense, Test, TimeRange};
use wafpass::collector::{EventTime, Field, FieldKind, Intake, NewEvent, SealedText};

use crate::support::events::{DAY, HOUR, MIDNIGHT, id};

/// More than any test has.
pub(crate) const ROOMY: Budget = Budget { rows: 1 << 40, ms: 3_600_000 };

/// Of each kind, with an index and without, with roll-ups and without.
pub(crate) const ASKED: [Field; 9] = [
    Field::Action,
    Field::RuleId,
    Field::Host,
    Field::Path,
    Field::ClientIp,
    Field::ClientAsn,
    Field::RayId,
    Field::ClientCountry,
    Field::Source,
];

const TEXTS: [&str; 12] =
    ["", "a", "A", "ab", "aB%", "a_b", "a*b", "/admin/x", "/ADMIN/", "ä", "末", "a\0b"];
const ADDRESSES: [&str; 7] =
    ["203.0.113.7", "203.0.113.8", "10.0.0.1", "2001:db8::7", "2001:db8:1::", "::", "::1"];
const INTEGERS: [&str; 4] = ["0", "7", "403", "4294967295"];
const PREFIXES: [&str; 7] = ["", "a", "/", "ä", "a\0", "A", "\u{10ffff}"];
const PATTERNS: [&str; 10] = ["*", "", "a*", "*B%", "/admin/*", "*min*", "?", "*\0*", "Ä", "a**b"];
const NETWORKS: [&str; 8] = [
    "0.0.0.0/0",
    "::/0",
    "203.0.113.0/29",
    "203.0.113.7/32",
    "2001:db8::/32",
    "::ffff:0:0/96",
    "::/80",
    "10.1.2.3/8",
];

/// xorshift64*: the same seed, the same case.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16) % end
    }

    pub(crate) fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }

    fn picks(&mut self, of: &[&str]) -> Vec<String> {
        (0..self.below(4)).map(|_| self.pick(of).to_owned()).collect()
    }

    /// Of three days: anywhere, at the edges of hours and minutes, and some moments again and again.
    pub(crate) fn moment(&mut self) -> EventTime {
        let day = MIDNIGHT.0 + DAY * self.pick(&[0, 0, 0, 1, 2]);
        let at = match self.below(4) {
            0 => self.below(u64::try_from(DAY).unwrap()).cast_signed(),
            1 => HOUR * (1 + self.below(22).cast_signed()) + self.pick(&[-1, 0, 1]),
            2 => HOUR / 60 * self.below(10).cast_signed() + self.pick(&[0, 1]),
            _ => 10 * HOUR + self.pick(&[0, 1, 2]),
        };
        EventTime(day + at)
    }

    pub(crate) fn event(&mut self, number: u128) -> NewEvent {
        let intake = self.pick(&Intake::ALL);
        let mut event = NewEvent::new(self.moment(), id(number), intake);
        for field in ASKED {
            if !self.one_in(4) {
                let value = self.value(field);
                event.fields.set(field, value);
            }
        }
        event.datetime = event.at.0.to_string();
        event.blob = match self.below(3) {
            0 => None,
            1 => Some(SealedText::Blob(vec![3, 0, 255])),
            _ => Some(SealedText::Other("truncated".to_owned())),
        };
        event
    }

    fn value(&mut self, field: Field) -> &'static str {
        match field.kind() {
            FieldKind::Address => self.pick(&ADDRESSES),
            FieldKind::Integer => self.pick(&INTEGERS),
            _ => self.pick(&TEXTS),
        }
    }

    /// At most two conditions, else nothing is left; now and then one that makes no sense for its field.
    pub(crate) fn filter(&mut self) -> Filter {
        let conditions = (0..self.below(3)).map(|_| self.condition()).collect();
        let mut filter = Filter { conditions, ..Filter::default() };
        if self.one_in(6) {
            filter.intakes = (0..self.below(3)).map(|_| self.pick(&Intake::ALL)).collect();
        }
        if self.one_in(6) {
            filter.matched_data = Some(self.one_in(2));
        }
        filter
    }

    fn condition(&mut self) -> Condition {
        let field = self.pick(&ASKED);
        let sense = if self.one_in(3) { Sense::Exclude } else { Sense::Include };
        let of = |test| Condition { field, test, sense };
        match self.below(6) {
            0..=2 if self.one_in(10) => {
                of(Test::AnyOf(vec!["007".to_owned(), "::ffff:10.0.0.1".to_owned()]))
            }
            0..=2 => {
                let values = (0..self.below(4)).map(|_| self.value(field).to_owned()).collect();
                of(Test::AnyOf(values))
            }
            3 => of(Test::Prefix(self.picks(&PREFIXES))),
            4 => of(Test::Wildcard(self.picks(&PATTERNS))),
            _ => {
                let networks =
                    self.picks(&NETWORKS).iter().map(|one| one.parse().unwrap()).collect();
                let field = if self.one_in(8) { field } else { Field::ClientIp };
                Condition { field, test: Test::InNetworks(networks), sense }
            }
        }
    }

    pub(crate) fn range(&mut self) -> TimeRange {
        if self.one_in(2) {
            return TimeRange { from: MIDNIGHT, until: EventTime(MIDNIGHT.0 + 3 * DAY) };
        }
        let (one, other) = (self.moment(), self.moment());
        TimeRange { from: one.min(other), until: one.max(other) }
    }
}
