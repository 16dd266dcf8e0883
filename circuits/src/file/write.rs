//! The writer of batch files. Every value is a number, a decimal or hexadecimal string: nothing needs escaping.

use tapstone_verifier::field::Element;

use super::{FORMAT, Header};
use crate::signature::curve::{Point, pack};
use crate::transaction::{Signed, Transaction};

/// A batch file's text, each line ended by a newline.
pub fn to_jsonl(header: &Header, transactions: &[Transaction]) -> String {
    let Header { chain_id, batch, pre_state_root, operator } = header;
    let root = Element::from(*pre_state_root);
    let mut text = format!(
        "{{\"format\":\"{FORMAT}\",\"chain_id\":{chain_id},\"batch\":{batch},\"pre_state_root\":\"{root}\",\"operator\":{operator}}}\n"
    );
    for tx in transactions {
        text += &line(tx);
        text.push('\n');
    }
    text
}

fn key(point: &Point) -> String {
    hex::encode(pack(point))
}

fn line(tx: &Transaction) -> String {
    let fields = match tx {
        Transaction::Transfer { from, to, to_key, token, amount, .. } => {
            let key = key(to_key);
            format!("\"from\":{from},\"to\":{to},\"to_key\":\"{key}\",\"token\":{token},\"amount\":\"{amount}\"")
        }
        Transaction::TransferNew { from, to_key, token, amount, .. } => {
            let key = key(to_key);
            format!("\"from\":{from},\"to_key\":\"{key}\",\"token\":{token},\"amount\":\"{amount}\"")
        }
        Transaction::Deposit { outpoint, account, token, amount, refund } => format!(
            "\"outpoint\":\"{outpoint}\",\"account\":{account},\"token\":{token},\"amount\":\"{amount}\",\"refund\":\"{refund}\""
        ),
        Transaction::DepositNew { outpoint, key: point, token, amount, refund } => {
            let key = key(point);
            format!(
                "\"outpoint\":\"{outpoint}\",\"key\":\"{key}\",\"token\":{token},\"amount\":\"{amount}\",\"refund\":\"{refund}\""
            )
        }
        Transaction::Swap { account, pool, direction, amount_in, min_out, .. } => {
            let direction = direction.code();
            format!(
                "\"account\":{account},\"pool\":{pool},\"direction\":{direction},\"amount_in\":\"{amount_in}\",\"min_out\":\"{min_out}\""
            )
        }
        Transaction::CreatePool { account, token0, token1, fee_bp, amount0, amount1, .. } => format!(
            "\"account\":{account},\"token0\":{token0},\"token1\":{token1},\"fee_bp\":{fee_bp},\"amount0\":\"{amount0}\",\"amount1\":\"{amount1}\""
        ),
        Transaction::AddLiquidity { account, pool, max0, max1, min_shares, .. } => format!(
            "\"account\":{account},\"pool\":{pool},\"max0\":\"{max0}\",\"max1\":\"{max1}\",\"min_shares\":\"{min_shares}\""
        ),
        Transaction::RemoveLiquidity { account, pool, shares, min0, min1, .. } => {
            format!("\"account\":{account},\"pool\":{pool},\"shares\":\"{shares}\",\"min0\":\"{min0}\",\"min1\":\"{min1}\"")
        }
        Transaction::ChangeKey { account, key: point, .. } => {
            format!("\"account\":{account},\"key\":\"{}\"", key(point))
        }
        Transaction::Withdraw { account, token, amount, destination, .. } => {
            format!("\"account\":{account},\"token\":{token},\"amount\":\"{amount}\",\"destination\":\"{destination}\"")
        }
    };
    let signed = tx.signed().map(signed).unwrap_or_default();
    format!("{{\"kind\":\"{}\",{fields}{signed}}}", tx.kind_name())
}

fn signed(signed: &Signed) -> String {
    let Signed { fee_token, fee, nonce, expiry, message, signature } = signed;
    let signature = hex::encode(signature.to_bytes());
    let message = message.map_or(String::new(), |message| format!(",\"message\":\"{}\"", Element::from(message)));
    format!(
        ",\"fee_token\":{fee_token},\"fee\":\"{fee}\",\"nonce\":\"{nonce}\",\"expiry\":{expiry},\"signature\":\"{signature}\"{message}"
    )
}
