//! A reader for the little JSON that snarkjs writes: objects, arrays, strings without escapes, digits.

use crate::error::JsonError;
use alloc::vec::Vec;

/// Objects and arrays lie no deeper within each other.
const MAX_DEPTH: usize = 8;

/// A value, which borrows from the text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Text(&'a str),
    Number(&'a str),
    List(Vec<Value<'a>>),
    Object(Vec<(&'a str, Value<'a>)>),
}

/// Reads a text of at most `most` bytes. What is allocated is proportional to it.
pub(crate) fn parse(text: &str, most: usize) -> Result<Value<'_>, JsonError> {
    if text.len() > most {
        return Err(JsonError::TooLong { most, actual: text.len() });
    }
    let mut parser = Parser { text, at: 0 };
    let value = parser.value(0)?;
    parser.space();
    if parser.at == text.len() { Ok(value) } else { Err(parser.wrong()) }
}

impl<'a> Value<'a> {
    /// The fields of an object with these names and no others, in the order of the names.
    pub(crate) fn fields<const N: usize>(self, names: [&'static str; N]) -> Result<[Option<Value<'a>>; N], JsonError> {
        let Value::Object(entries) = self else { return Err(JsonError::Field { name: "?" }) };
        let mut out = [const { None }; N];
        for (name, value) in entries {
            let slot = names.iter().zip(out.iter_mut()).find(|(n, _)| **n == name);
            match slot {
                Some((_, slot @ None)) => *slot = Some(value),
                Some((name, _)) => return Err(JsonError::Field { name }),
                None => return Err(JsonError::Field { name: "?" }),
            }
        }
        Ok(out)
    }

    /// The elements of a list of this length.
    pub(crate) fn list<const N: usize>(self) -> Option<[Value<'a>; N]> {
        if let Value::List(elements) = self { elements.try_into().ok() } else { None }
    }

    /// The elements of a list.
    pub(crate) fn elements(self) -> Option<Vec<Value<'a>>> {
        if let Value::List(elements) = self { Some(elements) } else { None }
    }

    pub(crate) fn text(&self) -> Option<&'a str> {
        if let Value::Text(text) = self { Some(text) } else { None }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn wrong(&self) -> JsonError {
        JsonError::Syntax { offset: self.at }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn run(&mut self, allowed: impl Fn(u8) -> bool) -> &'a str {
        let start = self.at;
        while self.peek().is_some_and(&allowed) {
            self.at += 1;
        }
        self.text.get(start..self.at).unwrap_or("")
    }

    fn string(&mut self) -> Result<&'a str, JsonError> {
        if !self.take(b'"') {
            return Err(self.wrong());
        }
        let text = self.run(|b| (b' '..=b'~').contains(&b) && b != b'"' && b != b'\\');
        if self.peek() != Some(b'"') {
            return Err(self.wrong());
        }
        self.at += 1;
        Ok(text)
    }

    fn value(&mut self, depth: usize) -> Result<Value<'a>, JsonError> {
        self.space();
        match self.peek() {
            Some(b'"') => Ok(Value::Text(self.string()?)),
            Some(b'0'..=b'9') => Ok(Value::Number(self.run(|b| b.is_ascii_digit()))),
            Some(b'[') if depth < MAX_DEPTH => {
                let mut list = Vec::new();
                self.items(b']', |parser| {
                    list.push(parser.value(depth + 1)?);
                    Ok(())
                })?;
                Ok(Value::List(list))
            }
            Some(b'{') if depth < MAX_DEPTH => {
                let mut entries = Vec::new();
                self.items(b'}', |parser| {
                    let name = parser.string()?;
                    if !parser.take(b':') {
                        return Err(parser.wrong());
                    }
                    entries.push((name, parser.value(depth + 1)?));
                    Ok(())
                })?;
                Ok(Value::Object(entries))
            }
            _ => Err(self.wrong()),
        }
    }

    /// Items between the bracket that comes next and `end`, with commas between them.
    fn items(&mut self, end: u8, mut item: impl FnMut(&mut Self) -> Result<(), JsonError>) -> Result<(), JsonError> {
        self.at += 1;
        if self.take(end) {
            return Ok(());
        }
        loop {
            item(self)?;
            if self.take(end) {
                return Ok(());
            }
            if !self.take(b',') {
                return Err(self.wrong());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{string::String, vec};

    #[test]
    fn values_and_space() {
        let value = parse(" { \"a\" : [ \"x\" , 12 ] ,\n\"b\":{}, \"c\":[] } ", 100).unwrap();
        let list = Value::List(vec![Value::Text("x"), Value::Number("12")]);
        assert_eq!(value, Value::Object(vec![("a", list), ("b", Value::Object(vec![])), ("c", Value::List(vec![]))]));
    }

    #[test]
    fn everything_else_is_refused() {
        for (bad, offset) in [
            ("", 0),
            ("[1,]", 3),
            ("[,1]", 1),
            ("[1 2]", 3),
            ("[1", 2),
            ("\"a", 2),
            ("\"\\u0031\"", 1),
            ("\"\u{e9}\"", 1),
            ("-1", 0),
            ("1.5", 1),
            ("1e3", 1),
            ("true", 0),
            ("{\"a\"}", 4),
            ("{a:1}", 1),
            ("{} {}", 3),
            ("[[[[[[[[[]]]]]]]]]", 8),
        ] {
            assert_eq!(parse(bad, 100), Err(JsonError::Syntax { offset }), "{bad}");
        }
        let deep: String = (0..100).map(|_| '[').collect();
        assert_eq!(parse(&deep, 99), Err(JsonError::TooLong { most: 99, actual: 100 }));
        assert_eq!(parse(&deep, 100), Err(JsonError::Syntax { offset: 8 }));
    }

    #[test]
    fn fields_are_all_known_and_come_once() {
        let fields = |text| parse(text, 100).unwrap().fields(["a", "b"]);
        assert_eq!(fields("{\"b\":1}"), Ok([None, Some(Value::Number("1"))]));
        assert_eq!(fields("{\"a\":1,\"a\":1}"), Err(JsonError::Field { name: "a" }));
        assert_eq!(fields("{\"c\":1}"), Err(JsonError::Field { name: "?" }));
        assert_eq!(fields("[]"), Err(JsonError::Field { name: "?" }));
    }
}
