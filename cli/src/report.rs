//! What a command has to say: ordered fields, as text or as one JSON object on standard output. Progress goes to standard error.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value};

use crate::args::Format;

/// Name and version of the JSON form.
pub const SCHEMA: &str = "tapstone-cli/1";

/// Ordered fields.
#[derive(Debug, Default)]
pub struct Report {
    fields: Vec<(String, Value)>,
}

impl Report {
    /// Appends a field.
    pub fn add(&mut self, name: &str, value: impl Into<Value>) -> &mut Self {
        self.fields.push((name.to_owned(), value.into()));
        self
    }

    /// The fields as a JSON object.
    pub fn into_value(self) -> Value {
        Value::Object(self.fields.into_iter().collect::<Map<_, _>>())
    }

    /// Prints to standard output.
    pub fn print(&self, format: Format) {
        match format {
            Format::Human => {
                let mut text = String::new();
                render(&self.fields, 0, &mut text);
                print_line(text.trim_end());
            }
            Format::Json => {
                let mut object = Map::new();
                object.insert("schema".into(), SCHEMA.into());
                object.insert("ok".into(), true.into());
                object.extend(self.fields.iter().cloned());
                print_line(&Value::Object(object).to_string());
            }
        }
    }
}

fn render(fields: &[(String, Value)], indent: usize, out: &mut String) {
    let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let pad = " ".repeat(indent);
    for (name, value) in fields {
        let name = name.replace('_', " ");
        match value {
            Value::Array(items) if items.iter().all(Value::is_object) => {
                for item in items {
                    out.push_str(&format!("{pad}{name}\n"));
                    nested(item, indent, out);
                }
            }
            Value::Object(_) => {
                out.push_str(&format!("{pad}{name}\n"));
                nested(value, indent, out);
            }
            Value::String(text) => out.push_str(&format!("{pad}{name:width$}  {text}\n")),
            other => out.push_str(&format!("{pad}{name:width$}  {other}\n")),
        }
    }
}

fn nested(value: &Value, indent: usize, out: &mut String) {
    if let Value::Object(map) = value {
        let fields: Vec<_> = map.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        render(&fields, indent + 2, out);
    }
}

/// Writes a line to standard output; a closed pipe is no error.
pub fn print_line(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// Progress on standard error: a spinner on a terminal, plain lines elsewhere.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    quiet: bool,
    step: Option<(String, Instant)>,
}

impl Progress {
    /// Starts.
    pub fn new(quiet: bool) -> Self {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self { bar, quiet, step: None }
    }

    /// Begins a step; the one before is done.
    pub fn step(&mut self, what: impl Into<String>) {
        self.finish_step();
        let what = what.into();
        match &self.bar {
            Some(bar) => {
                bar.set_message(what.clone());
                bar.reset_elapsed();
            }
            None if !self.quiet => eprintln!("{what} ..."),
            None => {}
        }
        self.step = Some((what, Instant::now()));
    }

    fn finish_step(&mut self) {
        if let (Some((what, start)), Some(bar)) = (self.step.take(), &self.bar) {
            let seconds = start.elapsed().as_secs_f64();
            if seconds >= 0.1 {
                bar.println(format!("{what}: {seconds:.1} s"));
            }
        }
    }

    /// A line that stays.
    pub fn note(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None if !self.quiet => eprintln!("{line}"),
            None => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish_step();
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
