//! A block's changes over the state before it: read-through, undecided, written at the end in one set.
//!
//! Invariant: the state under it never changes; events are numbered on from the state's log.
//! Errors: [`Overlay::check_conservation`] panics on money made or lost.

use falaj_consensus::params::Parameters;
use falaj_consensus::proposer::Bench;
use falaj_consensus::types::Height;
use falaj_consensus::validator_set::ValidatorSet;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::Call;
use super::table::Table;
use crate::account::{Account, AccountId, Place};
use crate::authority::{Authority, AuthorityId};
use crate::currency::{Currency, CurrencyCode};
use crate::dedup;
use crate::event::{Event, EventKind};
use crate::evidence::{Ages, EvidenceSeen, SeenKey};
use crate::gate::{Feature, Gate};
use crate::log_tree::Frontier;
use crate::participant::{Participant, ParticipantNumber};
use crate::proposal::{Proposal, ProposalId};
use crate::reference::{Reference, Uetr};
use crate::state::{
    PinCount, ProposalExpiry, RtgsUse, State, Tip, UetrUse, WindowOf, encode_record, key,
};
use crate::supply;
use crate::transaction::TxKey;
use crate::window::Window;
use crate::write_set::WriteSet;

/// What a block has changed so far.
pub(super) struct Overlay<'a> {
    state: &'a State,
    height: Height,
    time_us: u64,
    participants: BTreeMap<ParticipantNumber, Option<Arc<Participant>>>,
    authorities: BTreeMap<AuthorityId, Option<Arc<Authority>>>,
    accounts: Table<Account>,
    currencies: Table<Currency>,
    proposals: Table<Proposal>,
    expiries: Table<ProposalExpiry>,
    windows: Table<Window>,
    rtgs_references: Table<RtgsUse>,
    dedup: Table<dedup::Entry>,
    uetrs: Table<UetrUse>,
    pins: Table<PinCount>,
    evidence: Table<EvidenceSeen>,
    gates: Table<Gate>,
    set: Option<ValidatorSet>,
    parameters: Option<Parameters>,
    log: Frontier,
    events: Vec<Event>,
}

impl<'a> Overlay<'a> {
    pub(super) fn new(state: &'a State, height: Height, time_us: u64) -> Self {
        Self {
            state,
            height,
            time_us,
            participants: BTreeMap::new(),
            authorities: BTreeMap::new(),
            accounts: Table::new(),
            currencies: Table::new(),
            proposals: Table::new(),
            expiries: Table::new(),
            windows: Table::new(),
            rtgs_references: Table::new(),
            dedup: Table::new(),
            uetrs: Table::new(),
            pins: Table::new(),
            evidence: Table::new(),
            gates: Table::new(),
            set: None,
            parameters: None,
            log: state.events(),
            events: Vec::new(),
        }
    }

