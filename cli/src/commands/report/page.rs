//! The page: plots and tables.

use std::collections::BTreeMap;
use std::fmt::Write;

use tapstone_circuits::cs::System;
use tapstone_circuits::data::Published;
use tapstone_verifier::Element;

use super::market::Market;
use super::{Row, Subject};
use crate::html::{Plot, Series, bars, columns, escape, head, lines};

/// Kinds of transactions as they are drawn.
const KINDS: [(&str, &[&str]); 6] = [
    ("transfers", &["transfer", "transfer_new"]),
    ("swaps", &["swap"]),
    ("liquidity, pools", &["create_pool", "add_liquidity", "remove_liquidity"]),
    ("deposits, refunds", &["deposit", "deposit_new", "refund"]),
    ("withdrawals", &["withdraw"]),
    ("key changes", &["change_key"]),
];
/// Batches that are drawn and listed one by one.
const SHOWN: usize = 200;

/// Rows of a circuit by the part that they stand in, the largest first.
pub fn gadgets(system: &System) -> Vec<(String, usize)> {
    let mut sums: BTreeMap<String, usize> = BTreeMap::new();
    for row in 0..system.matrices.rows() {
        // The innermost region, whatever its slot.
        let name = match system.region(row).rsplit(" / ").next().unwrap_or_default() {
            "" => "the batch",
            name if name.starts_with("slot ") => "slots, apart from what they hold",
            // Records are numbered.
            name => name
                .rsplit_once(' ')
                .map_or(name, |(kind, number)| if number.bytes().all(|b| b.is_ascii_digit()) { kind } else { name }),
        };
        *sums.entry(name.to_owned()).or_default() += 1;
    }
    let mut list: Vec<(String, usize)> = sums.into_iter().collect();
    list.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
    list
}

/// The page.
///
/// # Errors
/// What the plots say.
pub fn page(subject: &Subject, gadgets: &[(String, usize)]) -> Plot {
    let rows = &subject.rows;
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(String::new()) };
    let transactions: usize = rows.iter().map(|row| row.data.transactions.len()).sum();
    let bytes: usize = rows.iter().map(|row| row.bytes).sum();
    let mut out = head(&format!("Tapstone: chain {}", first.data.chain_id));
    write!(
        out,
        "<p>{}: batches {} to {}, {transactions} transactions, {bytes} bytes of published data.</p>",
        escape(&subject.place),
        first.data.batch_number,
        last.data.batch_number,
    )?;
    if let Some(proven) = &last.proven {
        write!(out, "<p>State root after the last batch: <code>{}</code></p>", proven.statement().post_state_root)?;
    }
    let recent = &rows[rows.len().saturating_sub(SHOWN)..];
    out.push_str("<h2>Transactions of each batch</h2>");
    out.push_str(&columns(&kinds(recent), "batch", "transactions")?);
    progress(&mut out, recent)?;

    let mut market = Market::new(first.data.batch_number);
    rows.iter().for_each(|row| market.add(&row.data));
    volumes(&mut out, &market)?;
    prices(&mut out, &market)?;
    anchors(&mut out, subject)?;
    if !gadgets.is_empty() {
        let most = gadgets.iter().take(12).map(|(name, _)| name.clone()).collect::<Vec<_>>();
        let lengths = gadgets.iter().take(12).map(|(_, rows)| *rows as f64).collect();
        let shape = subject.shape.as_ref().map_or("", |shape| &shape.name);
        write!(out, "<h2>Rows of a proof by gadget, shape {}</h2>", escape(shape))?;
        out.push_str(&bars(&most, &[("rows".to_owned(), lengths)], "rows")?);
    }
    table(&mut out, recent)?;
    Ok(out)
}

fn kinds(rows: &[Row]) -> Vec<Series> {
    let count = |row: &Row, names: &[&str]| {
        row.data.transactions.iter().filter(|tx: &&Published| names.contains(&tx.kind_name())).count() as f64
    };
    let of = |names: &[&str]| rows.iter().map(|row| (row.data.batch_number as f64, count(row, names))).collect();
    KINDS
        .iter()
        .map(|(name, names)| ((*name).to_owned(), of(names)))
        .filter(|(_, points): &Series| points.iter().any(|point| point.1 > 0.0))
        .collect()
}

