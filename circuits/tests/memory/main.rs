//! The memory gadgets put together, against dishonest provers: each lie is carried through to roots, transcript, challenge, inverses and public input, so
//! that what is left of broken rules is what really stands in its way (MEMORY.md, section 8).
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod accesses;
mod bound;
mod freedom;
mod honest;
mod pools;
mod small;
mod trees;
