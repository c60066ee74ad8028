//! The state machine, exhaustively: every step from every state.

use super::*;
use crate::key::KeyId;
use crate::time::UnixTime;

const NOW: i64 = 1_795_307_400;

const fn at(secs: i64) -> UnixTime {
    UnixTime::from_secs(NOW + secs)
}

fn id() -> KeyId {
    KeyId::new("k").unwrap()
}

fn take(life: Life, step: Step<'_>) -> Result<Life, StepRefusal> {
    match life.after(step, id(), at(0))? {
        Next::Becomes(life) => Ok(life),
        Next::Gone => panic!("gone"),
    }
}

/// A key that came into its state `age_s` ago, each state before took a day.
fn key(state: KeyState, age_s: i64) -> Life {
    let day = 86_400;
    let mut life = Life::begun(at(-age_s));
    life.state = state;
    let back = |n: i64| Some(at(-age_s - n * day));
    match state {
        KeyState::Accepted => {}
        KeyState::Signing => life.promoted = back(0),
        KeyState::Retiring => (life.promoted, life.retiring_since) = (back(1), back(0)),
        KeyState::Retired => {
            (life.promoted, life.retiring_since, life.retired) = (back(2), back(1), back(0));
        }
    }
    life
}

const STATES: [KeyState; 4] =
    [KeyState::Accepted, KeyState::Signing, KeyState::Retiring, KeyState::Retired];

#[test]
fn each_step_leads_from_each_state_where_it_should() {
    use KeyState::{Retired, Retiring, Signing};

    let unused = Step::Retire(Unused::ByTime);
    let promote = Step::Promote(Learnt::Asserted);
    // For accepted, signing, retiring and retired, each old enough for anything.
    for (step, expected) in [
        (promote, [Some(Signing), None, Some(Signing), None]),
        (Step::Supersede, [None, Some(Retiring), None, None]),
        (unused, [None, None, Some(Retired), None]),
        (Step::GiveUp, [Some(Retired), None, None, None]),
        (Step::RetireCompromised, [Some(Retired); 4]),
        (Step::UndoRetire, [None, None, None, Some(Retiring)]),
    ] {
        for (state, expected) in STATES.into_iter().zip(expected) {
            let next = take(key(state, 1_000_000), step);
            assert_eq!(next.as_ref().ok().map(|life| life.state), expected, "{step:?} {state}");
            if let Err(refusal) = next {
                assert!(matches!(refusal, StepRefusal::State { .. }), "{refusal}");
                assert_eq!(refusal.to_string().lines().count(), 2, "{refusal}");
            }
        }
    }
    for state in STATES {
        let next = key(state, 1_000_000).after(Step::Remove, id(), at(0));
        assert_eq!(next == Ok(Next::Gone), state == Retired, "{state}");
    }
}

#[test]
fn each_step_leaves_its_moment() {
    let made = Life::begun(at(0));
    let signing = take(made, Step::Promote(Learnt::FirstKey)).unwrap();
    assert_eq!((signing.promoted, signing.since()), (Some(at(0)), at(0)));
    let retiring = take(key(KeyState::Signing, 9), Step::Supersede).unwrap();
    assert_eq!((retiring.promoted, retiring.retiring_since), (Some(at(-9)), Some(at(0))));
    let back = take(key(KeyState::Retiring, 9), Step::Promote(Learnt::FirstKey)).unwrap();
    assert_eq!((back.promoted, back.retiring_since), (Some(at(0)), None));
    let retired = take(key(KeyState::Retiring, 86_400), Step::Retire(Unused::ByTime)).unwrap();
    assert_eq!((retired.retired, retired.compromised), (Some(at(0)), false));
    let given_up = take(made, Step::GiveUp).unwrap();
    assert_eq!(take(given_up, Step::UndoRetire), Ok(made));
    let undone = take(retired, Step::UndoRetire).unwrap();
    assert_eq!((undone.retiring_since, undone.retired), (Some(at(0)), None));
    assert!(take(undone, Step::Retire(Unused::ByTime)).is_err(), "its day begins anew");
}

#[test]
fn a_compromised_key_never_comes_back() {
    for state in STATES {
        let gone = take(key(state, 5), Step::RetireCompromised).unwrap();
        assert!(gone.compromised && gone.state == KeyState::Retired);
        for step in [Step::UndoRetire, Step::Promote(Learnt::Asserted)] {
            assert_eq!(take(gone, step), Err(StepRefusal::Compromised { key_id: id() }));
        }
        let again = take(gone, Step::RetireCompromised);
        assert!(matches!(again, Err(StepRefusal::State { .. })));
        assert!(take(gone, Step::GiveUp).is_err() && take(gone, Step::Supersede).is_err());
    }
}

