//! The light chain of headers: each rule by itself, difficulty by Bitcoin Core's own cases, branches and reorganisations.

use crate::story::*;
use bitcoin::{
    BlockHash, CompactTarget, Network, TxMerkleNode,
    block::{Header, Version},
    constants::genesis_block,
    hashes::Hash,
};
use tapstone_verifier::{
    anchor::blocks::{Added, BlockCheckpoint, HeaderChain, Position},
    error::BlockError,
};

/// Headers without work, linked, with these times and difficulties: what leads up to a checkpoint is bound by hash alone.
fn fake(blocks: &[(u32, u32)]) -> Vec<Header> {
    let mut out: Vec<Header> = Vec::new();
    for (time, bits) in blocks {
        out.push(Header {
            version: Version::from_consensus(4),
            prev_blockhash: out.last().map_or(nowhere(), Header::block_hash),
            merkle_root: TxMerkleNode::from_byte_array([1; 32]),
            time: *time,
            bits: CompactTarget::from_consensus(*bits),
            nonce: 0,
        });
    }
    out
}

/// A chain whose checkpoint is the last of these headers.
fn at(network: Network, height: u32, headers: &[Header]) -> Result<HeaderChain, BlockError> {
    let hash = headers.last().map_or(nowhere(), Header::block_hash);
    HeaderChain::new(BlockCheckpoint { network, height, hash }, headers, 10_000)
}

/// The difficulty that the rules ask of a header with this time after the checkpoint.
fn next_bits(chain: &mut HeaderChain, last: &Header, time: u32) -> u32 {
    let impossible = CompactTarget::from_consensus(0x0100_0001);
    let header = Header { prev_blockhash: last.block_hash(), bits: impossible, time, ..*last };
    match chain.add(header, None) {
        Err(BlockError::Bits { expected, actual, .. }) if actual == impossible => expected.to_consensus(),
        other => panic!("{other:?}"),
    }
}

/// A period of which the first and the last block have these times, and all these bits.
fn period(first: u32, last: u32, bits: u32) -> Vec<(u32, u32)> {
    let mut out = vec![(first, bits); 2015];
    out.push((last, bits));
    out
}

/// The cases of Bitcoin Core's `pow_tests.cpp`: height, times of the first and last block of the period, bits before and after.
#[test]
fn retargets_are_bitcoin_cores() {
    let cases = [
        (32_255, 1_261_130_161, 1_262_152_739, 0x1d00_ffff, 0x1d00_d86a),
        (2_015, 1_231_006_505, 1_233_061_996, 0x1d00_ffff, 0x1d00_ffff),
        (68_543, 1_279_008_237, 1_279_297_671, 0x1c05_a3f4, 0x1c01_68fd),
        (46_367, 1_263_163_443, 1_269_211_443, 0x1c38_7f6f, 0x1d00_e1fd),
    ];
    for (height, first, last, before, after) in cases {
        let headers = fake(&period(first, last, before));
        let mut chain = at(Network::Bitcoin, height, &headers).unwrap();
        assert_eq!(next_bits(&mut chain, &headers[2015], last + 600), after, "{height}");
        // Within a period nothing changes, however late a block is.
        let headers = &headers[..2015];
        let mut chain = at(Network::Bitcoin, height - 1, headers).unwrap();
        assert_eq!(next_bits(&mut chain, &headers[2014], last + 100_000), before);
    }
    // A period that seems to take less than no time counts as a quarter of two weeks.
    let headers = fake(&period(1_279_008_237, 1_279_000_000, 0x1c05_a3f4));
    let mut chain = at(Network::Bitcoin, 68_543, &headers).unwrap();
    assert_eq!(next_bits(&mut chain, &headers[2015], 1_279_300_000), 0x1c01_68fd);
}

#[test]
fn signet_retargets_within_its_own_limit() {
    let headers = fake(&period(1_600_000_000, 1_600_000_000 + 8 * 1_209_600, 0x1e03_77ae));
    let mut chain = at(Network::Signet, 2_015, &headers).unwrap();
    assert_eq!(next_bits(&mut chain, &headers[2015], 1_700_000_000), 0x1e03_77ae);
    let headers = fake(&period(1_600_000_000, 1_600_000_000 + 604_800, 0x1e03_77ae));
    let mut chain = at(Network::Signet, 2_015, &headers).unwrap();
    assert_eq!(next_bits(&mut chain, &headers[2015], 1_700_000_000), 0x1e01_bbd7);
}