/// Throughput and memory of the batches whose proofs were timed.
fn progress(out: &mut String, rows: &[Row]) -> Result<(), Box<dyn std::error::Error>> {
    let timed: Vec<(&Row, f64)> = rows.iter().filter_map(|row| Some((row, row.made.as_ref()?.seconds))).collect();
    if timed.is_empty() {
        return Ok(());
    }
    let rate = timed
        .iter()
        .filter(|(_, seconds)| *seconds > 0.0)
        .map(|(row, seconds)| (row.data.batch_number as f64, row.data.transactions.len() as f64 / seconds));
    out.push_str("<h2>Throughput</h2>");
    out.push_str(&lines(&[("proven".into(), rate.collect())], "batch", "transactions a second")?);
    let memory: Vec<(f64, f64)> = timed
        .iter()
        .filter_map(|(row, _)| {
            let bytes = row.made.as_ref()?.peak_bytes?;
            Some((row.data.batch_number as f64, (bytes >> 20) as f64))
        })
        .collect();
    if !memory.is_empty() {
        out.push_str("<h2>Memory</h2>");
        out.push_str(&lines(&[("peak, the mapped key included".into(), memory)], "batch", "MiB")?);
    }
    Ok(())
}

fn volumes(out: &mut String, market: &Market) -> std::fmt::Result {
    out.push_str("<h2>Volumes and fees by token</h2><table><tr><th>token<th>transferred<th>sold to pools<th>deposited<th>withdrawn<th>fees");
    for (token, v) in &market.volumes {
        let sold = if market.pools.is_some() { v.sold.to_string() } else { "-".into() };
        write!(out, "<tr><td>{token}<td>{}<td>{sold}<td>{}<td>{}<td>{}", v.transferred, v.deposited, v.withdrawn, v.fees)?;
    }
    out.push_str("</table>");
    Ok(())
}

fn prices(out: &mut String, market: &Market) -> Result<(), Box<dyn std::error::Error>> {
    let Some(pools) = &market.pools else {
        out.push_str("<p>Pools are not followed: the batches do not start with the chain's first.</p>");
        return Ok(());
    };
    if pools.is_empty() {
        return Ok(());
    }
    out.push_str("<h2>Pools</h2>");
    for (index, (pool, prices)) in pools.iter().zip(&market.prices).enumerate() {
        let name = format!("token {} for one token {}", pool.token1, pool.token0);
        write!(
            out,
            "<p>Pool {index}: {} of token {}, {} of token {}, fee {} basis points, {} shares.</p>",
            pool.reserve0, pool.token0, pool.reserve1, pool.token1, pool.fee_bp, pool.supply
        )?;
        let points = prices.iter().map(|(batch, price)| (*batch as f64, *price)).collect();
        out.push_str(&lines(&[(name, points)], "batch", "price")?);
    }
    Ok(())
}

fn anchors(out: &mut String, subject: &Subject) -> std::fmt::Result {
    for anchor in &subject.anchors {
        out.push_str("<h2>Anchor</h2><table>");
        for (name, value) in anchor.as_object().into_iter().flatten() {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            write!(out, "<tr><td>{}<td class=\"l\">{}", escape(&name.replace('_', " ")), escape(&text))?;
        }
        out.push_str("</table>");
    }
    Ok(())
}

fn table(out: &mut String, rows: &[Row]) -> std::fmt::Result {
    out.push_str("<h2>Batches</h2><table><tr><th>batch<th>transactions<th>bytes<th>seconds<th>state root after, commitment");
    for row in rows {
        let seconds = row.made.as_ref().map_or("-".into(), |made| format!("{:.1}", made.seconds));
        let (root, commitment) = row.proven.as_ref().map_or(("not proven here".into(), String::new()), |proven| {
            let root: Element = proven.statement().post_state_root;
            (root.to_string(), hex::encode(proven.unverified_commitment()))
        });
        write!(
            out,
            "<tr><td>{}<td>{}<td>{}<td>{seconds}<td class=\"l\">{root}<br>{commitment}",
            row.data.batch_number,
            row.data.transactions.len(),
            row.bytes
        )?;
    }
    out.push_str("</table>");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapstone_circuits::circuit::BatchCircuit;
    use tapstone_circuits::shape::Shape;

    #[test]
    fn every_row_of_a_circuit_counts_once() {
        let circuit = BatchCircuit::new(&Shape::registered("tiny").expect("tiny is registered"));
        let list = gadgets(circuit.system());
        assert_eq!(list.iter().map(|(_, rows)| rows).sum::<usize>(), circuit.system().matrices.rows());
        assert!(list.len() > 4 && list.windows(2).all(|pair| pair[0].1 >= pair[1].1));
    }
}
