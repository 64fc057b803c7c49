//! Nil prevotes: what a correct node may refuse, and how long it has to wait for what it may not.

use super::*;

const EARLY: Option<&str> = Some("rule conformance");

/// Our process has just begun.
fn begun(byzantine: &[u16]) -> Bench {
    let byzantine = byzantine.iter().copied().map(NodeIndex::new).collect();
    let mut bench = bench_with(byzantine);
    bench.clock.mono_ns = 0;
    bench
}

/// The first block, with a time that fits our clock.
fn timely(bench: &Bench) -> Header {
    Header {
        time_us: bench.clock.wall_us,
        ..bench.header()
    }
}

/// Goal: who has seen nothing waits for the whole propose timer of the round, which grows.
#[test]
fn a_nil_prevote_before_its_time_is_found() {
    for (ms, finding) in [(399, EARLY), (400, None)] {
        let mut bench = begun(&[]);
        bench.wait_ms(ms);
        assert_eq!(bench.release(prevote(0, None, None)), finding);
    }
    for (ms, finding) in [(499, EARLY), (500, None)] {
        let mut bench = begun(&[]);
        bench.wait_ms(10_000);
        bench.hear_votes(&[0, 1, 3], precommit(0, None));
        bench.wait_ms(ms);
        assert_eq!(bench.release(prevote(1, None, None)), finding);
    }
}

/// Goal: a valid proposal in its time is no reason; one out of its time is, and so is one of a liar, whose body may be anything.
#[test]
fn a_nil_prevote_against_a_right_proposal_is_found() {
    for (late_ms, liars, finding) in [
        (0, &[][..], EARLY),
        (2_500, &[][..], EARLY),
        (2_501, &[][..], None),
        (0, &[1][..], None),
    ] {
        let mut bench = begun(liars);
        let header = timely(&bench);
        bench.clock.wall_us += late_ms * 1_000;
        bench.hear_proposal(&header);
        assert_eq!(bench.release(prevote(0, None, None)), finding);
    }
}

/// Goal: a header that is wrong may be refused at once.
#[test]
fn a_wrong_header_is_a_reason() {
    let mut bench = begun(&[]);
    let header = Header {
        features: 1,
        ..timely(&bench)
    };
    bench.hear_proposal(&header);
    assert_eq!(bench.release(prevote(0, None, None)), None);
}

/// Goal: a lock forbids what is fresh, and who has seen a polka may hold one.
#[test]
fn a_lock_is_a_reason() {
    for (voters, finding) in [(&[0, 1, 3][..], None), (&[0, 1][..], EARLY)] {
        let mut bench = begun(&[]);
        let header = timely(&bench);
        bench.hear_votes(voters, prevote(0, Some(header.id()), None));
        bench.hear_votes(&[0, 1, 3], precommit(0, None));
        let fresh = Header {
            round: Round::new(1),
            proposer: ValidatorIndex::new(2),
            ..header
        };
        bench.hear_proposal(&fresh);
        assert_eq!(bench.release(prevote(1, None, None)), finding);
    }
}

/// Goal: after a restart the time counts anew, but for what the guard had recorded before it.
#[test]
fn a_restart_begins_the_time_anew() {
    let nil = prevote(0, None, None);
    for (guard, finding) in [(Place::GENESIS, EARLY), (Place::of(&nil), None)] {
        let mut bench = begun(&[]);
        bench.wait_ms(10_000);
        bench.clock.mono_ns = 0;
        let started = Observation::Started {
            height: Height::new(0),
            block: Position::START,
            batch: Position::START,
            guard,
        };
        assert_eq!(bench.show(ME, started), None);
        bench.wait_ms(399);
        assert_eq!(bench.release(nil), finding);
    }
}

/// Goal: a block that was built and not proposed before a restart comes to its node when it is proposed: on a clock that was set back
/// meanwhile it may be too early.
#[test]
fn an_own_proposal_of_an_earlier_life_may_be_too_early() {
    for (back_s, finding) in [(0, EARLY), (60, None)] {
        let mut bench = begun(&[]);
        bench.hear_votes(&[0, 1, 3], precommit(0, None));
        let own = Header {
            round: Round::new(1),
            proposer: ValidatorIndex::new(ME.get()),
            ..timely(&bench)
        };
        bench.write_block(&own, 1);
        let said = Statement::Proposal {
            height: own.height,
            round: own.round,
            id: own.id(),
            valid_round: None,
        };
        assert_eq!(bench.intend(said), None);
        bench.clock.mono_ns = 0;
        bench.clock.wall_us -= back_s * 1_000_000;
        let started = Observation::Started {
            height: Height::new(0),
            block: Position::new(1),
            batch: Position::START,
            guard: Place::of(&said),
        };
        assert_eq!(bench.show(ME, started), None);
        assert_eq!(bench.let_out(said), None);
        let sent = frame(proposal(&own));
        assert_eq!(bench.show(ME, Observation::Sent(&sent)), None);
        assert_eq!(bench.release(prevote(1, None, None)), finding);
    }
}

/// Goal: a node's own block comes to it when its token has signed it, which may be too late.
#[test]
fn an_own_proposal_that_a_token_signs_late_may_be_too_late() {
    for (ms, finding) in [(0, EARLY), (3_000, EARLY), (3_001, None)] {
        let mut bench = begun(&[]);
        bench.hear_votes(&[0, 1, 3], precommit(0, None));
        let own = Header {
            round: Round::new(1),
            proposer: ValidatorIndex::new(ME.get()),
            ..timely(&bench)
        };
        bench.write_block(&own, 1);
        let said = Statement::Proposal {
            height: own.height,
            round: own.round,
            id: own.id(),
            valid_round: None,
        };
        // What a slow token delays is not what the propose timer of the round waits for.
        bench.clock.wall_us += ms * 1_000;
        assert_eq!(bench.release(said), None);
        let sent = frame(proposal(&own));
        assert_eq!(bench.show(ME, Observation::Sent(&sent)), None);
        assert_eq!(bench.release(prevote(1, None, None)), finding);
    }
}

/// Goal: a node's own block is in time, but a process that starts counts it again, and may find it too late by then.
#[test]
fn a_restart_counts_the_own_proposal_again() {
    for (back_after_ms, finding) in [(None, EARLY), (Some(1_000), EARLY), (Some(60_000), None)] {
        let mut bench = begun(&[]);
        bench.hear_votes(&[0, 1, 3], precommit(0, None));
        let own = Header {
            round: Round::new(1),
            proposer: ValidatorIndex::new(ME.get()),
            ..timely(&bench)
        };
        bench.write_block(&own, 1);
        let sent = frame(proposal(&own));
        assert_eq!(bench.show(ME, Observation::Sent(&sent)), None);
        if let Some(ms) = back_after_ms {
            bench.wait_ms(ms);
            bench.clock.mono_ns = 0;
            let started = Observation::Started {
                height: Height::new(0),
                block: Position::new(1),
                batch: Position::START,
                guard: Place::GENESIS,
            };
            assert_eq!(bench.show(ME, started), None);
        }
        assert_eq!(bench.release(prevote(1, None, None)), finding);
    }
}