#[test]
fn testnet4_allows_easy_blocks_after_twenty_minutes_and_forgets_them() {
    const LIMIT: u32 = 0x1d00_ffff;
    let hard = 0x1a0f_ffff;
    // Blocks 2016 to 2020 of a chain: the second and third are easy ones.
    let bits = [hard, LIMIT, LIMIT, hard, LIMIT];
    let start = 1_720_000_000;
    let mut blocks: Vec<(u32, u32)> = (0..11).map(|n| (start - 600 * (11 - n), hard)).collect();
    blocks.extend(bits.iter().zip(0..).map(|(bits, n)| (start + 600 * n, *bits)));
    for end in 12..=blocks.len() {
        let headers = fake(&blocks[..end]);
        let height = 2016 + end as u32 - 12;
        let (mut chain, last) = (at(Network::Testnet4, height, &headers).unwrap(), headers[end - 1]);
        assert_eq!(next_bits(&mut chain, &last, last.time + 1200), hard);
        assert_eq!(next_bits(&mut chain, &last, last.time + 1201), LIMIT);
        // Mainnet and signet have no such exception.
        let mut chain = at(Network::Bitcoin, height, &headers).unwrap();
        assert_eq!(next_bits(&mut chain, &last, last.time + 1201), last.bits.to_consensus());
    }
    // The first block of a period may be easy only by what the retarget gives.
    let mut blocks = period(start, start + 1_209_600, LIMIT);
    blocks[0].1 = hard;
    let headers = fake(&blocks);
    let mut chain = at(Network::Testnet4, 4_031, &headers).unwrap();
    let last = headers[2015];
    // BIP94: the retarget starts from the first block's difficulty, not from the last one's.
    assert_eq!(next_bits(&mut chain, &last, last.time + 600), hard);
    assert_eq!(next_bits(&mut chain, &last, last.time + 5_000), hard);
}

#[test]
fn testnet4_allows_no_time_warp() {
    let start = 1_720_000_000;
    let mut blocks = period(start, start + 1_209_600, 0x207f_ffff);
    blocks[2015] = (start + 1_209_600, 0x1d00_ffff);
    let headers = fake(&blocks);
    let last = headers[2015];
    let add = |network, time| {
        let bits = CompactTarget::from_consensus(0x1d00_ffff);
        let header = Header { prev_blockhash: last.block_hash(), time, bits, ..last };
        at(network, 4_031, &headers).unwrap().add(header, None).unwrap_err()
    };
    let (height, least) = (4_032, last.time - 600);
    assert_eq!(add(Network::Testnet4, least - 1), BlockError::TooEarly { height, least, actual: least - 1 });
    // What is left to complain about is that nobody has worked for it.
    assert!(matches!(add(Network::Testnet4, least), BlockError::Work { .. }));
    assert!(matches!(add(Network::Bitcoin, least - 1), BlockError::Work { .. }));
}

fn regtest_chain(count: u32) -> (HeaderChain, Vec<Header>) {
    let mut headers = vec![regtest()];
    extend(&mut headers, count, 1);
    let mut chain = HeaderChain::from_genesis(Network::Regtest, 1000).unwrap();
    for header in &headers[1..] {
        assert_eq!(chain.add(*header, None), Ok(Added::Best));
    }
    (chain, headers)
}

