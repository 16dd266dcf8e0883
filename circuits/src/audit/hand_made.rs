//! Rules that the search for breaches does not break alone: a state or a batch must be forged throughout, which tests of
//! `tests/soundness` do by hand.

/// Rule, and where it is broken: a test, or the argument why it is needed.
pub const BY_HAND: [(&str, &str); 19] = [
    (
        "a deposit is refunded for want of a slot only if fewer than four are empty",
        "deposits::no_deposit_is_refunded_without_its_reason",
    ),
    (
        "a deposit is refunded for want of an account only if there is none",
        "deposits::no_deposit_is_refunded_without_its_reason",
    ),
    ("a new account takes the next index", "transfers::new_account_elsewhere"),
    ("a new account's leaf was empty", "transfers::new_account_elsewhere"),
    ("a new pool's leaf was empty", "pools::create_pool_rules"),
    (
        "a deposit with a valid key is refunded only if no account can be made",
        "deposits::no_deposit_is_refunded_without_its_reason",
    ),
    // The bits of a gadget on its own.
    ("a boolean", "AUDIT.md, index bits"),
    ("an account's index is made of bits", "AUDIT.md, index bits"),
    ("the slot has one kind or none", "hints::no_boolean_alone_changes_a_statement"),
    ("no bundle is open at the end of the batch", "hints::a_bundle_ends_where_its_message_is_reached"),
    ("only deposits are refunded, for one reason", "hints::two_reasons_for_one_refund"),
    ("only signed transactions are members of a bundle", "hints::a_bundle_ends_where_its_message_is_reached"),
    ("only signed transactions pay fees", "faults::a_fee_where_none_is_due"),
    ("the pool is the signed one", "batches::a_slot_uses_the_pool_that_was_signed"),
    ("the public input is the hash of the statement", "deposits::deposits_are_those_of_the_queue"),
    ("the recipient's key is the signed one", "transfers::recipient_with_another_key"),
    ("the signature verifies", "transfers::signature_by_another_key"),
    ("all members of a bundle name its message, and it ends with that digest", "bundles::a_member_alone"),
    ("a foreign credit that opens a slot leaves three free", "transfers::dust_and_a_full_account"),
];

/// The test that breaks a rule.
pub fn test_of(rule: &str) -> Option<&'static str> {
    BY_HAND.iter().find(|(had, _)| *had == rule).map(|(_, test)| *test)
}
