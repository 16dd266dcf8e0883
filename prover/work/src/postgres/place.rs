//! [`Place`]: a database's URL, or libpq's keywords, parted into what the driver reads and what it does not know.

use std::path::PathBuf;

use super::super::error::WorkError;

/// What a URL says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// The URL or keywords that are for the driver.
    pub(super) rest: String,
    /// `sslrootcert`: a file of certificates in PEM, or `system`.
    pub(super) root_certificates: Option<PathBuf>,
    /// `passfile`.
    pub(super) password_file: Option<PathBuf>,
}

impl Place {
    /// Parts a URL or keywords.
    ///
    /// # Errors
    /// [`WorkError::Place`] for a password, and what cannot be parted. Neither holds anything of the URL.
    pub(super) fn read(text: &str) -> Result<Self, WorkError> {
        let mut place = Self::default();
        let scheme = ["postgres://", "postgresql://"].into_iter().find(|scheme| text.starts_with(scheme));
        let Some(scheme) = scheme else {
            for (keyword, value) in keywords(text)? {
                if let Some(kept) = place.option(&keyword, &value)? {
                    let value = kept.replace('\\', "\\\\").replace('\'', "\\'");
                    place.rest.push_str(&format!("{keyword}='{value}' "));
                }
            }
            return Ok(place);
        };
        // A user's name may hold a question mark, so the query starts after it.
        let after_user = text.rfind('@').unwrap_or(scheme.len());
        if text[scheme.len()..after_user.max(scheme.len())].contains(':') {
            return Err(password());
        }
        let (address, query) = match text[after_user..].find('?') {
            Some(at) => (&text[..after_user + at], &text[after_user + at + 1..]),
            None => (text, ""),
        };
        place.rest.push_str(address);
        let mut separator = '?';
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (keyword, value) = pair.split_once('=').ok_or_else(|| malformed("an option of the URL has no value"))?;
            let value = decoded(value)?;
            if let Some(kept) = place.option(keyword, &value)? {
                place.rest.push_str(&format!("{separator}{keyword}={}", encoded(&kept)));
                separator = '&';
            }
        }
        Ok(place)
    }

    /// Takes an option, or gives its value for the driver.
    fn option(&mut self, keyword: &str, value: &str) -> Result<Option<String>, WorkError> {
        match keyword {
            "password" => return Err(password()),
            "sslrootcert" => self.root_certificates = Some(value.into()),
            "passfile" => self.password_file = Some(value.into()),
            // The driver has one word for the one meaning.
            "sslmode" if value == "verify-full" => return Ok(Some("require".into())),
            "sslmode" if value == "verify-ca" || value == "allow" => {
                return Err(malformed(
                    "sslmode is one that Tapstone has not: needed require (verify-full), prefer or disable",
                ));
            }
            _ => return Ok(Some(value.to_owned())),
        }
        Ok(None)
    }
}

fn malformed(what: &str) -> WorkError {
    WorkError::Place(format!("not a database's URL: {what}"))
}

fn password() -> WorkError {
    WorkError::Place(
        "a password in a URL can be read by whoever lists processes: give it in PGPASSWORD, in ~/.pgpass or in a file named by passfile=FILE"
            .into(),
    )
}

/// `keyword = value`, values with spaces in quotes, a backslash before a quote or backslash.
fn keywords(text: &str) -> Result<Vec<(String, String)>, WorkError> {
    let mut found = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.peek().is_none() {
            return Ok(found);
        }
        let mut keyword = String::new();
        while let Some(c) = chars.next_if(|c| *c != '=') {
            keyword.push(c);
        }
        chars.next().ok_or_else(|| malformed("needed postgres://user@host/database or keyword=value"))?;
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        let quoted = chars.next_if_eq(&'\'').is_some();
        let mut value = String::new();
        loop {
            match chars.next() {
                Some('\\') => value.extend(chars.next()),
                Some('\'') if quoted => break,
                Some(c) if !quoted && c.is_whitespace() => break,
                Some(c) => value.push(c),
                None if quoted => return Err(malformed("a quote is not closed")),
                None => break,
            }
        }
        found.push((keyword.trim_end().to_owned(), value));
    }
}

/// The value of an option of a URL.
fn decoded(text: &str) -> Result<String, WorkError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
            let (Some(high), Some(low)) = (digit(), digit()) else {
                return Err(malformed("% without two hexadecimal digits"));
            };
            bytes.push((high * 16 + low) as u8);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).map_err(|_| malformed("an option is not UTF-8"))
}

fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/,:".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_ours_are_taken_out() {
        for (text, rest) in [
            (
                "postgres://u@h:1/d?sslrootcert=%2Fa%20b&sslmode=verify-full&passfile=p&application_name=x%26y",
                "postgres://u@h:1/d?sslmode=require&application_name=x%26y",
            ),
            (
                "host=h sslrootcert = '/a b' sslmode=verify-full passfile=p application_name='x\\'y'",
                "host='h' sslmode='require' application_name='x\\'y' ",
            ),
        ] {
            let place = Place::read(text).unwrap();
            assert_eq!(place.rest, rest);
            assert_eq!((place.root_certificates, place.password_file), (Some("/a b".into()), Some("p".into())));
        }
        let plain = "postgres://u?x@h/d";
        assert_eq!(Place::read(plain).unwrap().rest, plain);
    }

    #[test]
    fn passwords_are_refused_and_not_told() {
        for text in [
            "postgres://user:secret@localhost/queue",
            "postgresql://user:se?cret@localhost/queue",
            "postgres://user:se@cret@localhost/queue",
            "postgres://user@localhost/queue?password=secret",
            "host=localhost password=secret",
            "host=localhost password = 'sec ret'",
        ] {
            let error = Place::read(text).unwrap_err().to_string();
            assert!(error.contains("PGPASSWORD") && !error.contains("cret"), "{text}: {error}");
        }
    }

    #[test]
    fn what_does_not_read_is_refused() {
        for text in [
            "queue",
            "host='x",
            "postgres://h/d?sslmode",
            "postgres://h/d?x=%2",
            "postgres://h/d?x=%ff",
            "host=h sslmode=verify-ca",
        ] {
            assert!(Place::read(text).is_err(), "{text}");
        }
    }
}
