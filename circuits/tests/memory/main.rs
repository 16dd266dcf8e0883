//! The memory gadgets put together, against dishonest provers: each lie is carried through to roots, transcript, challenge, inverses and public input, so
//! that what is left of broken rules is what really stands in its way (MEMORY.md, sections 9 and 10).
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod accesses;
mod bound;
mod closed;
mod freedom;
mod honest;
mod open;
mod pools;
mod small;
mod table;
mod trees;
