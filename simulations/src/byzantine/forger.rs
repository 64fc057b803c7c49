//! A forger: certificates and polkas that say something else than what was signed, or that too few have signed.

use falaj_consensus::message::{CommitCertificate, Polka};
use falaj_consensus::types::{BlockId, Hash32, OutcomeHash};
use falaj_consensus::validator_set::Bitmap;
use falaj_node::core::{Frame, Message};

use super::{Liar, Lie, beside};
use crate::chance::{Draw, Site};
use crate::marks::Mark;
use crate::types::NodeIndex;

const FORGE: Site = Site::new("byzantine/forge");

pub(super) fn rewrite(liar: &mut Liar<'_>, to: Vec<NodeIndex>, frame: Frame) -> Vec<Lie> {
    let draw = liar.draw(FORGE);
    let forged = match &frame.message {
        Some(Message::Certificate(certificate)) => {
            vec![Message::Certificate(certificate_of(
                liar,
                &draw,
                certificate,
            ))]
        }
        Some(Message::Polka(polka)) => vec![Message::Polka(polka_of(&draw, polka))],
        Some(Message::Proposal(bundle)) => {
            let parent = bundle.parent.iter();
            let forged = parent.map(|parent| certificate_of(liar, &draw, parent));
            forged.map(Message::Certificate).collect()
        }
        _ => Vec::new(),
    };
    let lies = forged
        .into_iter()
        .map(|message| liar.says(message))
        .collect();
    beside(liar, Mark::ForgedCertificate, (to, frame), lies)
}

fn certificate_of(
    liar: &Liar<'_>,
    draw: &Draw,
    certificate: &CommitCertificate,
) -> CommitCertificate {
    let mut forged = certificate.clone();
    match draw.word(0).below(5) {
        0 => forged.outcome = OutcomeHash::new(Hash32::new([7; 32])),
        1 => forged.id = BlockId::new(Hash32::new([7; 32])),
        2 => forged.height = liar.open().next(),
        3 => {
            forged.signatures.truncate(1);
            forged.signers = Bitmap::none(usize::from(liar.validators()));
            if liar.is_member() {
                forged.signers.insert(liar.index());
            }
        }
        _ => {
            if let Some(first) = forged.signatures.first().cloned() {
                forged.signatures.fill(first);
            }
        }
    }
    forged
}

fn polka_of(draw: &Draw, polka: &Polka) -> Polka {
    let mut forged = polka.clone();
    match draw.word(0).below(3) {
        0 => forged.id = BlockId::new(Hash32::new([7; 32])),
        1 => forged.round = forged.round.next(),
        _ => forged.valid_round = Some(forged.round),
    }
    forged
}
