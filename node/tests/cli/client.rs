//! A client of the node's API over a plain socket, and payments of the ledger's test world.

use falaj_ledger::genesis::Genesis;
use falaj_ledger::testing::{BANK_A, BANK_B, Who, account, transfer};
use falaj_ledger::transaction::{Approval, Op, SignedTx, TxBody, TxId, sign_bytes};
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// What the API answers: status and body.
pub(crate) fn get(api: SocketAddr, path: &str) -> (u16, String) {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {api}\r\nconnection: close\r\n\r\n");
    send(api, request.as_bytes())
}

/// The last final height of a node.
pub(crate) fn height(api: SocketAddr) -> u64 {
    let (status, body) = get(api, "/v1/status");
    assert_eq!(status, 200, "{body}");
    let status: Value = serde_json::from_str(&body).unwrap();
    status["height"].as_u64().unwrap()
}

/// Submits a payment and waits until it is final. `number` makes its id.
pub(crate) fn pay(api: SocketAddr, home: &Path, number: u8) -> Value {
    let bytes = payment(home, number).to_bytes();
    let mut request = format!(
        "POST /v1/transactions?wait=final HTTP/1.1\r\nhost: {api}\r\nconnection: close\r\n\
         content-type: application/octet-stream\r\ncontent-length: {}\r\n\r\n",
        bytes.len()
    )
    .into_bytes();
    request.extend(bytes);
    let (status, body) = send(api, &request);
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

fn send(api: SocketAddr, request: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(api).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).and_then(|word| word.parse().ok());
    let body = answer
        .split_once("\r\n\r\n")
        .map(|(_, body)| body.to_owned());
    (status.unwrap(), body.unwrap())
}

fn payment(home: &Path, number: u8) -> SignedTx {
    let genesis = std::fs::read_to_string(home.join("genesis.json")).unwrap();
    let genesis = Genesis::from_json(&genesis).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now_ms = u64::try_from(now.as_millis()).unwrap();
    let body = TxBody {
        version: TxBody::VERSION,
        genesis_hash: genesis.hash(),
        participant: BANK_A,
        id: TxId::new(now_ms, [number; 10]).unwrap(),
        valid_from_ms: 0,
        valid_until_ms: now_ms + 60_000,
        op: Op::Transfer(transfer(account(BANK_A, 1), account(BANK_B, 1), 1)),
    };
    let key = Who::Participant(BANK_A).key();
    let approval = Approval {
        public_key: key.public(),
        signature: key.sign(&sign_bytes(&genesis.chain(), &body)),
    };
    SignedTx::new(body, vec![approval]).unwrap()
}
