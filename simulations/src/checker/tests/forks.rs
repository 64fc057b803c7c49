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
    for (heard, oracle) in [(true, "agreement"), (false, "accountability")] {
        let mut bench = bench_with(liars());
        if heard {
            let polka = polka(&mut bench, 1, other.id(), &[0, 1, 3]);
            bench.hear(Message::Polka(polka));
        }
        let violation = fork(&mut bench, 1).expect("there is a fork");
        assert_eq!(violation.oracle, oracle, "{violation}");
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
