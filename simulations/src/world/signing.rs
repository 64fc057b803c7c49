//! The host of a signer: its guard's disk, its token, and the order between them.
//!
//! Invariant: the shipped [`SignerHome`] decides; the token works while the disk syncs; an answer leaves when the home releases it.
//! Shape: one call at a time is at the token, as one thread waits for it; a call whose deadline passed before it began is dropped.
//! Source: `docs/spec/guard.md`, "The home".

use std::sync::Arc;

use falaj_consensus::crypto::{PublicKey, Signature};
use falaj_consensus::durable::{LogError, LogId};
use falaj_consensus::message::SignBytes;
use falaj_hsm::{
    Alarm, BackendCall, BackendError, CallId, Fault, Input as SignerInput, Latch,
    Output as SignerOutput, Refusal, SignerHome, WitnessFile,
};
use falaj_node::core::Input;

use super::World;
use super::event::Completion;
use crate::checker::Observation;
use crate::disk::SimDisk;
use crate::economy::{key_of, validator_of};
use crate::hsm::{Answer, KeyIndex};
use crate::marks::Mark;
use crate::types::{NodeIndex, SimTime};

/// A signer with its disk and its place in the token's queue.
pub(super) struct SignerDevice {
    key: KeyIndex,
    home: SignerHome<SimDisk>,
    disk: SimDisk,
    /// The data folder's memory of the guard.
    memory: WitnessFile<SimDisk>,
    syncing: bool,
    token_free_at: SimTime,
    /// What the backend has met that only a person can judge: it asks the token no more.
    switched_off: Option<Fault>,
}

impl SignerDevice {
    pub(super) const fn new(
        key: KeyIndex,
        home: SignerHome<SimDisk>,
        disk: SimDisk,
        memory: WitnessFile<SimDisk>,
    ) -> Self {
        let token_free_at = SimTime::START;
        Self {
            key,
            home,
            disk,
            memory,
            syncing: false,
            token_free_at,
            switched_off: None,
        }
    }

    pub(super) const fn key(&self) -> KeyIndex {
        self.key
    }

    pub(super) fn is_of(&self, key: &PublicKey) -> bool {
        self.home.signer().key() == key
    }

    pub(super) const fn home(&self) -> &SignerHome<SimDisk> {
        &self.home
    }

    pub(super) const fn is_switched_off(&self) -> bool {
        self.switched_off.is_some()
    }

    /// Writes and syncs everything; then the data folder remembers where the guard stands, never before.
    fn settle(&mut self) -> Result<(), LogError> {
        self.home.settle()?;
        let Ok(guard) = self.home.signer().guard() else {
            return Ok(());
        };
        let remembered = self.memory.remember(guard.witness());
        let log = LogId::Guard;
        remembered.map_err(|source| LogError::Disk { log, source })
    }
}

impl World {
    /// Asks the signer of a key.
    pub(super) fn ask_signer(&mut self, place: NodeIndex, key: &PublicKey, input: SignerInput) {
        if let Some(key) = self.registry.keys().index_of(key) {
            self.with_signer(place, key, |signer, now| signer.home.submit(now, input));
        }
    }

    /// Tells the signers of all keys of a node.
    pub(super) fn tell_signers(&mut self, place: NodeIndex, input: &SignerInput) {
        for key in self.keys_of(place) {
            let input = input.clone();
            self.with_signer(place, key, |signer, now| signer.home.submit(now, input));
        }
    }

    /// The keys that a node's process signs with.
    fn keys_of(&self, place: NodeIndex) -> Vec<KeyIndex> {
        let process = self.nodes[place.position()].process.iter();
        process
            .flat_map(|process| process.signers.iter().map(SignerDevice::key))
            .collect()
    }

