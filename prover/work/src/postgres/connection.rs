//! [`Connection`]: where a database is and how it is connected to: encryption, and where the password is from.
//!
//! `sslmode=require` means what libpq calls `verify-full`: the server's certificate leads to a CA that is trusted, and is for the host that was asked
//! for. Another machine is connected to in no other way; local sockets and loopback addresses need no encryption.
//!
//! Hazards: what stands in a URL is seen by everybody who may list processes, so a password there is refused.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use postgres::config::{Host, SslMode};
use postgres::{Client, Config, NoTls};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::super::error::WorkError;
use super::password::{self, Environment};
use super::place::Place;

/// How long connecting may take, and how long the database's machine may leave what was sent to it unacknowledged, unless the URL says otherwise
/// (`connect_timeout`, `tcp_user_timeout`): a machine that vanished is found out.
const SILENCE: Duration = Duration::from_secs(10);
/// The value of `sslrootcert` that means the system's CAs.
const SYSTEM: &str = "system";
/// Lists of tasks walk an index: without statistics, as after many tasks were added, the database would rather sort all of them. Calls hold their locks for
/// milliseconds, so who waits longer waits for somebody who will not let go.
const SESSION: &str = "SET enable_sort = off; SET enable_bitmapscan = off; SET jit = off; SET lock_timeout = '5s'";

/// A database that can be connected to, more than once.
#[derive(Clone)]
pub(super) struct Connection {
    config: Config,
    tls: Option<Tls>,
}

/// How the server's certificate is verified.
#[derive(Clone)]
struct Tls {
    connector: MakeRustlsConnect,
    /// Whose certificates are trusted.
    trusted: Trusted,
}

/// Certificates of CAs.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Trusted {
    System,
    File(PathBuf),
}

impl fmt::Display for Trusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("this system"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

impl fmt::Debug for Connection {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tls = if self.tls.is_some() { "TLS" } else { "no TLS" };
        write!(f, "{:?}, {tls}", self.config.get_dbname().unwrap_or_default())
    }
}

impl Connection {
    /// Reads a URL or libpq's keywords, and the files that they name; connects to nothing.
    ///
    /// # Errors
    /// [`WorkError::Place`] for what does not read, holds a password or would lead to another machine without encryption; [`WorkError::Io`] for files.
    pub(super) fn new(url: &str, environment: Environment<'_>) -> Result<Self, WorkError> {
        let place = Place::read(url)?;
        let mut config = Config::from_str(&place.rest).map_err(|error| {
            let what = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            WorkError::Place(format!("not a database's URL: {what}; needed postgres://user@host/database"))
        })?;
        if config.get_ssl_mode() != SslMode::Require && !is_near(&config) {
            let what = "the database is on another machine, and the connection would not be encrypted: add sslmode=require to its URL, and \
                        sslrootcert=FILE if this system does not trust its CA";
            return Err(WorkError::Place(what.into()));
        }
        let tls = (config.get_ssl_mode() == SslMode::Require)
            .then(|| {
                let variable = || environment("PGSSLROOTCERT").filter(|value| !value.is_empty()).map(PathBuf::from);
                let file = place.root_certificates.or_else(variable).filter(|path| path.as_os_str() != SYSTEM);
                Tls::new(file.map_or(Trusted::System, Trusted::File))
            })
            .transpose()?;
        if tls.is_none() {
            // This machine's own addresses: nobody listens in between.
            config.ssl_mode(SslMode::Disable);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(SILENCE);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(SILENCE);
        }
        if let Some(password) = password::find(&config, place.password_file.as_deref(), environment)? {
            config.password(password);
        }
        Ok(Self { config, tls })
    }

    /// Connects.
    ///
    /// # Errors
    /// [`WorkError::Place`] for a certificate that does not verify, or a server without TLS; and what the database says.
    pub(super) fn connect(&self) -> Result<Client, WorkError> {
        let mut client = match &self.tls {
            None => self.config.connect(NoTls)?,
            Some(Tls { connector, trusted }) => {
                self.config.connect(connector.clone()).map_err(|error| match refusal(&error, trusted) {
                    Some(what) => WorkError::Place(what),
                    None => error.into(),
                })?
            }
        };
        client.batch_execute(SESSION)?;
        Ok(client)
    }
}

