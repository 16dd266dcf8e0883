//! Options from a configuration file, for what an operator would otherwise write into every command line.
//!
//! The file is TOML: at the top the options of all of `tapstone`, in `[all]` options of every command that has them, and in a table by the name of a command, as `[prove]` or
//! `[anchor.publish]`, those of this command alone. The names are the long options'. Relative paths start at the file's folder. Precedence: command line, the
//! command's table, `[all]`, built-in default. An option that is given on the command line also drives out those of the file that it conflicts with.
//!
//! What the file says is added to the command line as if it had been typed, so that one parser judges both. The whole file is checked against the table of arguments
//! whichever command runs: an option with a slip in its name is refused, not passed over.
//!
//! Hazard: hidden options, which exist for tests and can lay secrets open, are no part of it.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches};
use serde_json::{Map, Value, json};
use toml::Table;

use crate::args::{Args, Format};
use crate::exit::{Failure, Reason};
use crate::files;

/// The table for every command that has its options.
const ALL: &str = "all";
/// The most bytes that a file has.
const LIMIT: usize = 1 << 20;
/// Names the file; empty for none.
const VARIABLE: &str = "TAPSTONE_CONFIG";

/// A file that was checked against the table of arguments.
#[derive(Debug)]
pub struct Config {
    /// Where it lies.
    pub path: PathBuf,
    table: Table,
}

