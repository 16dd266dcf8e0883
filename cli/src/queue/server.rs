//! [`Server`]: a PostgreSQL URL without a password.
//!
//! The work store itself finds the password: PGPASSWORD, or libpq's password file.

use std::path::Path;

use crate::exit::{Failure, Reason};

/// What to do instead of writing a password into a URL.
const ADVICE: &str = "a password does not belong on the command line, where every user of this machine sees it: leave it out of the URL and set PGPASSWORD, \
                      write it into ~/.pgpass (or the file that PGPASSFILE names), or give --password-file";

/// A PostgreSQL URL that holds no password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server(String);

impl Server {
    /// Reads a URL.
    pub fn parse(url: &str) -> Result<Self, Failure> {
        let usage = |text: &str| Failure::new(Reason::Usage, format!("--store: {text}"));
        let rest = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://"));
        let rest = rest.ok_or_else(|| usage("needed sqlite:FILE or postgres://USER@HOST/DATABASE"))?;
        // Whatever has a question mark in it: a password may.
        let account = rest.rsplit_once('@').map_or("", |(account, _)| account);
        let (_, options) = rest.split_once('?').unwrap_or((rest, ""));
        let mut names = options.split(['&', '?']).map(|option| decoded(option.split('=').next().unwrap_or_default()));
        if account.contains([':', '@', '?', '/']) || names.any(|name| name.ends_with("password")) {
            return Err(usage(ADVICE));
        }
        Ok(Self(url.to_owned()))
    }

    /// The URL, which holds no password.
    pub fn url(&self) -> &str {
        &self.0
    }

    /// The URL with the password file that is to be looked into.
    pub fn with_file(&self, file: Option<&Path>) -> String {
        match file {
            Some(file) => {
                let sign = if self.0.contains('?') { '&' } else { '?' };
                format!("{}{sign}passfile={}", self.0, encoded(&file.display().to_string()))
            }
            None => self.0.clone(),
        }
    }
}

/// Percent-encoding, of everything that could mean something in a URL.
fn encoded(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::new(), |mut out, byte| {
        let _ = if byte.is_ascii_alphanumeric() { write!(out, "{}", byte as char) } else { write!(out, "%{byte:02X}") };
        out
    })
}

fn decoded(text: &str) -> String {
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::new(), 0);
    while let Some(&byte) = bytes.get(at) {
        let digits = bytes.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(value) if byte == b'%' => {
                out.push(value);
                at += 3;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_encoded_whatever_it_is() {
        assert_eq!(encoded("a&b=é"), "a%26b%3D%C3%A9");
        assert_eq!(decoded("a%26b%3D%C3%A9%4"), "a&b=é%4");
    }

    #[test]
    fn a_password_file_is_an_option_of_the_url() {
        let server = |url: &str| Server::parse(url).unwrap().with_file(Some(Path::new("a b")));
        assert_eq!(server("postgres://me@localhost/queue"), "postgres://me@localhost/queue?passfile=a%20b");
        assert_eq!(
            server("postgres://me@db/queue?sslmode=require"),
            "postgres://me@db/queue?sslmode=require&passfile=a%20b"
        );
    }
}
