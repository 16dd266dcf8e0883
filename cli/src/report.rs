//! [`Report`]: what a command has to say, ordered fields, as text or as one JSON object on standard output.

use serde_json::{Map, Value};

use crate::args::Format;
use crate::exit::Failure;
use crate::streams;

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

    /// Appends all fields of another, which has none then.
    pub fn append(&mut self, other: &mut Self) -> &mut Self {
        self.fields.append(&mut other.fields);
        self
    }

    /// The fields as a JSON object.
    pub fn into_value(self) -> Value {
        Value::Object(self.fields.into_iter().collect::<Map<_, _>>())
    }

    /// Lines for people.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        render(&self.fields, 0, &mut text);
        text.truncate(text.trim_end().len());
        text
    }

    /// Prints to standard output; a report without fields is no output at all.
    ///
    /// # Errors
    /// If standard output cannot be written to.
    pub fn print(&self, format: Format) -> Result<(), Failure> {
        match format {
            _ if self.fields.is_empty() => Ok(()),
            Format::Human => streams::out(&self.to_text()),
            Format::Json => {
                let mut object = Map::new();
                object.insert("schema".into(), SCHEMA.into());
                object.insert("ok".into(), true.into());
                object.extend(self.fields.iter().cloned());
                streams::out(&Value::Object(object).to_string())
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
            Value::Array(items) if items.iter().all(Value::is_string) => {
                for text in items.iter().filter_map(Value::as_str) {
                    out.push_str(&format!("{pad}{name:width$}  {text}\n"));
                }
            }
            Value::Null => out.push_str(&format!("{pad}{name:width$}  none\n")),
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