#[test]
fn each_rule_is_held_to_by_itself() {
    let (chain, headers) = regtest_chain(15);
    let good = block_after(&headers[15], [9; 32]);
    let refuse = |header: Header, now| chain.clone().add(header, now).unwrap_err();
    assert_eq!(chain.clone().add(good, None), Ok(Added::Best));

    let other = Header { prev_blockhash: nowhere(), ..good };
    assert_eq!(refuse(mined(other), None), BlockError::Orphan { parent: nowhere() });
    let bits = CompactTarget::from_consensus(0x207f_fffe);
    let error = BlockError::Bits { height: 16, expected: good.bits, actual: bits };
    assert_eq!(refuse(mined(Header { bits, ..good }), None), error);
    let mut lazy = good;
    while lazy.target().is_met_by(lazy.block_hash()) {
        lazy.nonce += 1;
    }
    assert_eq!(refuse(lazy, None), BlockError::Work { height: 16, hash: lazy.block_hash() });
    // The median of blocks 5 to 15 is that of block 10.
    let least = headers[10].time + 1;
    assert_eq!(chain.clone().add(mined(Header { time: least, ..good }), None), Ok(Added::Best));
    let error = BlockError::TooEarly { height: 16, least, actual: least - 1 };
    assert_eq!(refuse(mined(Header { time: least - 1, ..good }), None), error);
    assert_eq!(chain.clone().add(good, Some(good.time - 7200)), Ok(Added::Best));
    let error = BlockError::TooLate { height: 16, most: good.time - 1, actual: good.time };
    assert_eq!(refuse(good, Some(good.time - 7201)), error);
    for actual in [3, 0, -1] {
        let old = mined(Header { version: Version::from_consensus(actual), ..good });
        assert_eq!(refuse(old, None), BlockError::Version { height: 16, actual });
    }
    assert!(headers.iter().all(|header| chain.clone().add(*header, None) == Ok(Added::Known)));

    let mut full = HeaderChain::from_genesis(Network::Regtest, 3).unwrap();
    for header in &headers[1..3] {
        full.add(*header, None).unwrap();
    }
    assert_eq!(full.add(headers[3], None), Err(BlockError::Full { most: 3 }));
}

#[test]
fn the_branch_with_more_work_is_the_best_one() {
    let (mut chain, a) = regtest_chain(6);
    let mut b = a[..4].to_vec();
    extend(&mut b, 5, 100);
    let depth = |chain: &HeaderChain, header: &Header| chain.position(&header.block_hash()).unwrap().depth;
    assert_eq!(chain.position(&a[5].block_hash()), Some(Position { height: 5, depth: Some(2) }));
    for header in &b[4..7] {
        assert_eq!(chain.add(*header, None), Ok(Added::Side));
    }
    // As much work: the branch that came first stays.
    assert_eq!((chain.tip().0, chain.tip().1), (6, a[6].block_hash()));
    assert_eq!(depth(&chain, &b[6]), None);
    assert_eq!(chain.add(b[7], None), Ok(Added::Reorg { fork: 3 }));
    assert_eq!(chain.tip().1, b[7].block_hash());
    assert_eq!((depth(&chain, &a[4]), depth(&chain, &a[3]), depth(&chain, &b[4])), (None, Some(5), Some(4)));
    assert_eq!(chain.header_at(5), Some(&b[5]));
    assert_eq!(chain.add(b[8], None), Ok(Added::Best));
    // And back again.
    let mut a = a;
    extend(&mut a, 3, 50);
    let added: Vec<_> = a[7..].iter().map(|header| chain.add(*header, None).unwrap()).collect();
    assert_eq!(added, [Added::Side, Added::Side, Added::Reorg { fork: 3 }]);
    assert_eq!(chain.tip().0, 9);
    assert_eq!((depth(&chain, &a[4]), depth(&chain, &b[8])), (Some(6), None));
    assert!((0..=9).all(|height| chain.header_at(height) == Some(&a[height as usize])));
    assert_eq!((chain.header_at(10), chain.position(&nowhere())), (None, None));
}