/// The file that is in force: the one given, else the one that `TAPSTONE_CONFIG` names, else `tapstone/config.toml` in the user's folder of configurations, if there is one.
pub fn in_force(given: Option<&Path>) -> Option<PathBuf> {
    if let Some(path) = given {
        return Some(path.to_owned());
    }
    if let Some(named) = std::env::var_os(VARIABLE) {
        return (!named.is_empty()).then(|| named.into());
    }
    let base = std::env::var_os("XDG_CONFIG_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
    let base =
        base.or_else(|| Some(Path::new(&std::env::var_os("HOME").filter(|path| !path.is_empty())?).join(".config")))?;
    Some(base.join("tapstone").join("config.toml")).filter(|path| path.exists())
}

/// The arguments of this process, with what the file adds. As clap does, help and errors of usage end the process; what is wrong with the file comes with the
/// form that the user wants it in.
pub fn arguments() -> Result<Args, (Failure, Format)> {
    let given: Vec<OsString> = std::env::args_os().collect();
    // What it cannot make sense of is told by the parse below.
    let Ok(matches) = root().ignore_errors(true).try_get_matches_from(&given) else { return Ok(parsed(&given)) };
    let path = in_force(matches.get_one::<PathBuf>("config").map(PathBuf::as_path));
    let format = matches.get_one("format").copied().unwrap_or(Format::Human);
    match path {
        // Whoever mends the file needs these commands while it is wrong.
        Some(path) if matches.subcommand_name() != Some("config") => {
            with_file(&path, given, &matches).map_err(|failure| (failure, format))
        }
        _ => Ok(parsed(&given)),
    }
}

/// The arguments of a command line, which was parsed as far as it could be, with what a file adds.
fn with_file(path: &Path, mut line: Vec<OsString>, matches: &ArgMatches) -> Result<Args, Failure> {
    let added = Config::read(path)?.additions(matches);
    let end = line.iter().position(|arg| arg == "--").unwrap_or(line.len());
    line.splice(end..end, added.iter().cloned());
    match root().try_get_matches_from(&line).and_then(|matches| Args::from_arg_matches(&matches)) {
        Err(error) if error.use_stderr() && !added.is_empty() => {
            // The error itself goes where clap sends it.
            let _ = error.print();
            let added: Vec<_> = added.iter().map(|arg| arg.to_string_lossy()).collect();
            Err(Failure::at(Reason::Usage, path, format!("gives this command {}", added.join(" "))))
        }
        Err(error) => error.exit(),
        Ok(args) => Ok(args),
    }
}

fn root() -> Command {
    Args::command()
}

fn parsed(line: &[OsString]) -> Args {
    <Args as clap::Parser>::parse_from(line)
}

impl Config {
    /// Reads a file and checks every name and type in it.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        // TOML lets a file begin with a byte-order mark.
        let bytes = files::read_marked(path, LIMIT)?;
        let text = String::from_utf8(bytes).map_err(|_| Failure::at(Reason::Input, path, "not UTF-8"))?;
        let table: Table =
            text.parse().map_err(|e: toml::de::Error| Failure::at(Reason::Input, path, e.to_string().trim_end()))?;
        let config = Self { path: path.to_owned(), table };
        let mut command = root();
        command.build();
        config.check(&command, &config.table, "").map_err(|text| Failure::at(Reason::Input, path, text))?;
        Ok(config)
    }

    /// What it says, as JSON.
    pub fn options(&self) -> Value {
        serde_json::to_value(&self.table).unwrap_or_default()
    }

    fn check(&self, command: &Command, table: &Table, name: &str) -> Result<(), String> {
        for (key, value) in table {
            let place = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
            match value {
                toml::Value::Table(options) if name.is_empty() && key == ALL => check_all(command, options)?,
                toml::Value::Table(inner) => match command.find_subcommand(key).filter(|_| key != "help") {
                    Some(command) => self.check(command, inner, &place)?,
                    None => {
                        return Err(unknown(
                            &format!("[{place}]"),
                            "command",
                            key,
                            command.get_subcommands().map(Command::get_name),
                        ));
                    }
                },
                value => match options(command).find(|arg| arg.get_long() == Some(key)) {
                    Some(arg) => fits(arg, value).map_err(|needed| format!("{place}: needed {needed}, had {value}"))?,
                    None => return Err(unknown(&place, "option", key, options(command).filter_map(Arg::get_long))),
                },
            }
        }
        Ok(())
    }

    /// Arguments that the command line lacks.
    fn additions(&self, matches: &ArgMatches) -> Vec<OsString> {
        let mut command = root();
        command.build();
        // From the outermost command to the one that runs.
        let (mut chain, mut matches, mut table) = (Vec::new(), matches, Some(&self.table));
        let mut command = &command;
        loop {
            chain.push((command, matches, table));
            let Some((name, inner)) = matches.subcommand() else { break };
            let Some(sub) = command.find_subcommand(name) else { break };
            table = table.and_then(|table| table.get(name)).and_then(toml::Value::as_table);
            (command, matches) = (sub, inner);
        }
        let all = self.table.get(ALL).and_then(toml::Value::as_table);
        let mut added = Vec::new();
        let explicit = |arg: &Arg| {
            let id = arg.get_id().as_str();
            chain.iter().any(|(command, matches, _)| {
                command.get_arguments().any(|arg| arg.get_id() == id)
                    && matches.value_source(id) == Some(ValueSource::CommandLine)
            })
        };
        for (depth, (command, _, table)) in chain.iter().enumerate() {
            let leaf = depth + 1 == chain.len();
            for arg in options(command) {
                let Some(long) = arg.get_long() else { continue };
                // A global option appears again in every command.
                if depth > 0 && arg.is_global_set() {
                    continue;
                }
                let own = table.and_then(|table| table.get(long)).filter(|value| !value.is_table());
                let Some(value) = own.or_else(|| all.filter(|_| leaf).and_then(|all| all.get(long))) else { continue };
                let driven_out = command.get_arguments().any(|other| explicit(other) && conflict(command, arg, other));
                if !explicit(arg) && !driven_out {
                    self.add(arg, long, value, &mut added);
                }
            }
        }
        added
    }

    fn add(&self, arg: &Arg, long: &str, value: &toml::Value, to: &mut Vec<OsString>) {
        match value {
            toml::Value::Array(items) => items.iter().for_each(|item| self.add(arg, long, item, to)),
            toml::Value::Boolean(false) if is_flag(arg) => {}
            toml::Value::Boolean(true) if is_flag(arg) => to.push(format!("--{long}").into()),
            value => {
                let mut text = OsString::from(format!("--{long}="));
                match value {
                    toml::Value::String(path) if arg.get_value_parser().type_id() == TypeId::of::<PathBuf>() => {
                        text.push(self.path.parent().unwrap_or(Path::new("")).join(path));
                    }
                    toml::Value::String(string) => text.push(string),
                    other => text.push(other.to_string()),
                }
                to.push(text);
            }
        }
    }
}

/// Options that a file can give.
fn options(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| {
        let action = arg.get_action();
        let can = is_flag(arg) || matches!(action, ArgAction::Set | ArgAction::Append);
        can && arg.get_long().is_some_and(|long| long != "config") && !arg.is_hide_set()
    })
}

fn is_flag(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::SetTrue)
}

