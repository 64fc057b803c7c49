//! Who validates each height, with which power and key, and by which parameters: what everybody is told by genesis, and then by the blocks that change it.
//!
//! Invariant: an entry holds from its first height until the next one's; entries are only added.
//! Shape: genesis fixes heights 1 and 2; what a block of height h decides comes from the books and holds from h + 2 on. Of heights that
//! are not fixed yet the last entry is told: whoever speaks of one truthfully knows a block that fixed it, so it is known here too.
//! Source: `docs/spec/ledger.md`, "Sets and parameters".

use falaj_consensus::crypto::PublicKey;
use falaj_consensus::params::Parameters;
use falaj_consensus::types::{Hash32, Height};
use falaj_consensus::validator_set::{Validator, ValidatorSet};

use super::quorum::Voters;
use crate::economy::node_of;
use crate::types::NodeIndex;

/// A validator of a set.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) node: NodeIndex,
    pub(super) power: u128,
    pub(super) key: PublicKey,
}

/// A set: its validators in order of id, so that a place in it is an index.
#[derive(Clone, Debug)]
pub(super) struct Members {
    members: Vec<Member>,
    total_power: u128,
    hash: Hash32,
}

impl Members {
    pub(super) fn of(set: &ValidatorSet) -> Self {
        let member = |member: &Validator| Member {
            node: node_of(member.id).expect("validators of a simulation are nodes"),
            power: member.power.get().into(),
            key: member.key.clone(),
        };
        let members: Vec<Member> = set.members().iter().map(member).collect();
        Self {
            total_power: members.iter().map(|member| member.power).sum(),
            members,
            hash: set.hash(),
        }
    }

    pub(super) const fn hash(&self) -> Hash32 {
        self.hash
    }

    pub(super) fn count(&self) -> u16 {
        u16::try_from(self.members.len()).expect("a simulation has few validators")
    }

    pub(super) fn member(&self, index: u16) -> Option<&Member> {
        self.members.get(usize::from(index))
    }

    /// The node that an index stands for.
    pub(super) fn node(&self, index: u16) -> Option<NodeIndex> {
        self.member(index).map(|member| member.node)
    }

    /// A node's own index, if it is a validator.
    pub(super) fn index_of(&self, node: NodeIndex) -> Option<u16> {
        let places = (0..).zip(&self.members);
        let mut own = places.filter(|(_, member)| member.node == node);
        own.next().map(|(index, _)| index)
    }

    /// Whether a key is that of the validator with an index.
    pub(super) fn has_key(&self, index: u16, key: &PublicKey) -> bool {
        self.member(index).is_some_and(|member| member.key == *key)
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = NodeIndex> {
        self.members.iter().map(|member| member.node)
    }

    pub(super) const fn total_power(&self) -> u128 {
        self.total_power
    }

    /// The power of these nodes, as far as they are validators.
    pub(super) fn power_of(&self, are: impl Fn(NodeIndex) -> bool) -> u128 {
        let those = self.members.iter().filter(|member| are(member.node));
        those.map(|member| member.power).sum()
    }

    /// The greatest power that may be faulty.
    pub(super) const fn bearable_power(&self) -> u128 {
        (self.total_power() - 1) / 3
    }

    /// More than two thirds of the power.
    pub(super) fn is_quorum(&self, voters: Voters) -> bool {
        3 * self.voting(voters) > 2 * self.total_power()
    }

    /// More than one third of it: at least one of them is correct.
    pub(super) fn is_hint(&self, voters: Voters) -> bool {
        3 * self.voting(voters) > self.total_power()
    }

    fn voting(&self, voters: Voters) -> u128 {
        let places = (0..).zip(&self.members);
        let those = places.filter(|(index, _)| voters.has(*index));
        those.map(|(_, member)| member.power).sum()
    }
}

/// The set and the parameters of every height.
#[derive(Clone, Debug)]
pub(super) struct Sets {
    sets: Vec<(Height, Members)>,
    parameters: Vec<(Height, Parameters)>,
}

impl Sets {
    pub(super) fn new(genesis: &ValidatorSet, parameters: Parameters) -> Self {
        Self {
            sets: vec![(Height::new(1), Members::of(genesis))],
            parameters: vec![(Height::new(1), parameters)],
        }
    }

