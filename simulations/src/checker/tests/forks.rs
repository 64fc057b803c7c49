//! A fork names those who made it, and nobody who did not.

use falaj_consensus::message::Polka;

use super::*;

/// Two of four who lie.
fn liars() -> BTreeSet<NodeIndex> {
    [0, 1].map(NodeIndex::new).into()
}

/// A polka for a fresh block of a round, with signatures that the registry knows.
fn polka(bench: &mut Bench, round: u32, id: BlockId, signers: &[u16]) -> Polka {
    let said = prevote(round, Some(id), None);
    let mut polka = Polka {
        height: Height::new(1),
        round: Round::new(round),
        id,
        valid_round: None,
        signers: Bitmap::none(4),
        signatures: Vec::new(),
    };
    for signer in signers {
        polka.signers.insert(ValidatorIndex::new(*signer));
        let signature = bench.sign(*signer, &said);
        polka.signatures.push(signature);
    }
    polka
}

/// One block is decided by a node in round 0, another by another node in the round given.
fn fork(bench: &mut Bench, round: u32) -> Option<Violation> {
    let header = bench.header();
    let other = Header {
        time_us: header.time_us + 1,
        ..header.clone()
    };
    let first = bench.committed(&header);
    let mut second = bench.committed(&other);
    let outcome = second.executed.outcome.hash();
    second.certificate = bench.certificate_in(round, second.id, outcome, &[0, 1, 3]);
    let _ = bench.show(ME, Observation::Committed(&first));
    let _ = bench.show(NodeIndex::new(3), Observation::Committed(&second));
    bench.judge.violation().cloned()
}

/// Goal: who signed both of two certificates of one round is named with the fork.
#[test]
fn a_fork_within_a_round_names_who_signed_both() {
    let mut bench = bench_with(liars());
    let violation = fork(&mut bench, 0).expect("there is a fork");
    assert_eq!(violation.oracle, "agreement");
    assert!(
        violation.what.ends_with("proven to have lied: n0, n1"),
        "{violation}"
    );
}

/// Goal: a fork over two rounds names those who forgot their lock, from the polka that came with it; without that polka nobody can be
/// named, and that is found.
#[test]
fn a_fork_over_rounds_names_who_forgot() {
    let header = bench().header();
    let other = Header {
        time_us: header.time_us + 1,
        ..header
    };
    for (kept, oracle) in [(true, "agreement"), (false, "accountability")] {
        let mut bench = bench_with(liars());
        if kept {
            let polka = polka(&mut bench, 1, other.id(), &[0, 1, 3]);
            assert_eq!(bench.keep(&BlockRecord::polka(&polka)), None);
        }
        let violation = fork(&mut bench, 1).expect("there is a fork");
        assert_eq!(violation.oracle, oracle, "{violation}");
    }
}

/// Goal: what a crash takes from a log names nobody; what a guard alone holds does.
#[test]
fn a_lost_polka_names_nobody_and_a_guarded_one_does() {
    for (guarded, named) in [(false, None), (true, Some("n0, n1"))] {
        let mut bench = bench_with(liars());
        let header = bench.header();
        let other = Header {
            time_us: header.time_us + 1,
            ..header.clone()
        };
        let (first, mut second) = (bench.committed(&header), bench.committed(&other));
        let outcome = second.executed.outcome.hash();
        second.certificate = bench.certificate_in(1, second.id, outcome, &[0, 1, 3]);
        let polka = polka(&mut bench, 1, other.id(), &[0, 1, 3]);
        let record = BlockRecord::polka(&polka);
        let heard = frame(Message::Polka(polka));
        let statement = &second.certificate.statement();
        let message = &bench.bytes(statement)[..];

        let keys = Arc::clone(&bench.economy.keys);
        let Judge {
            mut accountability,
            sets,
            ..
        } = bench.judge;
        let mut show = |node: u16, seen: Observation<'_>| {
            let node = NodeIndex::new(node);
            let finding = accountability.observe(&sets, &bench.registry, node, &seen);
            assert_eq!(finding, Ok(()));
        };
        show(2, Observation::Received(&heard));
        let (log, position) = (LogId::Block, Position::new(1));
        let appended = Observation::Appended {
            log,
            position,
            record: &record,
        };
        show(2, appended);
        let started = Observation::Started {
            height: Height::new(0),
            block: Position::START,
            batch: Position::START,
            guard: Place::GENESIS,
        };
        show(2, started);
        if guarded {
            let released = Observation::Released {
                statement,
                message,
                key: keys.public(KeyIndex::new(3)),
            };
            show(3, released);
        }
        show(2, Observation::Committed(&first));
        show(3, Observation::Committed(&second));
        let answer = accountability.answer(&sets, Height::new(1));
        assert_eq!(answer.ok().as_deref(), named);
    }
}

/// Goal: an offence that is proven against a correct validator.
#[test]
fn a_correct_validator_that_is_framed_is_found() {
    for (liars, finding) in [(liars(), None), (BTreeSet::new(), Some("accountability"))] {
        let mut bench = bench_with(liars);
        let header = bench.header();
        let votes = [prevote(0, Some(header.id()), None), prevote(0, None, None)];
        let votes = votes.map(|said| {
            let signature = bench.sign(1, &said);
            Vote::new(ValidatorIndex::new(1), said, signature).expect("it is a vote")
        });
        let heard = frame(Message::Votes(votes.to_vec()));
        assert_eq!(bench.show(ME, Observation::Received(&heard)), finding);
    }
}

/// Goal: words under a signature that was never made for them prove nothing.
#[test]
fn words_put_into_a_mouth_prove_nothing() {
    let mut bench = bench();
    bench.hear_votes(&[1], prevote(0, None, None));
    let header = bench.header();
    bench.hear_votes(&[1], prevote(0, Some(header.id()), None));
    let said = prevote(0, None, None);
    let signature = bench.sign(3, &said);
    let vote = Vote::new(ValidatorIndex::new(1), said, signature).expect("it is a vote");
    bench.hear(Message::Votes(vec![vote]));
}