    /// The state before the block.
    pub(super) const fn state(&self) -> &'a State {
        self.state
    }

    pub(super) const fn height(&self) -> Height {
        self.height
    }

    pub(super) const fn time_us(&self) -> u64 {
        self.time_us
    }

    pub(super) fn participant(&mut self, number: ParticipantNumber) -> Option<Arc<Participant>> {
        let state = self.state;
        let load = || state.participant(number).map(Arc::new);
        self.participants.entry(number).or_insert_with(load).clone()
    }

    pub(super) fn authority(&mut self, id: AuthorityId) -> Option<Arc<Authority>> {
        let state = self.state;
        let load = || state.authority(id).map(Arc::new);
        self.authorities.entry(id).or_insert_with(load).clone()
    }

    pub(super) fn account(&mut self, id: AccountId) -> Option<&Account> {
        self.accounts.get(self.state, &id)
    }

    pub(super) fn put_account(&mut self, id: AccountId, account: Account) {
        self.accounts.put(self.state, &id, account);
    }

    pub(super) fn currency(&mut self, code: CurrencyCode) -> Option<&Currency> {
        self.currencies.get(self.state, &code)
    }

    pub(super) fn put_currency(&mut self, currency: Currency) {
        self.currencies
            .put(self.state, &currency.code.clone(), currency);
    }

    pub(super) fn proposal(&mut self, id: ProposalId) -> Option<&Proposal> {
        self.proposals.get(self.state, &id)
    }

    pub(super) fn put_proposal(&mut self, id: ProposalId, proposal: Proposal) {
        self.expiries
            .put(self.state, &(proposal.expires_us, id), ProposalExpiry);
        self.proposals.put(self.state, &id, proposal);
    }

    pub(super) fn delete_proposal(&mut self, expires_us: u64, id: ProposalId) {
        self.expiries.delete(self.state, &(expires_us, id));
        self.proposals.delete(self.state, &id);
    }

    pub(super) fn window(&mut self, of: WindowOf) -> Window {
        self.windows
            .get(self.state, &of)
            .cloned()
            .unwrap_or_default()
    }

    pub(super) fn put_window(&mut self, of: WindowOf, window: Window) {
        self.windows.put(self.state, &of, window);
    }

    pub(super) fn is_rtgs_reference_used(
        &mut self,
        code: CurrencyCode,
        reference: &Reference,
    ) -> bool {
        self.rtgs_references
            .get(self.state, &(code, reference.clone()))
            .is_some()
    }

    pub(super) fn use_rtgs_reference(
        &mut self,
        code: CurrencyCode,
        reference: &Reference,
        by: ProposalId,
    ) {
        self.rtgs_references
            .put(self.state, &(code, reference.clone()), RtgsUse(by));
    }

    pub(super) fn is_uetr_used(&mut self, participant: ParticipantNumber, uetr: Uetr) -> bool {
        self.uetrs.get(self.state, &(participant, uetr)).is_some()
    }

    pub(super) fn remembered(&mut self, key: TxKey) -> Option<&dedup::Entry> {
        self.dedup.get(self.state, &key)
    }

    /// Puts a key into the dedup map, with what lives as long as it does.
    pub(super) fn remember(&mut self, key: TxKey, entry: dedup::Entry) {
        if let Some(uetr) = entry.uetr {
            self.uetrs
                .put(self.state, &(key.participant, uetr), UetrUse(key));
        }
        if entry.pinned.is_some() {
            let count = self.pins(key.participant).saturating_add(1);
            self.pins.put(self.state, &key.participant, PinCount(count));
        }
        self.dedup.put(self.state, &key, entry);
    }

    /// Takes a key out of the dedup map, with what lived as long as it did.
    pub(super) fn forget(&mut self, key: TxKey, entry: &dedup::Entry) {
        if let Some(uetr) = entry.uetr {
            self.uetrs.delete(self.state, &(key.participant, uetr));
        }
        if entry.pinned.is_some() {
            match self.pins(key.participant).saturating_sub(1) {
                0 => self.pins.delete(self.state, &key.participant),
                count => self.pins.put(self.state, &key.participant, PinCount(count)),
            }
        }
        self.dedup.delete(self.state, &key);
    }

    /// Pinned failures of a participant that the dedup map holds.
    pub(super) fn pins(&mut self, participant: ParticipantNumber) -> u32 {
        self.pins
            .get(self.state, &participant)
            .map_or(0, |count| count.0)
    }

    pub(super) fn put_evidence(&mut self, key: SeenKey, seen: EvidenceSeen) {
        self.evidence.put(self.state, &key, seen);
    }

    pub(super) fn delete_evidence(&mut self, key: SeenKey) {
        self.evidence.delete(self.state, &key);
    }

    /// The first height that a set or parameters decided in this block govern.
    pub(super) fn decides(&self) -> Height {
        self.height.next().next()
    }

    /// The set that a change starts from, which is the last one decided; `None` while that is not in force.
    pub(super) fn settled_set(&self) -> Option<Arc<ValidatorSet>> {
        let settled = self.set.is_none() && self.state.is_set_in_force();
        settled.then(|| self.state.validators_at(self.height))
    }

    pub(super) fn put_set(&mut self, set: ValidatorSet) {
        self.set = Some(set);
    }

    /// The parameters that a change starts from, as [`Overlay::settled_set`].
    pub(super) fn settled_parameters(&self) -> Option<Parameters> {
        let settled = self.parameters.is_none() && self.state.are_parameters_in_force();
        settled.then(|| self.state.parameters_at(self.height))
    }

    pub(super) fn put_parameters(&mut self, parameters: Parameters) {
        self.parameters = Some(parameters);
    }

    /// The first height that a gate is scheduled for.
    pub(super) fn gate(&mut self, feature: Feature) -> Option<Height> {
        self.gates.get(self.state, &feature).map(|gate| gate.from)
    }

    pub(super) fn put_gate(&mut self, feature: Feature, from: Option<Height>) {
        match from {
            Some(from) => self.gates.put(self.state, &feature, Gate { from }),
            None => self.gates.delete(self.state, &feature),
        }
    }

    /// Appends an event to the log that a transaction caused.
    pub(super) fn record(&mut self, call: Call<'_>, kind: EventKind) {
        self.append(Some(call.tx.key()), call.place, kind);
    }

    /// Appends an event to the log.
    pub(super) fn append(&mut self, cause: Option<TxKey>, place: Place, kind: EventKind) {
        let event = Event {
            sequence: self.log.size(),
            cause,
            place,
            kind,
        };
        self.log.append(event.leaf_hash());
        self.events.push(event);
    }

    /// Compares what changed in accounts with what changed in supply.
    ///
    /// # Panics
    /// If they differ.
    pub(super) fn check_conservation(&self) {
        if let Err(breach) = supply::check_block(self.accounts.changes(), self.currencies.changes())
        {
            panic!("money was made or lost in block {}: {breach}", self.height);
        }
    }

    /// Everything the block changed, and the events it caused.
    pub(super) fn into_writes(
        self,
        tip: Tip,
        bench: Option<&Bench>,
        ages: Option<&Ages>,
    ) -> (WriteSet, Vec<Event>) {
        let mut writes = vec![(key::TIP.to_vec(), Some(encode_record(&tip)))];
        if !self.events.is_empty() {
            writes.push((key::EVENTS.to_vec(), Some(encode_record(&self.log))));
        }
        if let Some(bench) = bench {
            writes.push((key::BENCH.to_vec(), Some(encode_record(bench))));
        }
        if let Some(ages) = ages {
            writes.push((key::AGES.to_vec(), Some(encode_record(ages))));
        }
        if let Some(set) = &self.set {
            writes.push((key::set_from(self.decides()), Some(encode_record(set))));
        }
        if let Some(parameters) = &self.parameters {
            let key = key::parameters_from(self.decides());
            writes.push((key, Some(encode_record(parameters))));
        }
        self.currencies.write_to(&mut writes);
        self.accounts.write_to(&mut writes);
        self.proposals.write_to(&mut writes);
        self.expiries.write_to(&mut writes);
        self.windows.write_to(&mut writes);
        self.rtgs_references.write_to(&mut writes);
        self.dedup.write_to(&mut writes);
        self.uetrs.write_to(&mut writes);
        self.pins.write_to(&mut writes);
        self.evidence.write_to(&mut writes);
        self.gates.write_to(&mut writes);
        (writes.into_iter().collect(), self.events)
    }
}
