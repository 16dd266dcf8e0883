//! Published data in envelopes: weights to the unit, Bitcoin Core's verdict, and strict reading.

use crate::scene::*;
use bitcoin::{Amount, TxOut, Witness};
use tapstone_anchor::{AnchorPlanError, Envelope, EnvelopeError};

fn data(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i * 7 + i / 256) as u8).collect()
}

fn reveal(envelope: &Envelope, sats: u64) -> Result<(bitcoin::Transaction, u64), AnchorPlanError> {
    let coin = (outpoint(5), Amount::from_sat(sats));
    let (tx, weight) = envelope.reveal(coin, change(), rate(2), Amount::from_sat(300_000), secret(7))?;
    Ok((tx, weight.to_wu()))
}

#[test]
fn data_are_revealed_at_the_weights_of_the_table() {
    for (length, expected) in [(520, 1_046), (4_000, 4_547), (100_000, 101_103)] {
        let envelope = Envelope::new(x_only(7), data(length)).unwrap();
        let (tx, weight) = reveal(&envelope, 400_000).unwrap();
        assert_eq!((weight, tx.weight().to_wu()), (expected, expected), "{length}");
    }
    for length in [1, 75, 76, 170, 255, 256, 519, 520, 521, 1_040, 65_000, 65_100, 396_000] {
        let envelope = Envelope::new(x_only(7), data(length)).unwrap();
        let (tx, weight) = reveal(&envelope, 400_000).unwrap();
        assert_eq!(tx.weight().to_wu(), weight, "{length}");
        assert!(weight <= 400_000);
        let spent = [TxOut { value: Amount::from_sat(400_000), script_pubkey: envelope.script_pubkey() }];
        assert_eq!(core(&tx, &spent), Ok(()), "{length}");
        assert_eq!(Envelope::read(&tx.input[0].witness).unwrap().data(), data(length));
        let mut bad = tx.clone();
        let mut items = bad.input[0].witness.to_vec();
        let middle = items[1].len() / 2;
        items[1][middle] ^= 1;
        bad.input[0].witness = Witness::from_slice(&items);
        assert!(core(&bad, &spent).is_err());
    }
}

#[test]
fn what_is_no_envelope_is_refused() {
    for length in [0, Envelope::MAX_BYTES + 1] {
        let error = EnvelopeError::Length { most: Envelope::MAX_BYTES, actual: length };
        assert_eq!(Envelope::new(x_only(7), vec![0; length]), Err(error));
    }
    let envelope = Envelope::new(x_only(7), data(700)).unwrap();
    let (tx, _) = reveal(&envelope, 100_000).unwrap();
    let good = tx.input[0].witness.to_vec();
    let refuse = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let mut items = good.clone();
        change(&mut items);
        assert_eq!(Envelope::read(&Witness::from_slice(&items)), Err(EnvelopeError::NoEnvelope));
    };
    refuse(&|items| items.push(vec![0x50]));
    refuse(&|items| drop(items.remove(0)));
    refuse(&|items| items.clear());
    for length in 0..good[1].len() {
        refuse(&|items| items[1].truncate(length));
    }
    refuse(&|items| items[1].push(0x51));
    // The tag, and every byte before the data.
    for at in 0..41 {
        let key = (1..33).contains(&at);
        if !key {
            refuse(&|items| items[1][at] ^= 1);
        }
    }
    // The same data cut otherwise.
    let cut = |items: &mut Vec<Vec<u8>>| {
        let script = &items[1];
        let (head, body) = (script[..41].to_vec(), data(700));
        let mut other = head;
        for chunk in body.chunks(70) {
            other.push(70);
            other.extend(chunk);
        }
        other.push(0x68);
        items[1] = other;
    };
    refuse(&cut);
}

#[test]
fn fees_and_dust_of_a_reveal_are_refused_with_reasons() {
    let envelope = Envelope::new(x_only(7), data(4_000)).unwrap();
    let fee = 2 * 1_137;
    assert!(reveal(&envelope, fee + 330).is_ok());
    assert!(matches!(reveal(&envelope, fee + 329), Err(AnchorPlanError::Dust { .. })));
    assert!(matches!(reveal(&envelope, fee - 1), Err(AnchorPlanError::Funds { .. })));
    let coin = (outpoint(5), Amount::from_sat(9_000));
    let with = |rate, limit| envelope.reveal(coin, change(), rate, Amount::from_sat(limit), secret(7)).unwrap_err();
    assert!(matches!(with(rate(2), 2_273), AnchorPlanError::FeeLimit { .. }));
    assert!(matches!(with(bitcoin::FeeRate::from_sat_per_kwu(24), 9_000), AnchorPlanError::FeeRate { .. }));
}