fn is_list(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
}

/// Whether two arguments exclude each other.
fn conflict(command: &Command, a: &Arg, b: &Arg) -> bool {
    let names = |a: &Arg, b: &Arg| command.get_arg_conflicts_with(a).iter().any(|other| other.get_id() == b.get_id());
    let one_of = |group: &clap::ArgGroup| {
        let has = |arg: &Arg| group.get_args().any(|id| id == arg.get_id());
        !group.clone().is_multiple() && has(a) && has(b)
    };
    a.get_id() != b.get_id() && (names(a, b) || names(b, a) || command.get_groups().any(one_of))
}

/// Options in `[all]`: some command has each, and all that have it take such a value.
fn check_all(command: &Command, table: &Table) -> Result<(), String> {
    let mut known = BTreeMap::new();
    collect(command, &mut known);
    for (key, value) in table {
        let Some(args) = known.get(key.as_str()) else {
            return Err(unknown(&format!("{ALL}.{key}"), "option", key, known.keys().copied()));
        };
        for arg in args {
            fits(arg, value).map_err(|needed| format!("{ALL}.{key}: needed {needed}, had {value}"))?;
        }
    }
    Ok(())
}

/// The options of all commands, by name.
fn collect<'a>(command: &'a Command, to: &mut BTreeMap<&'a str, Vec<&'a Arg>>) {
    for sub in command.get_subcommands() {
        for arg in options(sub).filter(|arg| !arg.is_global_set()) {
            to.entry(arg.get_long().unwrap_or_default()).or_default().push(arg);
        }
        collect(sub, to);
    }
}

/// Whether an option takes a value of this type; else which it needs.
fn fits(arg: &Arg, value: &toml::Value) -> Result<(), &'static str> {
    use toml::Value::{Array, Boolean, Float, Integer, String};
    let scalar = |value: &toml::Value| matches!(value, String(_) | Integer(_) | Float(_));
    match value {
        Boolean(_) if is_flag(arg) => Ok(()),
        _ if is_flag(arg) => Err("true or false"),
        Array(items) if is_list(arg) && items.iter().all(scalar) => Ok(()),
        _ if is_list(arg) && !scalar(value) => Err("a text, a number, or a list of them"),
        value if scalar(value) => Ok(()),
        _ => Err("a text or a number"),
    }
}

fn unknown<'a>(place: &str, what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let near = known.map(|other| (distance(name, other), other)).min().filter(|(far, _)| *far <= 2);
    let hint = near.map_or(String::new(), |(_, other)| format!("; did you mean {other}?"));
    format!("{place}: there is no such {what}{hint}")
}

/// How many letters have to be put in, taken out or changed (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(corner + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

/// The JSON Schema (2020-12) of a file, from the table of arguments.
pub fn schema() -> Value {
    let mut command = root();
    command.build();
    let mut known = BTreeMap::new();
    collect(&command, &mut known);
    let all: Map<String, Value> =
        known.iter().filter_map(|(name, args)| Some(((*name).to_owned(), of_option(args.first()?)))).collect();
    let mut schema = of_command(&command);
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "Configuration of tapstone".into();
    schema["properties"][ALL] = json!({
        "type": "object", "additionalProperties": false, "properties": all,
        "description": "Options of every command that has them.",
    });
    schema
}

fn of_command(command: &Command) -> Value {
    let mut properties: Map<String, Value> = options(command)
        .filter(|arg| !arg.is_global_set() || command.get_name() == "tapstone")
        .filter_map(|arg| Some((arg.get_long()?.to_owned(), of_option(arg))))
        .collect();
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        properties.insert(sub.get_name().to_owned(), of_command(sub));
    }
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    json!({ "type": "object", "additionalProperties": false, "description": about, "properties": properties })
}

fn of_option(arg: &Arg) -> Value {
    let scalar = |value: Value| match is_list(arg) {
        true => json!({ "anyOf": [value.clone(), { "type": "array", "items": value }] }),
        false => value,
    };
    let names: Vec<String> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    let mut schema = match names.is_empty() {
        _ if is_flag(arg) => json!({ "type": "boolean" }),
        true => scalar(json!({ "type": ["string", "number"] })),
        false => scalar(json!({ "type": "string", "enum": names })),
    };
    if let Some(help) = arg.get_help() {
        schema["description"] = help.to_string().into();
    }
    schema
}
