//! The authorities over validators and parameters: what they are asked for they propose, approve and have executed, one step after the other.
//!
//! Invariant: a step is made for the last set or parameters that clients have heard of; a key that enters proves that it is held.
//! Shape: the next step is proposed with the receipt of the one before, which is too early, and then proposed again until it is taken.
//! What the ledger refuses for good is given up.
//! Source: `docs/spec/ledger.md`, "Sets and parameters".

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use falaj_consensus::params::Parameters;
use falaj_consensus::types::{Height, ValidatorId, VotingPower};
use falaj_consensus::validator_set::{Validator, ValidatorSet};
use falaj_ledger::authority::ActionClass;
use falaj_ledger::genesis::Genesis;
use falaj_ledger::participant::ParticipantNumber;
use falaj_ledger::proposal::{Action, ParametersChange, ProposalId};
use falaj_ledger::rejection::Rejection;
use falaj_ledger::set_change::{Entry, SetChange};
use falaj_ledger::transaction::{Flags, Op, Propose, SignedTx, TxKey};

use super::making::Maker;
use crate::chance::{Chance, Draws, Site};
use crate::economy::{key_of, node_of, validator_of};
use crate::fault::Fault;
use crate::types::{NodeIndex, SimTime};

const GOVERN: Site = Site::new("workload/govern");
const CENTRAL_BANK: ParticipantNumber = ParticipantNumber::new(1);

/// What the authorities have been asked for.
#[derive(Debug)]
pub(super) struct Governing {
    chance: Draws,
    /// The last set that is known to be decided, and by which height.
    known: (Height, Arc<ValidatorSet>),
    /// The last parameters that are known to be decided by then.
    parameters: Parameters,
    asked: VecDeque<Fault>,
    /// The step that is on its way.
    waits: Option<Waits>,
}

/// Where a step is.
#[derive(Debug)]
struct Waits {
    key: TxKey,
    proposal: ProposalId,
    next: VecDeque<Next>,
}

#[derive(Clone, Copy, Debug)]
enum Next {
    Approve,
    Execute,
}

impl Governing {
    pub(super) fn new(chance: &Chance, genesis: &Genesis) -> Self {
        Self {
            chance: chance.draws(GOVERN, 0),
            known: (Height::new(0), Arc::new(genesis.validators.clone())),
            parameters: genesis.parameters,
            asked: VecDeque::new(),
            waits: None,
        }
    }

    /// Somebody wants other validators or parameters.
    pub(super) fn ask(&mut self, step: Fault) {
        self.asked.push_back(step);
    }

    /// Clients hear of a height, and of the last set and parameters that are decided by it.
    pub(super) fn hear(
        &mut self,
        height: Height,
        (set, parameters): (&Arc<ValidatorSet>, Parameters),
    ) {
        if height > self.known.0 {
            self.known = (height, Arc::clone(set));
            self.parameters = parameters;
        }
    }

    /// The proposal of the next step, unless one is on its way.
    pub(super) fn begin(&mut self, maker: &mut Maker, at: SimTime) -> Option<SignedTx> {
        if self.waits.is_some() {
            return None;
        }
        let (class, action) = loop {
            let asked = self.asked.front()?;
            match self.action(maker, asked) {
                Some(action) => break action,
                None => self.asked.pop_front(),
            };
        };
        let op = Op::Propose(Propose {
            authority: maker.economy.authority(class),
            action,
            flags: Flags::NONE,
        });
        let body = maker.body(at, self.chance.next().word(0), CENTRAL_BANK, op);
        self.waits = Some(Waits {
            key: body.key(),
            proposal: ProposalId::new(body.content_hash().hash()),
            next: [Next::Approve, Next::Execute].into(),
        });
        let central_bank = maker.economy.central_bank;
        Some(maker.signed(body, &[central_bank]))
    }

    /// An answer came: what its step asks for next.
    pub(super) fn settled(
        &mut self,
        maker: &mut Maker,
        at: SimTime,
        key: TxKey,
        rejection: Option<Rejection>,
    ) -> Option<SignedTx> {
        let mut waits = self.waits.take_if(|waits| waits.key == key)?;
        if rejection.is_some() {
            self.refused(rejection);
            return self.begin(maker, at);
        }
        let Some(next) = waits.next.pop_front() else {
            self.asked.pop_front();
            return self.begin(maker, at);
        };
        let (op, signers) = match next {
            Next::Approve => {
                let members = maker.economy.members[..2].to_vec();
                (Op::Approve(waits.proposal), members)
            }
            Next::Execute => (
                Op::Execute(waits.proposal),
                vec![maker.economy.central_bank],
            ),
        };
        let body = maker.body(at, self.chance.next().word(0), CENTRAL_BANK, op);
        waits.key = body.key();
        self.waits = Some(waits);
        Some(maker.signed(body, &signers))
    }

