//! One self-contained page about a benchmark: figures as tables, and plots as SVG within the page.

use std::fmt::Write;

use serde_json::Value;
use tapstone_prover::Stage;

use super::super::fill;
use super::measure::{Measured, Proofs, threads_text};
use crate::html::{Plot, STYLE, Series, bars, escape, lines};

/// The page.
///
/// # Errors
/// What the plots say.
pub fn page(result: &Value, measured: &[Measured]) -> Plot {
    let text = |path: &str| escape(&result.pointer(path).map_or(String::new(), plain));
    let mut out = String::new();
    write!(
        out,
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Tapstone: {workload}</title><style>{STYLE}</style>\
         <h1>Tapstone: {workload}</h1>\
         <p>{processor}, {cores} cores, kernel {kernel}. Medians of {runs} runs after a warm-up. Only real transactions count, not padding.</p>",
        workload = text("/workload"),
        processor = text("/machine/processor"),
        cores = text("/machine/cores"),
        kernel = text("/machine/kernel"),
        runs = text("/runs"),
    )?;
    for shape in distinct(measured.iter().map(|row| row.shape.as_str())) {
        let rows: Vec<&Measured> = measured.iter().filter(|row| row.shape == shape).collect();
        write!(out, "<h2>Shape {}: transactions a second</h2>", escape(shape))?;
        let points = |row: &Measured| (row.threads as f64, row.transactions_per_second);
        out.push_str(&plot(&rows, "threads", "transactions a second", points)?);
        write!(out, "<h2>Shape {}: where the time goes</h2>", escape(shape))?;
        out.push_str(&shares(&rows)?);
    }
    if distinct(measured.iter().map(|row| row.rows)).len() > 1 {
        let most = measured.iter().map(|row| row.threads).max().unwrap_or(1);
        let rows: Vec<&Measured> = measured.iter().filter(|row| row.threads == most).collect();
        write!(out, "<h2>Seconds of a proof by size, {}</h2>", threads_text(most))?;
        let points = |row: &Measured| (row.rows as f64, row.total / row.batches as f64);
        out.push_str(&plot(&rows, "rows", "seconds a proof", points)?);
    }
    table(&mut out, measured)?;
    Ok(out)
}

/// Each value once, in order of appearance.
fn distinct<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut list = Vec::new();
    for value in values {
        if !list.contains(&value) {
            list.push(value);
        }
    }
    list
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn table(out: &mut String, measured: &[Measured]) -> std::fmt::Result {
    out.push_str("<h2>Figures</h2><table><tr><th>prover<th>shape<th>slots used<th>threads<th>tx/s<th>prove, s");
    for stage in Stage::ALL {
        write!(out, "<th>{}, s", stage.name())?;
    }
    out.push_str("<th>open key, s<th>execute, s<th>verify one, s<th>peak, MiB");
    for row in measured {
        write!(
            out,
            "<tr><td>{}<td>{}<td>{}<td>{}<td>{:.2}<td>{:.3}",
            row.proofs.name(),
            escape(&row.shape),
            fill(row.transactions, row.slots),
            row.threads,
            row.transactions_per_second,
            row.total
        )?;
        for seconds in row.stages {
            write!(out, "<td>{seconds:.3}")?;
        }
        let peak = row.memory.iter().flatten().max().map_or("-".into(), |bytes| (bytes >> 20).to_string());
        write!(out, "<td>{:.3}<td>{:.3}<td>{:.4}<td>{peak}", row.key_open, row.execute, row.verify_one)?;
    }
    out.push_str("</table>");
    Ok(())
}

/// A line for each prover.
fn plot(measured: &[&Measured], x: &str, y: &str, point: impl Fn(&Measured) -> (f64, f64)) -> Plot {
    let of = |proofs: Proofs| {
        let points: Vec<_> = measured.iter().filter(|row| row.proofs == proofs).map(|row| point(row)).collect();
        (proofs.name().to_owned(), points)
    };
    let series: Vec<Series> =
        [Proofs::Ours, Proofs::Stock].map(of).into_iter().filter(|(_, points)| !points.is_empty()).collect();
    lines(&series, x, y)
}

/// Seconds of each stage, stacked, for each prover and number of threads.
fn shares(measured: &[&Measured]) -> Plot {
    let names: Vec<String> =
        measured.iter().map(|row| format!("{}, {}", row.proofs.name(), threads_text(row.threads))).collect();
    let stages: Vec<(String, Vec<f64>)> = Stage::ALL
        .iter()
        .enumerate()
        .map(|(i, stage)| (stage.name().to_owned(), measured.iter().map(|row| row.stages[i]).collect()))
        .collect();
    bars(&names, &stages, "seconds")
}
