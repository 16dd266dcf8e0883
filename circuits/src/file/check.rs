//! [`Check`]: every line of a batch file that is refused for its form, with the place to point at.
//!
//! [`Reader`](super::Reader) ends at the first error, as an operator's program must; a person who mends a file wants all of them. Of each
//! line the first fault counts: what follows it is often a consequence.

use std::io::BufRead;

use super::error::{FileError, Problem};
use super::object::Object;
use super::{Lines, header, transaction};

/// A refused line.
#[derive(Debug)]
pub struct Fault {
    /// Place and problem. The column is that of the value, or of the name if the field should not be there, or the line's end if one is missing.
    pub error: FileError,
    /// The line's text, empty where it is not UTF-8 or could not be read.
    pub text: String,
}

/// What became of the lines of a file.
#[derive(Debug)]
pub struct Check {
    /// Lines read.
    pub lines: usize,
    /// The refused ones, in order.
    pub faults: Vec<Fault>,
    /// Whether reading ended early: at the most faults that were asked for, at a line that is too long, or where reading failed.
    pub ended_early: bool,
}

impl Check {
    /// Reads a file to its end, or until there are `most` faults. It holds one line and the faults in memory.
    pub fn of(input: impl BufRead, most: usize) -> Self {
        let mut lines = Lines { input, number: 0, buffer: Vec::new() };
        let mut check = Self { lines: 0, faults: Vec::new(), ended_early: false };
        loop {
            let (number, last) = (lines.number + 1, lines.number);
            let fault = match lines.next() {
                Ok(None) => break,
                Ok(Some(text)) => {
                    let read = Object::parse(number, text);
                    let read =
                        if number == 1 { read.and_then(header).map(drop) } else { read.and_then(transaction).map(drop) };
                    read.err().map(|error| (pointed(error, text), text.to_owned()))
                }
                Err(error) => {
                    let ends = matches!(error.problem, Problem::Io(_) | Problem::TooLong { .. });
                    check.ended_early |= ends;
                    Some((error, String::new()))
                }
            };
            check.lines = lines.number.max(last);
            if let Some((error, text)) = fault {
                check.faults.push(Fault { error, text });
            }
            check.ended_early |= check.faults.len() >= most;
            if check.ended_early {
                break;
            }
        }
        if check.lines == 0 && check.faults.is_empty() {
            let error = FileError { line: 1, column: None, field: None, problem: Problem::Empty };
            check.faults.push(Fault { error, text: String::new() });
        }
        check
    }
}

/// The error with the column, from 1 in bytes, of what it is about.
fn pointed(mut error: FileError, text: &str) -> FileError {
    if error.column.is_some() {
        return error;
    }
    let name = error.field.as_ref().map(|field| format!("{field:?}"));
    let at = match (&error.problem, name) {
        (Problem::Missing, _) => text.rfind('}'),
        (Problem::Repeated, Some(name)) => text.rfind(&name),
        (Problem::Unknown, Some(name)) => text.find(&name),
        (_, Some(name)) => value_of(text, &name).or_else(|| text.find(&name)),
        (_, None) => None,
    };
    error.column = at.map(|at| at + 1);
    error
}

/// Where the value of a field starts: after its name, white space and a colon.
fn value_of(text: &str, name: &str) -> Option<usize> {
    text.match_indices(name).find_map(|(at, _)| {
        let rest = text[at + name.len()..].trim_start().strip_prefix(':')?.trim_start();
        Some(text.len() - rest.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = r#"{"format":"tapstone-batch/1","chain_id":3,"batch":1,"pre_state_root":"0x0000000000000000000000000000000000000000000000000000000000000000","operator":0}"#;

    fn check(lines: &[&str]) -> Check {
        Check::of(lines.join("\n").as_bytes(), 100)
    }

    #[test]
    fn every_refused_line_is_told_with_its_place() {
        let lines = [
            &HEADER.replace("\"operator\":0", "\"operator\":\"0\""),
            r#"{"kind":"deposit","account":-1}"#,
            "",
            r#"{"kind": "sell"}"#,
            r#"{"kind":"deposit","kind":"deposit"}"#,
            r#"{"kind":"change_key"}"#,
        ];
        let check = check(&lines);
        assert_eq!((check.lines, check.ended_early), (6, false));
        let places: Vec<_> = check.faults.iter().map(|f| (f.error.line, f.error.column, f.error.field.as_deref())).collect();
        let operator = lines[0].find("\"0\"}").map(|at| at + 1);
        assert_eq!(
            places,
            [
                (1, operator, Some("operator")),
                (2, Some(30), None),
                (3, None, None),
                (4, Some(10), Some("kind")),
                (5, Some(19), Some("kind")),
                (6, Some(21), Some("account")),
            ]
        );
        assert!(check.faults.iter().zip([0, 1, 2, 3, 4, 5]).all(|(f, i)| f.text == lines[i]));
    }

    #[test]
    fn a_file_without_lines_and_one_with_too_many_faults() {
        assert!(matches!(check(&[]).faults[0].error.problem, Problem::Empty));
        let many = Check::of("x\n".repeat(50).as_bytes(), 7);
        assert_eq!((many.faults.len(), many.ended_early), (7, true));
        let long = Check::of(format!("{}\nx\n", " ".repeat(super::super::MAX_LINE + 1)).as_bytes(), 7);
        assert_eq!((long.faults.len(), long.ended_early), (1, true));
        let good = check(&[HEADER]);
        assert_eq!((good.faults.len(), good.lines), (0, 1));
    }
}