#[test]
fn a_chain_starts_at_a_checkpoint_that_binds_what_leads_up_to_it() {
    let (_, headers) = regtest_chain(30);
    let checkpoint = BlockCheckpoint { network: Network::Regtest, height: 20, hash: headers[20].block_hash() };
    assert_eq!(checkpoint.context_height(), 10);
    let mut chain = HeaderChain::new(checkpoint, &headers[10..=20], 100).unwrap();
    assert_eq!((chain.checkpoint_height(), chain.tip().0), (20, 20));
    for header in &headers[21..] {
        assert_eq!(chain.add(*header, None), Ok(Added::Best));
    }
    assert_eq!(chain.position(&headers[30].block_hash()), Some(Position { height: 30, depth: Some(1) }));
    // More context does no harm, less is refused, and so is one that is not linked or ends elsewhere.
    assert!(HeaderChain::new(checkpoint, &headers[..=20], 100).is_ok());
    let mut torn = headers[10..=20].to_vec();
    torn[3].nonce ^= 1;
    for context in [&headers[11..=20], &headers[10..=19], &headers[10..=21], &torn[..], &[]] {
        let error = BlockError::Context { height: 20, actual: context.len() };
        assert_eq!(HeaderChain::new(checkpoint, context, 100).unwrap_err(), error);
    }
    // No branch leaves the chain below the checkpoint, and none at it is refused.
    let below = block_after(&headers[19], [3; 32]);
    assert_eq!(chain.add(below, None), Err(BlockError::BelowCheckpoint { height: 20 }));
    assert_eq!(chain.add(block_after(&headers[20], [3; 32]), None), Ok(Added::Side));
    // A chain of another length needs the header that a longer one brings.
    assert_eq!(BlockCheckpoint { height: 5, ..checkpoint }.context_height(), 0);
    assert_eq!(BlockCheckpoint { height: 5_000, network: Network::Bitcoin, ..checkpoint }.context_height(), 4_032);
    assert_eq!(BlockCheckpoint { height: 4_035, network: Network::Signet, ..checkpoint }.context_height(), 4_025);
}

#[test]
fn known_checkpoints_are_not_contradicted() {
    let counts =
        [Network::Bitcoin, Network::Testnet4, Network::Signet, Network::Regtest].map(|n| BlockCheckpoint::known(n).len());
    assert_eq!(counts, [5, 3, 3, 1]);
    for network in [Network::Bitcoin, Network::Testnet4, Network::Signet, Network::Regtest] {
        for known in BlockCheckpoint::known(network) {
            let expected = known.hash;
            let error = BlockError::Checkpoint { height: known.height, expected, actual: nowhere() };
            let other = BlockCheckpoint { hash: nowhere(), ..known };
            assert_eq!(HeaderChain::new(other, &[], 10).unwrap_err(), error);
        }
    }
    let network = Network::Testnet;
    assert_eq!(HeaderChain::from_genesis(network, 10).unwrap_err(), BlockError::Network { network });
    // On the way: block 840,000 of mainnet.
    let headers = fake(&vec![(1_713_000_000, 0x1703_4219); 1344 + 11]);
    let (mut chain, last) = (at(Network::Bitcoin, 839_999, &headers).unwrap(), headers[1354]);
    let header = Header { prev_blockhash: last.block_hash(), ..last };
    assert!(matches!(chain.add(header, None), Err(BlockError::Checkpoint { height: 840_000, .. })));
}

/// The second block of mainnet, on the first.
#[test]
fn a_block_of_mainnet_is_accepted() {
    let genesis = genesis_block(Network::Bitcoin).header;
    let root = "0e3e2357e806b6cdb1f70b54c3a3a17b6714ee1f0e68bebb44a74b1efd512098";
    let block_1 = Header {
        version: Version::ONE,
        prev_blockhash: genesis.block_hash(),
        merkle_root: root.parse().unwrap(),
        time: 1_231_469_665,
        bits: CompactTarget::from_consensus(0x1d00_ffff),
        nonce: 2_573_394_689,
    };
    let hash: BlockHash = "00000000839a8e6886ab5951d76f411475428afc90947ee320161bbf18eb6048".parse().unwrap();
    assert_eq!(block_1.block_hash(), hash);
    let mut chain = HeaderChain::from_genesis(Network::Bitcoin, 10).unwrap();
    assert_eq!(chain.add(block_1, None), Ok(Added::Best));
    assert_eq!((chain.tip().0, chain.tip().1), (1, hash));
    assert_eq!(chain.tip().2, block_1.work());
    let mut other = block_1;
    other.nonce += 1;
    assert!(matches!(chain.add(other, None), Err(BlockError::Work { height: 1, .. })));
}
