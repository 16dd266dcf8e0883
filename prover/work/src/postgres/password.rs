//! Where a database's password is from: `PGPASSWORD`, else the first line that fits of `passfile`, `PGPASSFILE` or `~/.pgpass`.
//!
//! Hazards: a password file that others may read is refused, not only warned of.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use postgres::Config;
use postgres::config::Host;
use tapstone_secret::{self as secret, SecretFileError};
use zeroize::Zeroizing;

use super::super::error::WorkError;

/// The value of an environment variable.
pub(super) type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// PostgreSQL's port.
const PORT: u16 = 5432;
/// The longest file of passwords, in bytes.
const LONGEST: usize = 1 << 16;

/// The password for a database, if there is one.
///
/// # Errors
/// [`WorkError::Io`] for a file that was named and cannot be read, [`WorkError::Place`] for one that others may read, and for hosts that have different
/// passwords.
pub(super) fn find(
    config: &Config,
    file: Option<&Path>,
    environment: Environment<'_>,
) -> Result<Option<Zeroizing<Vec<u8>>>, WorkError> {
    let variable = |name: &str| environment(name).filter(|value| !value.is_empty());
    if let Some(password) = variable("PGPASSWORD") {
        return Ok(Some(Zeroizing::new(password.into_encoded_bytes())));
    }
    let named = file.map(Path::to_owned).or_else(|| variable("PGPASSFILE").map(PathBuf::from));
    let usual = || variable("HOME").map(|home| Path::new(&home).join(".pgpass")).filter(|path| path.exists());
    let Some(path) = named.or_else(usual) else { return Ok(None) };
    let text = read(&path)?;
    // The driver's default.
    let user = config.get_user().map(str::to_owned).or_else(|| variable("USER").and_then(|user| user.into_string().ok()));
    let user = user.unwrap_or_default();
    let database = config.get_dbname().unwrap_or(&user);
    let mut passwords = hosts(config).into_iter().map(|(host, port)| line(&text, [&host, &port, database, &user]));
    let first = passwords.next().flatten();
    if passwords.any(|password| password != first) {
        let what = format!("{}: the hosts of the URL have different passwords: name one host", path.display());
        return Err(WorkError::Place(what));
    }
    Ok(first)
}

fn read(path: &Path) -> Result<Zeroizing<String>, WorkError> {
    secret::read_text(path, LONGEST).map_err(|error| match error {
        SecretFileError::Io(source) => WorkError::Io { path: path.to_owned(), source },
        error => WorkError::Place(format!("{}: {error}", path.display())),
    })
}

/// Names and ports of all hosts; libpq names a local socket `localhost`.
fn hosts(config: &Config) -> Vec<(String, String)> {
    let ports = config.get_ports();
    let port = |index: usize| ports.get(index).or(ports.first()).copied().unwrap_or(PORT).to_string();
    let name = |host: &Host| match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(_) => "localhost".to_owned(),
    };
    let names: Vec<String> = match config.get_hosts() {
        [] => config.get_hostaddrs().iter().map(ToString::to_string).collect(),
        hosts => hosts.iter().map(name).collect(),
    };
    names.into_iter().enumerate().map(|(index, name)| (name, port(index))).collect()
}

/// The password of the first line `host:port:database:user:password` that fits; `*` fits everything.
fn line(text: &str, wanted: [&str; 4]) -> Option<Zeroizing<Vec<u8>>> {
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = fields(line);
        let [host, port, database, user, password] = &fields[..] else { return None };
        let fits = |(field, wanted): (&Zeroizing<String>, &str)| field.as_str() == "*" || field.as_str() == wanted;
        let fit = [host, port, database, user].into_iter().zip(wanted).all(fits);
        fit.then(|| Zeroizing::new(password.as_bytes().to_vec()))
    })
}

/// The fields of a line: up to five, with a backslash before a colon or backslash; the last one may hold colons.
fn fields(line: &str) -> Vec<Zeroizing<String>> {
    let mut fields = vec![Zeroizing::new(String::with_capacity(line.len()))];
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        let last = fields.len() == 5;
        let Some(field) = fields.last_mut() else { break };
        match c {
            '\\' => field.extend(chars.next()),
            ':' if !last => fields.push(Zeroizing::new(String::with_capacity(line.len()))),
            _ => field.push(c),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;

    const LINES: &str = "# host:port:database:user:password\n\
        near:5432:queue:worker:one\n\
        near:5433:*:worker:two:with\\:colons\n\
        a\\:b:*:*:*:three\n\
        short:line\n\
        localhost:*:*:*:four\n";

    #[test]
    fn the_first_line_that_fits_counts() {
        let find = |wanted| line(LINES, wanted).map(|password| String::from_utf8(password.to_vec()).unwrap());
        assert_eq!(find(["near", "5432", "queue", "worker"]).as_deref(), Some("one"));
        assert_eq!(find(["near", "5433", "other", "worker"]).as_deref(), Some("two:with:colons"));
        assert_eq!(find(["a:b", "1", "d", "u"]).as_deref(), Some("three"));
        for wanted in
            [["far", "5432", "queue", "worker"], ["near", "5432", "queue", "owner"], ["near", "5432", "other", "worker"]]
        {
            assert_eq!(find(wanted), None);
        }
        assert_eq!(find(["near", "1", "queue", "worker"]), None);
    }

    #[cfg(unix)]
    fn write(path: &Path, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        std::fs::write(path, LINES).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn the_environment_counts_before_files_and_a_named_file_before_the_usual_one() {
        let home = tempfile::TempDir::new().unwrap();
        let (usual, named) = (home.path().join(".pgpass"), home.path().join("named"));
        let environment = |name: &str| (name == "HOME").then(|| home.path().as_os_str().to_owned());
        let config = Config::from_str("postgres://worker@near/queue").unwrap();
        let text = |found: Option<Zeroizing<Vec<u8>>>| found.map(|password| String::from_utf8(password.to_vec()).unwrap());
        assert_eq!(find(&config, None, &environment).unwrap(), None);
        write(&usual, 0o600);
        assert_eq!(text(find(&config, None, &environment).unwrap()).as_deref(), Some("one"));
        // One that was named must be there.
        assert!(matches!(find(&config, Some(&named), &environment), Err(WorkError::Io { .. })));
        std::fs::write(&named, "*:*:*:*:named").unwrap();
        let error = find(&config, Some(&named), &environment).unwrap_err().to_string();
        assert!(error.contains("chmod 600") && !error.contains("*:named"), "{error}");
        write(&named, 0o640);
        assert!(find(&config, Some(&named), &environment).is_err());
        write(&named, 0o400);
        assert_eq!(text(find(&config, Some(&named), &environment).unwrap()).as_deref(), Some("one"));
        let variable = |name: &str| (name == "PGPASSWORD").then(|| "five".into());
        assert_eq!(text(find(&config, Some(&named), &variable).unwrap()).as_deref(), Some("five"));
        // A password is for its host alone.
        let both = Config::from_str("postgres://worker@near,localhost/queue").unwrap();
        let error = find(&both, None, &environment).unwrap_err().to_string();
        assert!(error.contains("different passwords") && !error.contains("four"), "{error}");
        let socket = Config::from_str("host=/tmp user=worker").unwrap();
        assert_eq!(text(find(&socket, None, &environment).unwrap()).as_deref(), Some("four"));
    }
}