    pub(super) fn call_done(
        &mut self,
        place: NodeIndex,
        (key, call): (KeyIndex, CallId),
        result: Option<Result<Signature, BackendError>>,
    ) {
        self.with_signer(place, key, |signer, now| match result {
            Some(result) => signer.home.complete(now, call, result),
            None => signer.home.drop_call(now, call),
        });
    }

    pub(super) fn guard_synced(&mut self, place: NodeIndex, key: KeyIndex) {
        self.with_signer(place, key, |signer, _| {
            signer.syncing = false;
            signer.home.sync()
        });
    }

    /// An idle moment: signatures and audit records are written, and old ones dropped.
    pub(super) fn settle_guard(&mut self, place: NodeIndex) {
        for key in self.keys_of(place) {
            self.with_signer(place, key, |signer, _| signer.settle());
        }
    }

    /// Does something with a node's signer, then all that follows from it.
    fn with_signer(
        &mut self,
        place: NodeIndex,
        key: KeyIndex,
        work: impl FnOnce(&mut SignerDevice, falaj_consensus::types::Now) -> Result<(), LogError>,
    ) {
        let at = self.now();
        let node = &mut self.nodes[place.position()];
        let now = node.now_if_up(at);
        let (Some(process), Some(now)) = (&mut node.process, now) else {
            return;
        };
        let Some(signer) = process.signer_of(key) else {
            return;
        };
        match work(signer, now) {
            Ok(()) => self.advance_signer(place, key),
            Err(error) => self.disk_failed(place, &error),
        }
    }

    fn advance_signer(&mut self, place: NodeIndex, key: KeyIndex) {
        let process = self.nodes[place.position()].process.as_mut();
        let Some(signer) = process.and_then(|process| process.signer_of(key)) else {
            return;
        };
        let calls = signer.home.take_calls();
        let begins = signer.home.needs_sync() && !signer.syncing;
        signer.syncing |= begins;
        let sync_ns = signer.disk.sync_delay_ns();
        let released = signer.home.released();
        if begins {
            self.mark_sync(sync_ns);
            self.later(place, sync_ns, Completion::GuardSynced(key));
        }
        for call in calls {
            self.call_token(place, key, &call);
        }
        for output in released {
            self.signer_output(place, key, output);
        }
    }

    fn call_token(&mut self, place: NodeIndex, key: KeyIndex, call: &BackendCall) {
        let at = self.now();
        let chain = &self.shared.of(&self.nodes[place.position()]).chain;
        if let Ok((_, statement)) = SignBytes::parse(chain, call.work.as_slice()) {
            self.observe(place, Observation::Intended(&statement));
        }
        let node = &mut self.nodes[place.position()];
        let process = node.process.as_mut();
        let Some(signer) = process.and_then(|process| process.signer_of(key)) else {
            return;
        };
        let begins = signer.token_free_at.max(at);
        let Some(budget) = call.budget(node.clock.now(begins)) else {
            let after_ns = begins.get() - at.get();
            let (call, result) = (call.id, None);
            return self.later(place, after_ns, Completion::Called { key, call, result });
        };
        let budget_ns = u64::try_from(budget.as_nanos()).unwrap_or(u64::MAX);
        let Answer { after_ns, result } = match signer.switched_off {
            Some(fault) => Answer::refused(fault),
            None => {
                let registry = &mut self.registry;
                node.token.perform(registry, at, place, key, &call.work)
            }
        };
        let ends = begins.after_ns(after_ns.min(budget_ns));
        signer.token_free_at = ends;
        let result = if after_ns > budget_ns {
            let after_ns = begins.after_ns(after_ns).get() - at.get();
            self.answer_late(place, after_ns, (key, call.id), result);
            Err(BackendError::new(Fault::Timeout))
        } else {
            result
        };
        self.note_answer(place, key, &result);
        let (call, result) = (call.id, Some(result));
        let after_ns = ends.get() - at.get();
        self.later(place, after_ns, Completion::Called { key, call, result });
    }

