//! What the oracle of "why is it not moving" must find, and what it must not.

use falaj_consensus::engine::{Shortfall, Status, Wait};
use falaj_consensus::round::Step;
use falaj_consensus::types::{Height, Round, SignRefusal, ValidatorId, ValidatorIndex};
use falaj_node::core::{Cause, Missing, OwnCause, Why};

use crate::checker::{Standing, Truth, can_last};
use crate::types::NodeIndex;

const WELL: Standing = Standing {
    runs: true,
    lies: false,
    diverged: false,
    full: false,
    shut: false,
    well: true,
    open: Height::new(7),
    round: Round::new(2),
    step: Step::Prevote,
};

/// The answer of node 0 of four, which lacks the prevote of one validator.
fn says(validator: u32, cause: Cause) -> Why {
    let short = Shortfall {
        power: 2,
        power_of_leader: 2,
        power_of_quorum: 3,
        missing: Vec::new(),
    };
    Why {
        status: Status {
            height: Height::new(7),
            round: Round::new(2),
            step: Step::Prevote,
            proposer: ValidatorIndex::new(0),
            locked: None,
            valid: None,
            decided: None,
            waits: vec![Wait::Prevotes(short)],
        },
        batches_held_up: 0,
        missing: vec![Missing {
            validator: ValidatorId::new(validator),
            power: 1,
            cause,
        }],
    }
}

/// Whether the oracle finds nothing wrong with what node 0 says of a validator, when node 2 and the connection with it are so.
fn holds(why: &Why, other: Standing, joined: bool) -> bool {
    let own = Standing {
        well: false,
        ..WELL
    };
    let truth = Truth {
        who: NodeIndex::new(0),
        standings: &[own, WELL, other, WELL],
        joined: &[true, true, joined, true],
    };
    truth.judge(why).is_ok()
}

/// The same when node 1 is so, and all others are well.
fn holds_beside(why: &Why, one: Standing) -> bool {
    let truth = Truth {
        who: NodeIndex::new(0),
        standings: &[WELL, one, WELL, WELL],
        joined: &[true; 4],
    };
    truth.judge(why).is_ok()
}

/// Goal: who lacks a batch that a liar keeps from it cannot acknowledge it; what a liar gives to whom says nothing of votes.
#[test]
fn who_may_lack_a_batch_of_a_liar_has_not_done_its_part() {
    let liar = Standing {
        lies: true,
        well: false,
        ..WELL
    };
    let mut why = says(3, Cause::Silent);
    assert!(!holds_beside(&why, liar));
    why.status.waits = vec![Wait::Work];
    assert!(!holds_beside(&why, WELL));
    assert!(holds_beside(&why, liar));
}

/// Goal: a liar may state any height, and is believed by who only repeats it; of everybody else a height that it has not decided is no answer.
#[test]
fn the_height_that_a_liar_states_is_no_fault_of_who_hears_it() {
    let unwell = Standing {
        well: false,
        ..WELL
    };
    let liar = Standing {
        lies: true,
        ..unwell
    };
    let why = says(2, Cause::Ahead(Height::new(1 << 40)));
    assert!(!holds_beside(&why, WELL));
    assert!(!holds_beside(&why, unwell));
    assert!(holds_beside(&why, liar));
}

/// Goal: silence is no lie of who cannot speak or be heard, or has not come so far; of who has done its part it is.
#[test]
fn who_has_done_its_part_is_not_called_silent() {
    let silent = says(3, Cause::Silent);
    let unwell = Standing {
        well: false,
        ..WELL
    };
    let earlier = Standing {
        step: Step::Propose,
        ..WELL
    };
    assert!(!holds(&silent, WELL, true));
    assert!(holds(&silent, WELL, false));
    assert!(holds(&silent, unwell, true));
    assert!(holds(&silent, earlier, true));
}

/// Goal: who is well and connected is neither out of reach nor shunned, and stands where it says.
#[test]
fn what_is_said_of_others_is_so() {
    let unwell = Standing {
        well: false,
        ..WELL
    };
    for cause in [
        Cause::Unreachable,
        Cause::Shunned,
        Cause::Behind(Height::new(4)),
        Cause::Ahead(Height::new(7)),
    ] {
        assert!(!holds(&says(3, cause), WELL, true), "{cause:?}");
    }
    assert!(holds(&says(3, Cause::Unreachable), WELL, false));
    assert!(holds(&says(3, Cause::Shunned), unwell, true));
    let behind = Standing {
        open: Height::new(5),
        ..WELL
    };
    assert!(holds(&says(3, Cause::Behind(Height::new(4))), behind, true));
    let ahead = Standing {
        open: Height::new(8),
        ..WELL
    };
    assert!(holds(&says(3, Cause::Ahead(Height::new(7))), ahead, true));
}

/// Goal: a node says of itself what is so, of nobody else, and never that all is under way.
#[test]
fn what_is_said_of_oneself_is_so() {
    let refused = Cause::Own(OwnCause::Signer(SignRefusal::Unavailable));
    assert!(holds(&says(1, refused), WELL, true));
    for (validator, cause) in [
        (3, refused),
        (1, Cause::Silent),
        (1, Cause::Own(OwnCause::UnderWay)),
        (1, Cause::Own(OwnCause::DiskFull)),
        (1, Cause::Own(OwnCause::UpgradeNeeded)),
        (1, Cause::Own(OwnCause::Diverged)),
        (9, Cause::Silent),
    ] {
        assert!(!holds(&says(validator, cause), WELL, true), "{cause:?}");
    }
}

/// Goal: what ends by itself is not judged.
#[test]
fn waits_that_end_by_themselves_are_left() {
    let mut why = says(3, Cause::Silent);
    assert!(can_last(&why));
    why.status.waits = vec![Wait::Work];
    assert!(!can_last(&why));
    why.batches_held_up = 1;
    assert!(can_last(&why));
    why.status.waits = vec![Wait::NextHeight];
    assert!(!can_last(&why));
}