    /// Takes in what the books have decided: entries beyond those that are known.
    pub(super) fn learn<'a>(&mut self, decided: impl Iterator<Item = (u64, &'a ValidatorSet)>) {
        let known = self.sets.len();
        let new = decided.skip(known);
        self.sets
            .extend(new.map(|(from, set)| (Height::new(from), Members::of(set))));
    }

    /// The same of parameters.
    pub(super) fn learn_parameters(&mut self, decided: impl Iterator<Item = (u64, Parameters)>) {
        let known = self.parameters.len();
        let new = decided.skip(known);
        self.parameters
            .extend(new.map(|(from, parameters)| (Height::new(from), parameters)));
    }

    /// The parameters of a height.
    pub(super) fn parameters_at(&self, height: Height) -> &Parameters {
        let in_force = self.parameters.iter().rev();
        let mut in_force = in_force.filter(|(from, _)| *from <= height);
        let (_, parameters) = in_force.next().unwrap_or(&self.parameters[0]);
        parameters
    }

    /// The set of a height.
    pub(super) fn at(&self, height: Height) -> &Members {
        let in_force = self.sets.iter().rev().find(|(from, _)| *from <= height);
        let (_, members) = in_force.unwrap_or(&self.sets[0]);
        members
    }
}

#[cfg(test)]
mod tests {
    use falaj_consensus::types::VotingPower;

    use super::*;
    use crate::chance::Chance;
    use crate::economy::Economy;
    use crate::scenario::Scenario;

    /// A set of these powers; who has none is no validator.
    fn set(powers: &[u64]) -> ValidatorSet {
        let count = u16::try_from(powers.len()).unwrap();
        let economy = Economy::new(&Chance::new(1), &Scenario::calm(count));
        let all = economy.genesis.validators.members().iter().zip(powers);
        let weighed = all.map(|(member, power)| Validator {
            power: VotingPower::new(*power),
            ..member.clone()
        });
        let members = weighed.filter(|member| member.power.get() > 0).collect();
        ValidatorSet::new(members).unwrap()
    }

    fn voters(indices: &[u16]) -> Voters {
        let mut voters = Voters::default();
        indices.iter().for_each(|index| voters.add(*index));
        voters
    }

    /// Goal: the borders of both sums, at the sizes that simulations use, of equal powers.
    #[test]
    fn borders_are_those_of_thirds() {
        for (validators, quorum, hint) in [
            (1, 1, 1),
            (3, 3, 2),
            (4, 3, 2),
            (5, 4, 2),
            (6, 5, 3),
            (7, 5, 3),
        ] {
            let members = Members::of(&set(&vec![1; validators]));
            let first = |count: u16| voters(&(0..count).collect::<Vec<_>>());
            assert!(members.is_quorum(first(quorum)));
            assert!(!members.is_quorum(first(quorum - 1)));
            assert!(members.is_hint(first(hint)));
            assert!(!members.is_hint(first(hint - 1)));
        }
    }

    /// Goal: powers decide, not heads: of 5, 2, 1 and 1 the first and one more are a quorum, and all others are none.
    #[test]
    fn quorums_are_sums_of_power() {
        let members = Members::of(&set(&[5, 2, 1, 1]));
        assert!(members.is_quorum(voters(&[0, 1])));
        assert!(!members.is_quorum(voters(&[0, 2])));
        assert!(!members.is_quorum(voters(&[1, 2, 3])));
        assert!(members.is_hint(voters(&[1, 2, 3])));
        assert!(!members.is_hint(voters(&[2, 3])));
        assert_eq!(members.bearable_power(), 2);
    }

    /// Goal: a set holds from its first height on, and an index stands for another node once somebody before it has left.
    #[test]
    fn a_set_holds_from_its_first_height() {
        let (all, fewer) = (set(&[1; 4]), set(&[1, 0, 1, 1]));
        let first = Parameters::default();
        let mut sets = Sets::new(&all, first);
        sets.learn([(1, &all), (7, &fewer)].into_iter());
        sets.learn([(1, &all), (7, &fewer)].into_iter());
        let at = |height| sets.at(Height::new(height));
        assert_eq!((at(6).count(), at(7).count()), (4, 3));
        assert_eq!(at(6).node(1), Some(NodeIndex::new(1)));
        assert_eq!(at(9).node(1), Some(NodeIndex::new(2)));
        assert_eq!(at(9).index_of(NodeIndex::new(1)), None);
        assert_eq!(at(9).index_of(NodeIndex::new(3)), Some(2));
        let mut second = first;
        second.timeouts.propose_ms += 1;
        sets.learn_parameters([(1, first), (7, second)].into_iter());
        let at = |height| *sets.parameters_at(Height::new(height));
        assert_eq!((at(6), at(7), at(9)), (first, second, second));
    }
}