    /// Whether a step waits for this.
    pub(super) fn waits_for(&self, key: TxKey) -> bool {
        self.waits.as_ref().is_some_and(|waits| waits.key == key)
    }

    /// What a step waits for has been given up: the next time anybody hears of a height it is begun anew.
    pub(super) fn given_up(&mut self, key: TxKey, rejection: Option<Rejection>) {
        if self.waits.take_if(|waits| waits.key == key).is_some() {
            self.refused(rejection);
        }
    }

    /// Who says that a step is too large knows the set that it is made for; everything else may be so because it came too early.
    fn refused(&mut self, rejection: Option<Rejection>) {
        if rejection == Some(Rejection::StepTooLarge) {
            self.asked.pop_front();
        }
    }

    /// What is proposed, and to whom; `None` if all is so already, or the ledger would not take it for parameters.
    fn action(&self, maker: &Maker, asked: &Fault) -> Option<(ActionClass, Action)> {
        let Fault::Tune(tuning) = asked else {
            let step = self.step(maker, asked)?;
            return Some((ActionClass::Validators, Action::Validators(step)));
        };
        let parameters = tuning.of(maker.economy.genesis.parameters);
        let base = self.parameters.hash();
        let is_right = parameters.check().is_ok() && parameters.outgrow();
        let is_change = is_right && parameters != self.parameters;
        let change = is_change.then_some(ParametersChange { base, parameters });
        change.map(|change| (ActionClass::Parameters, Action::Parameters(change)))
    }

    /// A step from the last set to what is asked for; `None` if that is so already.
    fn step(&self, maker: &Maker, asked: &Fault) -> Option<SetChange> {
        let (_, set) = &self.known;
        let now: BTreeMap<NodeIndex, &Validator> = by_node(set).collect();
        let (mut entries, mut leaving) = (Vec::new(), Vec::new());
        if let Fault::Leave { side } = asked {
            let members = side.iter().filter(|node| now.contains_key(node));
            leaving.extend(members.map(|node| validator_of(*node)));
        }
        if let Fault::Return { side } = asked {
            let all = maker.economy.validators.iter();
            let all = all.filter_map(|member| Some((node_of(member.id)?, member)));
            let absent = all.filter(|(node, _)| side.contains(node) && !now.contains_key(node));
            entries.extend(absent.map(|(_, validator)| validator.clone()));
        }
        if let Fault::Reweigh { side, power } = asked {
            let power = VotingPower::new(*power);
            let others = now
                .iter()
                .filter(|(node, now)| side.contains(node) && now.power != power);
            entries.extend(others.map(|(_, now)| Validator {
                power,
                ..(*now).clone()
            }));
        }
        if let Fault::Rotate { side } = asked {
            let members = now.iter().filter(|(node, _)| side.contains(node));
            entries.extend(members.filter_map(|(node, now)| rotated(maker, *node, now)));
        }
        leaving.sort_unstable();
        leaving.dedup();
        let bare = |validator: Validator| Entry {
            validator,
            possession: None,
        };
        let mut step = SetChange {
            base: set.hash(),
            entries: entries.into_iter().map(bare).collect(),
            leaving,
        };
        prove(maker, &now, &mut step);
        step.is_canonical().then_some(step)
    }
}

fn by_node(set: &ValidatorSet) -> impl Iterator<Item = (NodeIndex, &Validator)> {
    let members = set.members().iter();
    members.filter_map(|member| Some((node_of(member.id)?, member)))
}

/// A validator with the other one of its two keys.
fn rotated(maker: &Maker, node: NodeIndex, now: &Validator) -> Option<Validator> {
    let economy = &maker.economy;
    let first = economy.keys.public(key_of(node));
    let second = economy.keys.public(economy.second_key(node)?);
    let key = if now.key == *first { second } else { first };
    Some(Validator {
        key: key.clone(),
        ..now.clone()
    })
}

/// Keys that are new under their id sign the step.
fn prove(maker: &Maker, now: &BTreeMap<NodeIndex, &Validator>, step: &mut SetChange) {
    let economy = &maker.economy;
    let chain_id = &economy.genesis.chain_id;
    let proofs = step.entries.iter().map(|entry| {
        let Validator { id, key, .. } = &entry.validator;
        let node = own_node(*id);
        let is_new = now.get(&node).is_none_or(|now| now.key != *key);
        is_new.then(|| {
            let bytes = step.possession_bytes(chain_id, &entry.validator);
            let own = economy.keys.index_of(key);
            economy
                .keys
                .sign(own.expect("it is one of the run"), 0, &bytes)
        })
    });
    let proofs: Vec<_> = proofs.collect();
    for (entry, proof) in step.entries.iter_mut().zip(proofs) {
        entry.possession = proof;
    }
}

fn own_node(id: ValidatorId) -> NodeIndex {
    node_of(id).expect("validators of a simulation are nodes")
}
