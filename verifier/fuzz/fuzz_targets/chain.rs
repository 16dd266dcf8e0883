//! What a node keeps and follows: anchor headers, checkpoints, registries, ids and elements.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tapstone_verifier::{AnchorCommitment, AnchorHeader, Checkpoint, Element, Registry, VkId};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(header) = AnchorHeader::from_bytes(bytes) {
        assert_eq!(header.to_bytes()[..], *bytes);
    }
    if let Ok(checkpoint) = Checkpoint::from_bytes(bytes) {
        assert_eq!(checkpoint.to_bytes()[..], *bytes);
    }
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(registry) = Registry::from_text(text) {
        assert_eq!(registry.to_text(), text);
    }
    if let Ok(id) = text.parse::<VkId>() {
        assert_eq!(id.to_string(), text);
    }
    if let Ok(commitment) = text.parse::<AnchorCommitment>() {
        assert_eq!(commitment.to_string(), text);
    }
    if let Ok(element) = text.parse::<Element>() {
        assert_eq!(element.to_string(), text);
    }
});
