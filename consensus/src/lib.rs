//! The BFT protocol of Falaj as a pure state machine.