impl Tls {
    fn new(trusted: Trusted) -> Result<Self, WorkError> {
        let mut roots = RootCertStore::empty();
        match &trusted {
            Trusted::System => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
            Trusted::File(path) => {
                for certificate in certificates(path)? {
                    let what = |error| WorkError::Place(format!("{}: no certificate of a CA: {error}", path.display()));
                    roots.add(certificate).map_err(what)?;
                }
            }
        }
        if roots.is_empty() {
            let what = format!("no certificate of a CA from {trusted}: give them as sslrootcert=FILE, in PEM");
            return Err(WorkError::Place(what));
        }
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| WorkError::Place(format!("TLS: {error}")))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { connector: MakeRustlsConnect::new(config), trusted })
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, WorkError> {
    let bytes = std::fs::read(path).map_err(|source| WorkError::Io { path: path.to_owned(), source })?;
    CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(|error| WorkError::Place(format!("{}: not certificates in PEM: {error}", path.display())))
}

/// Whether all addresses are this machine's own.
fn is_near(config: &Config) -> bool {
    let near = |host: &Host| match host {
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback()),
        #[cfg(unix)]
        Host::Unix(_) => true,
    };
    config.get_hosts().iter().all(near) && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

/// Why the server was not taken for the one that was asked for, and what to do.
fn refusal(error: &postgres::Error, trusted: &Trusted) -> Option<String> {
    let mut cause = error.source();
    while let Some(found) = cause {
        let inner = found.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(tls) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return Some(match tls {
                // A CA of the right name and another key is another CA.
                rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
                    format!(
                        "the database's certificate is not from a CA that {trusted} names: give the certificate of its CA as sslrootcert=FILE"
                    )
                }
                rustls::Error::InvalidCertificate(
                    CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
                ) => format!("{tls}: connect to the database by a name that its certificate is for"),
                _ => format!("TLS with the database failed: {tls}"),
            });
        }
        cause = found.source();
    }
    error.source().filter(|cause| cause.to_string() == "server does not support TLS").map(|_| {
        "the database does not speak TLS, and sslmode=require asks for it: set ssl = on in its postgresql.conf".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> String {
        match Connection::new(url, &|_| None) {
            Err(error) => error.to_string(),
            Ok(connection) => panic!("{url} gave {connection:?}"),
        }
    }

    #[test]
    fn other_machines_are_connected_to_with_encryption_alone() {
        for url in [
            "postgres://user@database.example/queue",
            "postgres://user@database.example/queue?sslmode=prefer",
            "postgres://user@database.example/queue?sslmode=disable",
            "postgres://user@localhost,database.example/queue",
            "host=localhost hostaddr=192.0.2.1 user=user",
        ] {
            assert!(refused(url).contains("sslmode=require"), "{url}");
        }
        for url in ["postgres://user@localhost/queue", "host=127.0.0.1 user=user", "host=/tmp user=user"] {
            assert!(Connection::new(url, &|_| None).unwrap().tls.is_none(), "{url}");
        }
    }

    #[test]
    fn a_machine_that_vanished_is_found_out() {
        let silence = |options: &str| {
            let config = Connection::new(&format!("postgres://user@localhost/queue{options}"), &|_| None).unwrap().config;
            (config.get_connect_timeout().copied(), config.get_tcp_user_timeout().copied())
        };
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(silence(""), (Some(SILENCE), Some(SILENCE)));
        assert_eq!(silence("?connect_timeout=3&tcp_user_timeout=4"), (seconds(3), seconds(4)));
    }

    #[test]
    fn files_of_certificates_are_read_at_once() {
        let folder = tempfile::TempDir::new().unwrap();
        let (empty, broken) = (folder.path().join("empty.pem"), folder.path().join("broken.pem"));
        std::fs::write(&empty, "").unwrap();
        std::fs::write(&broken, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        let url =
            |path: &Path| format!("postgres://user@database.example/queue?sslmode=require&sslrootcert={}", path.display());
        assert!(refused(&url(&empty)).contains("no certificate of a CA from"));
        assert!(refused(&url(&broken)).contains("no certificate of a CA: "));
        assert!(matches!(
            Connection::new(&url(&folder.path().join("none.pem")), &|_| None),
            Err(WorkError::Io { path, .. }) if path.ends_with("none.pem")
        ));
        // The environment's file counts where the URL names none.
        let variable = |name: &str| (name == "PGSSLROOTCERT").then(|| empty.clone().into_os_string());
        let error = Connection::new("postgres://user@database.example/queue?sslmode=require", &variable).unwrap_err();
        assert!(error.to_string().contains("empty.pem"), "{error}");
    }
}
