//! TLS to PostgreSQL: certificates that verify, and those that do not.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tapstone_work::{PostgresStore, WorkStore};
use tempfile::TempDir;

use crate::postgres::client;
use crate::server::Server;

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A server whose certificate is for `localhost`, connected to by address and by name.
pub fn certificates_are_verified(server: &Server) {
    let folder = TempDir::new().unwrap();
    let [ours, other, namesake] = ["ours", "other", "ours"].map(authority);
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    };
    let (right, wrong) = (file("right.pem", &ours.pem()), file("wrong.pem", &other.pem()));
    let forged = file("forged.pem", &namesake.pem());
    let url = |user: &str, host: &str, ca: &Path| {
        let (port, ca) = (server.port(), ca.display());
        format!("host={host} hostaddr=127.0.0.1 port={port} user={user} dbname=encrypted sslmode=require sslrootcert={ca}")
    };
    let refused = |url: &str| PostgresStore::open(url).unwrap_err().to_string();
    client(server).batch_execute("CREATE DATABASE encrypted").unwrap();
    client(server).batch_execute("CREATE ROLE guarded LOGIN SUPERUSER PASSWORD 'pass word'").unwrap();
    let error = refused(&url("owner", "localhost", &right));
    assert!(error.contains("does not speak TLS"), "{error}");

    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &ours).unwrap();
    server.encrypt(&certificate.pem(), &key.serialize_pem());
    let store = PostgresStore::migrate(&url("owner", "localhost", &right)).unwrap();
    assert_eq!(store.status().unwrap().queued, 0);
    // The heart's connection is encrypted as well.
    assert_eq!(store.reopen().unwrap().status().unwrap().queued, 0);
    let encrypted =
        "SELECT count(*) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE a.datname = 'encrypted' AND s.ssl";
    assert_eq!(client(server).query_one(encrypted, &[]).unwrap().get::<_, i64>(0), 1);
    for (ca, name) in [(&wrong, "wrong.pem"), (&forged, "forged.pem")] {
        let error = refused(&url("owner", "localhost", ca));
        assert!(error.contains("is not from a CA that") && error.contains(name), "{error}");
    }
    let error = refused(&url("owner", "database.example", &right));
    assert!(error.contains("a name that its certificate is for"), "{error}");
    // The system's CAs have not made it.
    let error = refused(&url("owner", "localhost", Path::new("system")));
    assert!(error.contains("sslrootcert=FILE"), "{error}");

    let (good, bad) = (file("pgpass", "localhost:*:*:guarded:pass word\n"), file("bad", "*:*:*:*:guess\n"));
    let guarded = |file: &Path| format!("{} passfile={}", url("guarded", "localhost", &right), file.display());
    let store = PostgresStore::open(&guarded(&good)).unwrap();
    assert!(!format!("{store:?}").contains("pass word"));
    let error = refused(&guarded(&bad));
    assert!(error.contains("password authentication failed") && !error.contains("guess"), "{error}");
}
