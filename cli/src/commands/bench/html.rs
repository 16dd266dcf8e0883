//! One self-contained page about a benchmark: figures as tables, and plots as SVG within the page.

use std::fmt::Write;

use plotters::prelude::*;
use serde_json::Value;
use tapstone_prover::Stage;

use super::measure::{Measured, Proofs, threads_text};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222}\
table{border-collapse:collapse}td,th{padding:.2em .8em;text-align:right;border-bottom:1px solid #ddd}\
td:first-child,th:first-child{text-align:left}svg{max-width:100%;height:auto}";

/// Colours of the stages, in their order: apart from each other for colour-blind readers too.
const COLOURS: [RGBColor; Stage::ALL.len()] =
    [RGBColor(0, 114, 178), RGBColor(230, 159, 0), RGBColor(0, 158, 115), RGBColor(204, 121, 167), RGBColor(86, 180, 233)];

type Plot = Result<String, Box<dyn std::error::Error>>;

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
        out.push_str(&lines(&rows, "threads", "transactions a second", points)?);
        write!(out, "<h2>Shape {}: where the time goes</h2>", escape(shape))?;
        out.push_str(&shares(&rows)?);
    }
    if distinct(measured.iter().map(|row| row.rows)).len() > 1 {
        let most = measured.iter().map(|row| row.threads).max().unwrap_or(1);
        let rows: Vec<&Measured> = measured.iter().filter(|row| row.threads == most).collect();
        write!(out, "<h2>Seconds of a proof by size, {}</h2>", threads_text(most))?;
        let points = |row: &Measured| (row.rows as f64, row.total / row.batches as f64);
        out.push_str(&lines(&rows, "rows", "seconds a proof", points)?);
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

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
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
            "<tr><td>{}<td>{}<td>{:.2}<td>{:.3}",
            row.proofs.name(),
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
fn lines(measured: &[&Measured], x: &str, y: &str, point: impl Fn(&Measured) -> (f64, f64)) -> Plot {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (760, 320)).into_drawing_area();
        root.fill(&WHITE)?;
        let most = |of: &dyn Fn((f64, f64)) -> f64| measured.iter().map(|row| of(point(row))).fold(0.0, f64::max);
        let (width, height) = (most(&|point| point.0), most(&|point| point.1));
        let mut chart = ChartBuilder::on(&root)
            .margin(10)
            .x_label_area_size(40)
            .y_label_area_size(60)
            .build_cartesian_2d(0.0..width * 1.05, 0.0..height * 1.2)?;
        let whole = |value: &f64| if value.fract() == 0.0 { value.to_string() } else { String::new() };
        chart.configure_mesh().light_line_style(WHITE).x_label_formatter(&whole).x_desc(x).y_desc(y).draw()?;
        for (proofs, colour) in [(Proofs::Ours, COLOURS[0]), (Proofs::Stock, COLOURS[1])] {
            let points: Vec<(f64, f64)> = measured.iter().filter(|row| row.proofs == proofs).map(|row| point(row)).collect();
            if points.is_empty() {
                continue;
            }
            chart
                .draw_series(LineSeries::new(points.clone(), colour.stroke_width(2)))?
                .label(proofs.name())
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], colour));
            chart.draw_series(points.into_iter().map(|point| Circle::new(point, 4, colour.filled())))?;
        }
        let labels = SeriesLabelPosition::UpperLeft;
        chart.configure_series_labels().position(labels).background_style(WHITE).border_style(BLACK).draw()?;
        root.present()?;
    }
    Ok(svg)
}

/// Seconds of each stage, stacked, for each prover and number of threads.
fn shares(measured: &[&Measured]) -> Plot {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (760, 80 + 40 * measured.len() as u32)).into_drawing_area();
        root.fill(&WHITE)?;
        let most = measured.iter().map(|row| row.stages.iter().sum()).fold(0.0, f64::max);
        let mut chart = ChartBuilder::on(&root)
            .margin(10)
            .x_label_area_size(40)
            .y_label_area_size(150)
            .build_cartesian_2d(0.0..most * 1.25, (0..measured.len().saturating_sub(1)).into_segmented())?;
        let name = |value: &SegmentValue<usize>| match value {
            SegmentValue::CenterOf(i) | SegmentValue::Exact(i) => {
                measured.get(*i).map_or(String::new(), |row| format!("{}, {}", row.proofs.name(), threads_text(row.threads)))
            }
            SegmentValue::Last => String::new(),
        };
        chart
            .configure_mesh()
            .x_desc("seconds")
            .disable_y_mesh()
            .y_labels(measured.len())
            .y_label_formatter(&name)
            .draw()?;
        for (i, stage) in Stage::ALL.iter().enumerate() {
            let colour = COLOURS[i];
            let bars = measured.iter().enumerate().map(|(row, measured)| {
                let start: f64 = measured.stages[..i].iter().sum();
                let corners =
                    [(start, SegmentValue::Exact(row)), (start + measured.stages[i], SegmentValue::Exact(row + 1))];
                let mut bar = Rectangle::new(corners, colour.filled());
                bar.set_margin(5, 5, 0, 0);
                bar
            });
            chart
                .draw_series(bars)?
                .label(stage.name())
                .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 12, y + 5)], colour.filled()));
        }
        chart.configure_series_labels().background_style(WHITE).border_style(BLACK).draw()?;
        root.present()?;
    }
    Ok(svg)
}
