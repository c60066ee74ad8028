//! Spans of time as people read them.

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// `seconds` in its largest unit that is not zero, rounded down; none below zero.
pub(super) fn age(seconds: i64) -> String {
    match seconds.max(0) {
        seconds @ ..MINUTE => format!("{seconds} s"),
        seconds @ MINUTE..HOUR => format!("{} min", seconds / MINUTE),
        seconds @ HOUR..DAY => format!("{} h", seconds / HOUR),
        seconds => format!("{} d", seconds / DAY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_rounded_down() {
        for (seconds, text) in [
            (-9, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3_599, "59 min"),
            (86_399, "23 h"),
            (86_400, "1 d"),
            (172_799, "1 d"),
        ] {
            assert_eq!(age(seconds), text);
        }
    }
}
