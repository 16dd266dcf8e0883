//! Pages that need nothing but themselves: their style, their colours, plots as SVG within the text.

use std::collections::BTreeMap;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// The style of all pages.
pub const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222}\
table{border-collapse:collapse;display:block;overflow-x:auto}td,th{padding:.2em .8em;text-align:right;border-bottom:1px solid #ddd}\
td:first-child,th:first-child{text-align:left}td.l{text-align:left;font-family:monospace;font-size:.8em;overflow-wrap:anywhere}\
svg{max-width:100%;height:auto}";

/// Colours of series, in their order: apart from each other for colour-blind readers too.
pub const COLOURS: [RGBColor; 8] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(213, 94, 0),
    RGBColor(240, 228, 66),
    RGBColor(120, 120, 120),
];

/// A plot, or why it could not be drawn.
pub type Plot = Result<String, Box<dyn std::error::Error>>;

/// Text that stands between tags.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The start of a page.
pub fn head(title: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title><style>{STYLE}</style><h1>{title}</h1>"
    )
}

/// A named list of points, by x.
pub type Series = (String, Vec<(f64, f64)>);

/// A line with dots for each series; the y axis starts at 0.
///
/// # Errors
/// What the plotting library says.
pub fn lines(series: &[Series], x: &str, y: &str) -> Plot {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (760, 320)).into_drawing_area();
        root.fill(&WHITE)?;
        let all = || series.iter().flat_map(|(_, points)| points);
        let highest = all().map(|point| point.1).fold(0.0, f64::max);
        let first = all().map(|point| point.0).fold(f64::MAX, f64::min).min(0.0);
        let last = all().map(|point| point.0).fold(0.0, f64::max);
        let mut chart = ChartBuilder::on(&root)
            .margin(10)
            .x_label_area_size(40)
            .y_label_area_size(70)
            .build_cartesian_2d(first..last * 1.05 + 0.01, 0.0..highest * 1.2 + f64::MIN_POSITIVE)?;
        let whole = |value: &f64| if value.fract() == 0.0 { value.to_string() } else { String::new() };
        chart.configure_mesh().light_line_style(WHITE).x_label_formatter(&whole).x_desc(x).y_desc(y).draw()?;
        for (i, (name, points)) in series.iter().enumerate() {
            let colour = COLOURS[i % COLOURS.len()];
            chart
                .draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?
                .label(name.as_str())
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], colour));
            chart.draw_series(points.iter().map(|point| Circle::new(*point, 4, colour.filled())))?;
        }
        let labels = SeriesLabelPosition::UpperLeft;
        chart.configure_series_labels().position(labels).background_style(WHITE).border_style(BLACK).draw()?;
        root.present()?;
    }
    Ok(svg)
}

/// A column at each x, of the stacked heights of all series there.
///
/// # Errors
/// What the plotting library says.
pub fn columns(series: &[Series], x: &str, y: &str) -> Plot {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (760, 320)).into_drawing_area();
        root.fill(&WHITE)?;
        let mut tops: BTreeMap<u64, f64> = BTreeMap::new();
        let all = || series.iter().flat_map(|(_, points)| points);
        all().for_each(|(x, height)| *tops.entry(x.to_bits()).or_default() += height);
        let highest = tops.values().copied().fold(f64::MIN_POSITIVE, f64::max);
        let first = all().map(|point| point.0).fold(f64::MAX, f64::min);
        let last = all().map(|point| point.0).fold(f64::MIN, f64::max).max(first);
        let mut chart = ChartBuilder::on(&root)
            .margin(10)
            .x_label_area_size(40)
            .y_label_area_size(70)
            // Room for the legend at the right.
            .build_cartesian_2d(first - 0.6..last + 0.6 + (last - first + 1.0) * 0.3, 0.0..highest * 1.1)?;
        let whole = |value: &f64| if value.fract() == 0.0 { value.to_string() } else { String::new() };
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(WHITE)
            .x_label_formatter(&whole)
            .x_desc(x)
            .y_desc(y)
            .draw()?;
        let mut bottoms: BTreeMap<u64, f64> = BTreeMap::new();
        for (i, (name, points)) in series.iter().enumerate() {
            let colour = COLOURS[i % COLOURS.len()];
            let list: Vec<_> = points
                .iter()
                .map(|(x, height)| {
                    let bottom = bottoms.entry(x.to_bits()).or_default();
                    let start = *bottom;
                    *bottom += height;
                    Rectangle::new([(x - 0.4, start), (x + 0.4, *bottom)], colour.filled())
                })
                .collect();
            chart
                .draw_series(list)?
                .label(name.as_str())
                .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 12, y + 5)], colour.filled()));
        }
        let labels = SeriesLabelPosition::UpperRight;
        chart.configure_series_labels().position(labels).background_style(WHITE).border_style(BLACK).draw()?;
        root.present()?;
    }
    Ok(svg)
}

/// Horizontal bars of stacked parts: a name for each bar, and for each part its name and its length in each bar.
///
/// # Errors
/// What the plotting library says.
pub fn bars(names: &[String], parts: &[(String, Vec<f64>)], x: &str) -> Plot {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (760, 80 + 40 * names.len() as u32)).into_drawing_area();
        root.fill(&WHITE)?;
        let length = |bar: usize, parts: &[(String, Vec<f64>)]| -> f64 {
            parts.iter().map(|(_, lengths)| lengths.get(bar).copied().unwrap_or_default()).sum()
        };
        let longest = (0..names.len()).map(|bar| length(bar, parts)).fold(f64::MIN_POSITIVE, f64::max);
        let mut chart = ChartBuilder::on(&root)
            .margin(10)
            .x_label_area_size(40)
            .y_label_area_size(150)
            // By numbers, for the library's axis of names has no room for a single one.
            .build_cartesian_2d(0.0..longest * 1.35, 0.0..names.len().max(1) as f64)?;
        chart.configure_mesh().x_desc(x).disable_y_mesh().y_label_formatter(&|_| String::new()).draw()?;
        let (across, down) = chart.plotting_area().get_pixel_range();
        let style = ("sans-serif", 12).into_font().color(&BLACK).pos(Pos::new(HPos::Right, VPos::Center));
        let height = f64::from(down.end - down.start) / names.len().max(1) as f64;
        for (bar, name) in names.iter().enumerate() {
            // The first bar is the lowest one.
            let middle = f64::from(down.end) - (bar as f64 + 0.5) * height;
            root.draw(&Text::new(name.as_str(), (across.start - 10, middle as i32), style.clone()))?;
        }
        for (i, (part, lengths)) in parts.iter().enumerate() {
            let colour = COLOURS[i % COLOURS.len()];
            let list = (0..names.len()).map(|bar| {
                let start = length(bar, &parts[..i]);
                let end = start + lengths.get(bar).copied().unwrap_or_default();
                let mut bar = Rectangle::new([(start, bar as f64), (end, bar as f64 + 1.0)], colour.filled());
                bar.set_margin(5, 5, 0, 0);
                bar
            });
            chart
                .draw_series(list)?
                .label(part.as_str())
                .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 12, y + 5)], colour.filled()));
        }
        chart.configure_series_labels().background_style(WHITE).border_style(BLACK).draw()?;
        root.present()?;
    }
    Ok(svg)
}