    /// What a call brings when nobody waits for it any more.
    fn answer_late(
        &mut self,
        place: NodeIndex,
        after_ns: u64,
        (key, call): (KeyIndex, CallId),
        result: Result<Signature, BackendError>,
    ) {
        if let Ok(signature) = result {
            let late = Completion::LateSuccess {
                key,
                call,
                signature,
            };
            self.later(place, after_ns, late);
        }
    }

    /// What only a person can judge switches the backend off, for as long as its process runs.
    fn switch_off(&mut self, place: NodeIndex, key: KeyIndex, fault: Option<Fault>) {
        let mark = match fault {
            Some(Fault::Pin) => Mark::PinLocked,
            Some(Fault::Key) => Mark::KeyMissing,
            _ => return,
        };
        let process = self.nodes[place.position()].process.as_mut();
        let signer = process.and_then(|process| process.signer_of(key));
        if let Some(signer) = signer.filter(|signer| !signer.is_switched_off()) {
            signer.switched_off = fault;
            self.marks.hit(mark);
        }
    }

    fn mark_latch(&mut self, alarm: &Alarm) {
        let latch = |of| matches!(alarm, Alarm::Latched(latch) if *latch == of);
        self.marks
            .hit_if(latch(Latch::OwnKeyElsewhere), Mark::KeyElsewhere);
        self.marks
            .hit_if(latch(Latch::GuardOlder), Mark::GuardOlder);
    }

    /// Whether an alarm tells the truth about a bad token, as it should.
    fn is_of_token(&self, place: NodeIndex, alarm: &Alarm) -> bool {
        let told = matches!(alarm, Alarm::WrongSignature { .. });
        told && self.nodes[place.position()].token.has_lied()
    }

    fn note_answer(
        &mut self,
        place: NodeIndex,
        key: KeyIndex,
        result: &Result<Signature, BackendError>,
    ) {
        let fault = result.as_ref().err().map(|error| error.fault);
        self.switch_off(place, key, fault);
        self.marks
            .hit_if(fault == Some(Fault::Token), Mark::TokenGone);
        self.marks
            .hit_if(fault == Some(Fault::Timeout), Mark::LateSignature);
    }

    fn signer_output(&mut self, place: NodeIndex, key: KeyIndex, output: SignerOutput) {
        let at = self.now();
        match output {
            SignerOutput::Signed { id, result } => {
                if let Ok(signed) = &result {
                    let signed = signed.get();
                    let statement = &signed.statement;
                    self.registry.release(at, &signed.signature);
                    self.mark_statement(place, statement);
                    let shared = self.shared.of(&self.nodes[place.position()]);
                    let message = statement.sign_bytes(&shared.chain);
                    let message = message.as_slice();
                    let keys = Arc::clone(self.registry.keys());
                    let released = Observation::Released {
                        statement,
                        message,
                        key: keys.public(key),
                    };
                    self.observe(place, released);
                    self.marks
                        .hit_if(key != key_of(place), Mark::VotedWithNewKey);
                    let is_newcomer = self.shared.set.index_of(validator_of(place)).is_none();
                    self.marks.hit_if(is_newcomer, Mark::NewcomerVoted);
                    self.mark_mended(place);
                    self.other_user(place, statement);
                }
                let wrong = Fault::WrongSignature;
                let refused =
                    matches!(&result, Err(Refusal::Backend { fault, .. }) if *fault == wrong);
                self.marks.hit_if(refused, Mark::WrongSignature);
                self.input(place, Input::Signed { id, result });
            }
            SignerOutput::Alarm(alarm) => {
                self.mark_latch(&alarm);
                if !self.is_lying(place)
                    && !self.scenario.unsound.contains(&place)
                    && !self.is_of_token(place, &alarm)
                {
                    let what = format!("a correct node's signer raised {alarm:?}");
                    self.judge.blame("alarms", at, place, what);
                }
            }
            SignerOutput::Attested { .. } | SignerOutput::Decided { .. } => {}
        }
    }
}