#[test]
fn origins_get_time_to_learn_a_key() {
    let promote = |age_s, settle_s| {
        let step = Step::Promote(Learnt::Within { settle_s });
        take(key(KeyState::Accepted, age_s), step).map(|life| life.state)
    };
    assert_eq!(promote(300, 300), Ok(KeyState::Signing));
    for (age_s, told_s) in [(299, 299), (0, 0), (-60, 0), (-1_000_000, 0)] {
        let refusal = StepRefusal::Unsettled { key_id: id(), age_s: told_s, settle_s: 300 };
        assert_eq!(promote(age_s, 300), Err(refusal), "{age_s}");
    }
    assert_eq!(promote(0, 0), Ok(KeyState::Signing));
    for learnt in [Learnt::FirstKey, Learnt::Asserted] {
        assert!(take(key(KeyState::Accepted, 0), Step::Promote(learnt)).is_ok());
    }
}

fn report(is_loaded: bool, used_ago: Option<i64>, started_ago: Option<i64>) -> OriginReport {
    let ago = |ago: i64| at(-ago);
    let (last_used, started) = (used_ago.map(ago), started_ago.map(ago));
    OriginReport { origin: "a:1".into(), is_loaded, last_used, started }
}

#[test]
fn every_origin_asked_has_to_have_loaded_a_key() {
    let promote = |reports: &[OriginReport]| {
        take(key(KeyState::Accepted, 0), Step::Promote(Learnt::Reports(reports)))
            .map(|life| life.state)
    };
    let (yes, no) = (report(true, None, None), report(false, None, None));
    assert_eq!(promote(&[yes.clone(), yes.clone()]), Ok(KeyState::Signing));
    let refusal = StepRefusal::NotLoaded { key_id: id(), origin: "a:1".into() };
    assert_eq!(promote(&[yes, no]), Err(refusal));
    assert_eq!(promote(&[]), Err(StepRefusal::NoReport { key_id: id() }));
}

#[test]
fn a_key_is_retired_once_it_is_unused() {
    let retire = |since_s, reports: &[OriginReport]| {
        let unused = Unused::Reports { reports, unused_for_s: 3_600 };
        take(key(KeyState::Retiring, since_s), Step::Retire(unused)).map(|life| life.state)
    };
    for unused in [
        report(true, Some(3_600), None),
        report(true, Some(3_600), Some(10)),
        report(true, None, Some(3_600)),
    ] {
        assert_eq!(retire(3_600, std::slice::from_ref(&unused)), Ok(KeyState::Retired));
        let just = retire(3_599, std::slice::from_ref(&unused));
        assert!(matches!(just, Err(StepRefusal::JustSuperseded { since_s: 3_599, .. })));
        let used = retire(3_600, &[unused, report(true, Some(3_599), Some(9_999))]);
        assert!(matches!(used, Err(StepRefusal::StillUsed { ago_s: 3_599, .. })), "{used:?}");
    }
    // A clock ahead of ours says that it is in use.
    let ahead = retire(9_999, &[report(true, Some(-60), None)]);
    assert!(matches!(ahead, Err(StepRefusal::StillUsed { ago_s: 0, .. })));
    // Never used, by an origin that cannot know.
    for started in [None, Some(3_599), Some(-5)] {
        let young = retire(9_999, &[report(true, None, started)]);
        assert!(matches!(young, Err(StepRefusal::YoungOrigin { .. })), "{started:?}");
    }
    assert_eq!(retire(9_999, &[]), Err(StepRefusal::NoReport { key_id: id() }));
}

#[test]
fn without_reports_a_day_has_to_pass() {
    let days = |state, age_s, step| take(key(state, age_s), step);
    let retire = Step::Retire(Unused::ByTime);
    assert!(days(KeyState::Retiring, 86_400, retire).is_ok());
    for age_s in [86_399, 0, -5] {
        let refusal = days(KeyState::Retiring, age_s, retire);
        assert!(matches!(refusal, Err(StepRefusal::JustSuperseded { .. })), "{age_s}");
        let refusal = key(KeyState::Retired, age_s).after(Step::Remove, id(), at(0));
        assert!(matches!(refusal, Err(StepRefusal::JustRetired { .. })), "{age_s}");
    }
}

#[test]
fn clocks_at_the_ends_of_time_do_no_harm() {
    for made in [i64::MIN, i64::MAX] {
        let life = Life { state: KeyState::Retiring, ..Life::begun(UnixTime::from_secs(made)) };
        for now in [i64::MIN, 0, i64::MAX] {
            for step in [
                Step::Promote(Learnt::Within { settle_s: u32::MAX }),
                Step::Retire(Unused::ByTime),
                Step::Remove,
            ] {
                for state in STATES {
                    let told = Life { state, ..life }.after(step, id(), UnixTime::from_secs(now));
                    let _text = told.map_err(|refusal| refusal.to_string());
                }
            }
        }
    }
}
