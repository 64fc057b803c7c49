//! Who validates and by which parameters, as the books have it.
//!
//! Invariant: each list ascends by the first height that an entry governs; at most the last entry is not in force.
//! Source: `docs/spec/ledger.md`, "Sets and parameters".

use std::collections::{BTreeMap, BTreeSet};

use falaj_consensus::params::Parameters;
use falaj_consensus::types::Hash32;
use falaj_consensus::validator_set::{Validator, ValidatorSet};
use falaj_ledger::genesis::Genesis;
use falaj_ledger::proposal::ParametersChange;
use falaj_ledger::set_change::SetChange;

use super::answer;

/// The sets and parameters that were decided.
#[derive(Debug)]
pub(super) struct Governing {
    sets: Vec<(u64, ValidatorSet)>,
    parameters: Vec<(u64, Parameters)>,
}

impl Governing {
    pub(super) fn new(genesis: &Genesis) -> Self {
        Self {
            sets: vec![(1, genesis.validators.clone())],
            parameters: vec![(1, genesis.parameters)],
        }
    }

    /// The sets that were decided, each with the first height that it validates.
    pub(super) fn sets(&self) -> impl Iterator<Item = (u64, &ValidatorSet)> {
        self.sets.iter().map(|(from, set)| (*from, set))
    }

    /// The parameters that were decided, each with the first height that they govern.
    pub(super) fn parameters(&self) -> impl Iterator<Item = (u64, Parameters)> {
        self.parameters.iter().copied()
    }

    /// Hashes of the set and the parameters that the block of a height fixes.
    pub(super) fn decided(&self) -> (Hash32, Hash32) {
        let (_, set) = self.sets.last().expect("genesis has a set");
        let (_, parameters) = self.parameters.last().expect("genesis has parameters");
        (set.hash(), parameters.hash())
    }

    /// The set that a step leads to, if the block of that height may decide it.
    pub(super) fn next_set(&self, height: u64, step: &SetChange) -> Result<ValidatorSet, u16> {
        let (from, set) = self.sets.last().expect("genesis has a set");
        if *from > height {
            return Err(answer::UNDER_WAY);
        }
        if step.base != set.hash() {
            return Err(answer::MISMATCH);
        }
        let mut members: BTreeMap<u32, Validator> = BTreeMap::new();
        for member in set.members() {
            members.insert(member.id.get(), member.clone());
        }
        let before = members.clone();
        let gone: BTreeSet<u32> = step.leaving.iter().map(|id| id.get()).collect();
        if gone.iter().any(|id| members.remove(id).is_none()) {
            return Err(answer::MISMATCH);
        }
        for entry in &step.entries {
            let (id, new) = (entry.validator.id.get(), &entry.validator);
            let old = before.get(&id);
            let proves = old.map(|old| &old.key) != Some(&new.key);
            if gone.contains(&id) || old == Some(new) || proves != entry.possession.is_some() {
                return Err(answer::MISMATCH);
            }
            members.insert(id, new.clone());
        }
        if !is_small_step(&before, &members) {
            return Err(answer::TOO_LARGE);
        }
        ValidatorSet::new(members.into_values().collect()).map_err(|_| answer::MISMATCH)
    }

    pub(super) fn decide_set(&mut self, height: u64, set: ValidatorSet) {
        self.sets.push((height + 2, set));
    }

    /// The parameters that a change leads to, if the block of that height may decide them.
    pub(super) fn next_parameters(
        &self,
        height: u64,
        change: &ParametersChange,
    ) -> Result<Parameters, u16> {
        let (from, now) = self.parameters.last().expect("genesis has parameters");
        let new = change.parameters;
        let fixed = |parameters: &Parameters| parameters.limits.transaction_bytes_max;
        let timers = new.timeouts;
        let grown_ms = u64::from(timers.growth_ms) * u64::from(timers.growth_rounds_max);
        let outgrows = new.delay_growth_us >= 10_000 && grown_ms >= 10_000;
        if *from > height {
            Err(answer::UNDER_WAY)
        } else if change.base != now.hash() || new == *now || fixed(&new) != fixed(now) || !outgrows
        {
            Err(answer::MISMATCH)
        } else {
            Ok(new)
        }
    }

    pub(super) fn decide_parameters(&mut self, height: u64, parameters: Parameters) {
        self.parameters.push((height + 2, parameters));
    }
}

/// At most f of the validators, or one; and more than two thirds of the power, of that before and of that after, stay where they are.
fn is_small_step(before: &BTreeMap<u32, Validator>, after: &BTreeMap<u32, Validator>) -> bool {
    let (mut validators, mut stays) = (0_usize, 0_u128);
    let ids: BTreeSet<&u32> = before.keys().chain(after.keys()).collect();
    for id in ids {
        let same_key = before.get(id).map(|one| &one.key) == after.get(id).map(|one| &one.key);
        let (was, is) = (power(before, *id), power(after, *id));
        validators += usize::from(!same_key || was != is);
        stays += if same_key { was.min(is) } else { 0 };
    }
    let total = |set| BTreeMap::keys(set).map(|id| power(set, *id)).sum::<u128>();
    let most = |total: u128| 3 * stays > 2 * total;
    validators <= ((before.len() - 1) / 3).max(1) && most(total(before)) && most(total(after))
}

fn power(set: &BTreeMap<u32, Validator>, id: u32) -> u128 {
    set.get(&id).map_or(0, |one| one.power.get().into())
}
