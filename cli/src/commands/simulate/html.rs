//! One self-contained page about a simulation: its figures as a table, and plots as SVG within the page.

use std::fmt::Write;

use serde_json::Value;

use super::outcome::Outcome;
use crate::html::{Plot, escape, head, lines};

/// Percentiles of a curve of latencies.
const PERCENTILES: [f64; 14] = [1.0, 5.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 95.0, 99.0, 100.0];

/// The page.
///
/// # Errors
/// What the plots say.
pub fn page(title: &str, result: &Value, outcome: &Outcome) -> Plot {
    let mut out = head(title);
    let curve =
        |latency: &super::outcome::Latency| PERCENTILES.map(|percent| (percent, latency.percentile(percent))).to_vec();
    out.push_str("<h2>Seconds from arrival to proof</h2>");
    out.push_str(&lines(&[("to proof".into(), curve(&outcome.proven))], "percent of transactions", "seconds")?);
    out.push_str("<h2>Seconds from arrival to the block with the anchor</h2>");
    out.push_str(&lines(&[("to anchor".into(), curve(&outcome.anchored))], "percent of transactions", "seconds")?);
    out.push_str("<h2>Transactions that are not proven yet</h2>");
    out.push_str(&lines(&[("backlog".into(), outcome.backlog_curve.clone())], "seconds", "transactions")?);
    out.push_str("<h2>Figures</h2><table>");
    let mut rows = Vec::new();
    flatten("", result, &mut rows);
    for (name, value) in rows {
        write!(out, "<tr><td>{}<td>{}", escape(&name.replace('_', " ")), escape(&value))?;
    }
    out.push_str("</table>");
    Ok(out)
}

fn flatten(prefix: &str, value: &Value, rows: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}, {name}") };
                flatten(&name, value, rows);
            }
        }
        Value::String(text) => rows.push((prefix.to_owned(), text.clone())),
        other => rows.push((prefix.to_owned(), other.to_string())),
    }
}
