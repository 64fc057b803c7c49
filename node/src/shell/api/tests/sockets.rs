//! Clients on real sockets that are slow, greedy or talk nonsense: they are cut off or answered, and hold up nobody.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::super::context::STREAMS_MAX;
use super::super::serve::HEADER_BYTES_MAX;
use super::world::World;

async fn connect(address: SocketAddr, text: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text).await.unwrap();
    stream
}

/// Everything until the server closes.
async fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    // A connection that is reset under unread bytes has been closed as well.
    drop(stream.read_to_end(&mut bytes).await);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Status and problem of one request on a connection of its own.
async fn ask(address: SocketAddr, text: &[u8]) -> (u16, Value) {
    let answer = rest(connect(address, text).await).await;
    let status = answer.split(' ').nth(1).and_then(|word| word.parse().ok());
    let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
    (
        status.unwrap_or_default(),
        serde_json::from_str(body).unwrap_or_default(),
    )
}

async fn is_served(address: SocketAddr) {
    let request = b"GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    assert_eq!(ask(address, request).await.0, 200);
}

fn post(head: &str, body: &[u8]) -> Vec<u8> {
    let text = format!(
        "POST /v1/transactions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{head}\r\n\r\n"
    );
    [text.as_bytes(), body].concat()
}

const OCTETS: &str = "content-type: application/octet-stream\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn slow_headers_are_cut_off() {
    let world = World::start();
    let address = world.serve_impatiently(Duration::from_millis(50)).await;
    let slow = connect(address, b"GET /livez HTTP/1.1\r\nhost: localhost\r\nx-").await;
    let answer = rest(slow).await;
    assert!(!answer.contains("200 OK"), "{answer}");
    let silent = connect(address, b"").await;
    assert_eq!(rest(silent).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_headers_and_bodies_hold_up_nobody() {
    let world = World::start();
    let address = world.serve().await;
    let mut held = Vec::new();
    for _ in 0..100 {
        held.push(connect(address, b"GET /livez HT").await);
        let begun = post(&format!("{OCTETS}content-length: 1000"), b"begun");
        held.push(connect(address, &begun).await);
    }
    is_served(address).await;
    world.pay(1).await;
    drop(held);
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_that_nobody_reads_are_bounded_and_hold_up_nobody() {
    let world = World::start();
    let address = world.serve().await;
    let open =
        b"GET /v1/events/blocks?from_height=1 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let mut held = Vec::new();
    for _ in 0..STREAMS_MAX {
        let mut stream = connect(address, open).await;
        let mut first = [0; 12];
        stream.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
        held.push(stream);
    }
    let (status, problem) = ask(address, open).await;
    assert_eq!((status, &problem["name"]), (429, &Value::from("busy")));
    for minor_units in 1..=20 {
        world.pay(minor_units).await;
    }
    is_served(address).await;
    drop(held);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_malformed_or_too_long_is_a_problem_with_its_code() {
    let world = World::start();
    let address = world.serve().await;
    let stated = post(&format!("{OCTETS}content-length: 1048577"), b"");
    let chunk = vec![b'a'; 1 << 20];
    let mut unstated = post(
        &format!("{OCTETS}transfer-encoding: chunked"),
        b"100000\r\n",
    );
    unstated.extend(&chunk);
    unstated.extend(b"\r\n1\r\na\r\n0\r\n\r\n");
    let sound = world.payment(1).to_bytes();
    let trailing = [sound.as_slice(), b"\0"].concat();
    let cut = &sound[..sound.len() - 1];
    let whole = |bytes: &[u8]| post(&format!("{OCTETS}content-length: {}", bytes.len()), bytes);
    for (request, expected) in [
        (stated, (413, 1012)),
        (unstated, (413, 1012)),
        (whole(&trailing), (400, 1001)),
        (whole(cut), (400, 1001)),
        (whole(b""), (400, 1001)),
    ] {
        let (status, problem) = ask(address, &request).await;
        let code = problem["code"].as_u64().unwrap_or_default();
        assert_eq!((status, code), expected, "{problem}");
        assert!(
            problem["type"]
                .as_str()
                .unwrap()
                .starts_with("urn:falaj:problem:")
        );
    }
    let (status, _) = ask(address, &whole(&sound)).await;
    assert_eq!(status, 202);
}

// What is not HTTP is answered by its status alone, and the connection is closed.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_closes_its_connection() {
    let world = World::start();
    let address = world.serve().await;
    let begun = b"GET /livez HTTP/1.1\r\nx: ".to_vec();
    let with_header_of = |bytes| [&begun[..], &vec![b'a'; bytes]].concat();
    // As many bytes as headers may have, and no end of them yet: all of it is read, so the answer comes through.
    let full = with_header_of(HEADER_BYTES_MAX - begun.len());
    let binary: Vec<u8> = (0..=255).cycle().take(4096).collect();
    for (text, status) in [
        (full.as_slice(), 431),
        (b"NONSENSE\r\n\r\n".as_slice(), 400),
        (
            b"GET /livez HTTP/1.1\r\ncontent-length: -1\r\n\r\n".as_slice(),
            400,
        ),
        (binary.as_slice(), 400),
    ] {
        assert_eq!(ask(address, text).await.0, status);
    }
    // More than the server reads: it closes under the rest, and the system may then take the answer back (RFC 9112, section 9.6).
    let found = ask(address, &with_header_of(64 * 1024)).await.0;
    assert!([431, 0].contains(&found), "{found}");
    is_served(address).await;
}
