//! Whether the node is alive, ready and voting.

/// `GET /livez`.
pub(super) async fn live() -> &'static str {
    "ok"
}
