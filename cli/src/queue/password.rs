//! [`Server`]: a PostgreSQL URL without a password, and where the password is found: a file that is named, PGPASSWORD, or libpq's password file.

use std::env;
use std::path::{Path, PathBuf};

use crate::exit::{Failure, Reason};
use crate::files;

/// What to do instead of writing a password into a URL.
const ADVICE: &str = "a password does not belong on the command line, where every user of this machine sees it: leave it out of the URL and set PGPASSWORD, \
                      write it into ~/.pgpass (or the file that PGPASSFILE names), or give --password-file";
/// The port of a server, unless the URL names another.
const PORT: &str = "5432";
/// The longest password file, in bytes.
const LIMIT: usize = 1 << 16;

/// A PostgreSQL URL that holds no password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    url: String,
    host: String,
    port: String,
    user: String,
    database: String,
}

impl Server {
    /// Reads a URL.
    pub fn parse(url: &str) -> Result<Self, Failure> {
        let usage = |text: &str| Failure::new(Reason::Usage, format!("--store: {text}"));
        let rest = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://"));
        let rest = rest.ok_or_else(|| usage("needed sqlite:FILE or postgres://USER@HOST/DATABASE"))?;
        let (place, options) = rest.split_once('?').unwrap_or((rest, ""));
        let (account, place) = place.rsplit_once('@').unwrap_or(("", place));
        let names = options.split('&').map(|option| decoded(option.split('=').next().unwrap_or_default()));
        if account.contains([':', '@']) || names.into_iter().any(|name| name.ends_with("password")) {
            return Err(usage(ADVICE));
        }
        let (host, database) = place.split_once('/').unwrap_or((place, ""));
        // A colon within brackets belongs to an address.
        let (host, port) = match host.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port),
            _ => (host, PORT),
        };
        let user = decoded(account);
        let database = if database.is_empty() { user.clone() } else { decoded(database) };
        let host = decoded(host.trim_start_matches('[').trim_end_matches(']'));
        Ok(Self { url: url.to_owned(), host, port: port.to_owned(), user, database })
    }

    /// The URL, which holds no password.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The URL with the password that is meant for it, if there is one; not to be shown.
    pub fn with_password(&self, file: Option<&Path>) -> Result<String, Failure> {
        Ok(match self.password(file)? {
            Some(password) => {
                let sign = if self.url.contains('?') { '&' } else { '?' };
                format!("{}{sign}password={}", self.url, encoded(&password))
            }
            None => self.url.clone(),
        })
    }

    fn password(&self, file: Option<&Path>) -> Result<Option<String>, Failure> {
        if let Some(path) = file {
            owner_alone(path)?;
            let text = files::read_text(path, LIMIT)?;
            let line = text.lines().next().unwrap_or_default();
            if line.is_empty() {
                return Err(Failure::at(Reason::Input, path, "its first line is no password"));
            }
            return Ok(Some(line.to_owned()));
        }
        if let Some(password) = env::var("PGPASSWORD").ok().filter(|password| !password.is_empty()) {
            return Ok(Some(password));
        }
        let named = env::var_os("PGPASSFILE").filter(|path| !path.is_empty()).map(PathBuf::from);
        let usual = || Some(PathBuf::from(env::var_os("HOME")?).join(".pgpass"));
        let Some(path) = named.or_else(usual).filter(|path| path.exists()) else { return Ok(None) };
        owner_alone(&path)?;
        Ok(self.in_passfile(&files::read_text(&path, LIMIT)?))
    }

    /// The password of the first line that fits: host, port, database, user, password, with `*` for any and a backslash before a colon or backslash.
    fn in_passfile(&self, text: &str) -> Option<String> {
        let wanted = [&self.host, &self.port, &self.database, &self.user];
        text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
            let fields = fields(line);
            let (password, place) = fields.split_last()?;
            let fits =
                place.len() == wanted.len() && place.iter().zip(wanted).all(|(had, wanted)| had == "*" || had == wanted);
            fits.then(|| password.clone())
        })
    }
}

/// The five fields of a line; what comes after the fourth colon is one field.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        let last = fields.len() - 1;
        match c {
            ':' if fields.len() < 5 => fields.push(String::new()),
            '\\' => fields[last].extend(chars.next()),
            c => fields[last].push(c),
        }
    }
    fields
}

/// A file with a password that others may read is refused.
fn owner_alone(path: &Path) -> Result<(), Failure> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path).map_err(files::io(path))?.permissions().mode();
        if mode & 0o077 != 0 {
            let text =
                format!("others may read this file with a password (its mode is {:03o}): chmod 600 mends it", mode & 0o777);
            return Err(Failure::at(Reason::Usage, path, text));
        }
    }
    Ok(())
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
    fn a_password_file_is_read_as_libpq_does() {
        let server = Server::parse("postgres://wo%72ker@db.example/queue?sslmode=require").unwrap();
        let find = |text: &str| server.in_passfile(text);
        assert_eq!(find("db.example:5432:queue:worker:hush").as_deref(), Some("hush"));
        assert_eq!(find("# none\n*:*:other:worker:no\n*:*:*:worker:a\\:b:c\\\\\n*:*:*:*:late").as_deref(), Some("a:b:c\\"));
        for wrong in ["", "db.example:5433:queue:worker:hush", "db.example:5432:queue:worker", "*:*:*:other:hush"] {
            assert_eq!(find(wrong), None, "{wrong}");
        }
        let local = Server::parse("postgres://worker@[::1]:5433").unwrap();
        assert_eq!(local.in_passfile("\\:\\:1:5433:worker:worker:x").as_deref(), Some("x"));
    }

    #[test]
    fn a_password_is_encoded_whatever_it_is() {
        assert_eq!(encoded("a&b=é"), "a%26b%3D%C3%A9");
        assert_eq!(decoded("a%26b%3D%C3%A9%4"), "a&b=é%4");
    }

    #[cfg(unix)]
    #[test]
    fn a_password_file_that_others_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "hush hush\nmore").unwrap();
        let server = Server::parse("postgres://me@localhost/queue").unwrap();
        let set = |mode| std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        set(0o640);
        assert!(server.with_password(Some(file.path())).unwrap_err().to_string().contains("chmod 600"));
        set(0o600);
        let url = server.with_password(Some(file.path())).unwrap();
        assert_eq!(url, "postgres://me@localhost/queue?password=hush%20hush");
    }
}
