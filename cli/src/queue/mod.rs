//! [`Place`]: where a work store is; and how commands open it, and the artefacts.
//!
//! Hazards: a URL may hold a password. One that does is refused, and its text is not repeated: arguments are seen by every user of the machine.

mod server;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tapstone_work::{
    ArtefactError, Artefacts, Folder, PlannerError, PostgresStore, SqliteStore, WorkError, WorkStore, artefacts,
};

use crate::args::StoreArgs;
use crate::exit::{Failure, Reason};
use server::Server;

/// Where a work store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a file.
    Sqlite(PathBuf),
    /// In a PostgreSQL database, whose URL holds no password.
    Postgres(Server),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(server) => f.write_str(server.url()),
        }
    }
}

impl Place {
    /// Reads the argument of `--store`.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        if let Some(path) = text.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
            refuse_url(path)?;
            return Ok(Self::Sqlite(PathBuf::from(path)));
        }
        Server::parse(text).map(Self::Postgres)
    }
}

/// After `sqlite:` a path stands as it is. Other programs take URLs there; read as a path, `//queue.sqlite` is a file in the root of the file system.
fn refuse_url(path: &str) -> Result<(), Failure> {
    let usage = |text: String| Err(Failure::new(Reason::Usage, format!("--store: {text}")));
    if path == ":memory:" {
        return usage("a queue in memory is seen by one process alone: give sqlite:FILE".into());
    }
    let (name, parameters) = path.split_once('?').map_or((path, None), |(name, parameters)| (name, Some(parameters)));
    let name = name.strip_prefix("file:").unwrap_or(name);
    // Of three slashes the third begins the path.
    let plain = name.strip_prefix("//").unwrap_or(name);
    if plain == path {
        return Ok(());
    }
    let what = if parameters.is_some() { "parameters are not taken" } else { "a path stands there as it is, and no URL" };
    usage(format!("sqlite:{path}: {what}: give sqlite:{}", if plain.is_empty() { "FILE" } else { plain }))
}

/// Whether a store in a file may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It is made.
    Make,
    /// It is refused: a name that was misspelt would be an empty queue.
    Refuse,
}

/// What a call does when a database cannot be reached any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outages {
    /// It waits for it, up to a minute.
    WaitedFor,
    /// It fails: whoever calls tells of it, and waits.
    Told,
}

/// How long a call waits where outages are told: a connection that was cut is none.
const BLINK: Duration = Duration::from_secs(1);

/// Opens a work store; says where it is.
pub fn open(
    text: &str,
    password_file: Option<&Path>,
    missing: Missing,
    outages: Outages,
) -> Result<(Box<dyn WorkStore>, Place), Failure> {
    let place = Place::parse(text)?;
    let store: Box<dyn WorkStore> = match &place {
        Place::Sqlite(path) => {
            refuse_password_file(password_file)?;
            if missing == Missing::Refuse && !path.exists() {
                let text = "no such file; `tapstone prove --store` makes it, or `tapstone queue migrate`";
                return Err(Failure::at(Reason::Io, path, text));
            }
            Box::new(SqliteStore::open(path).map_err(|e| at(&place, e))?)
        }
        Place::Postgres(server) => {
            let url = server.with_file(password_file);
            let store = PostgresStore::open(&url).map_err(|e| at(&place, e))?;
            Box::new(if outages == Outages::Told { store.with_patience(BLINK) } else { store })
        }
    };
    Ok((store, place))
}

/// As [`open`], of a command's arguments; what is missing is refused.
pub fn open_existing(args: &StoreArgs) -> Result<(Box<dyn WorkStore>, Place), Failure> {
    open(&args.store, args.password_file.as_deref(), Missing::Refuse, Outages::WaitedFor)
}

/// Whether the roles of a database are made with its tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Roles {
    /// They are made.
    Make,
    /// They are as they are.
    Leave,
}

/// Makes the tables of a store, or brings them to this program's version.
pub fn migrate(args: &StoreArgs, roles: Roles) -> Result<Place, Failure> {
    let place = Place::parse(&args.store)?;
    match &place {
        Place::Sqlite(_) if roles == Roles::Make => {
            let text = "--roles is for PostgreSQL; of a store in a file, whoever may write the file may do anything";
            return Err(Failure::new(Reason::Usage, text));
        }
        Place::Sqlite(path) => {
            refuse_password_file(args.password_file.as_deref())?;
            drop(SqliteStore::open(path).map_err(|e| at(&place, e))?);
        }
        Place::Postgres(server) => {
            let url = server.with_file(args.password_file.as_deref());
            let store = PostgresStore::migrate(&url).map_err(|e| at(&place, e))?;
            if roles == Roles::Make {
                store.make_roles().map_err(|e| at(&place, e))?;
            }
        }
    }
    Ok(place)
}

/// The version of a store's tables, 0 for none, and the version that this program works with.
pub fn versions(args: &StoreArgs) -> Result<(i64, i64), Failure> {
    let place = Place::parse(&args.store)?;
    let opened = match &place {
        Place::Sqlite(path) if !path.exists() => return Ok((0, SqliteStore::VERSION)),
        Place::Sqlite(path) => return SqliteStore::versions(path).map_err(|e| at(&place, e)),
        Place::Postgres(server) => PostgresStore::open(&server.with_file(args.password_file.as_deref())),
    };
    match opened {
        Ok(_) => Ok((PostgresStore::VERSION, PostgresStore::VERSION)),
        Err(WorkError::Schema { had, needed, .. }) => Ok((had, needed)),
        Err(e) => Err(at(&place, e)),
    }
}

fn refuse_password_file(given: Option<&Path>) -> Result<(), Failure> {
    match given {
        Some(_) => Err(Failure::new(Reason::Usage, "--password-file is for PostgreSQL, the store is a file")),
        None => Ok(()),
    }
}

/// Opens the storage of artefacts that an argument names, or the one beside the file of a store.
pub fn artefacts(given: Option<&str>, store: &Place) -> Result<Box<dyn Artefacts>, Failure> {
    let folder = match (given, store) {
        (Some(given), _) => return artefacts::open(given).map_err(artefact_failure),
        (None, Place::Sqlite(path)) => path.with_extension("artefacts"),
        (None, Place::Postgres(_)) => {
            let text =
                "--artefacts is missing: with PostgreSQL, name a folder that planner and workers see, or s3://BUCKET/PREFIX";
            return Err(Failure::new(Reason::Usage, text));
        }
    };
    Ok(Box::new(Folder::new(&folder)))
}

fn at(place: &Place, error: WorkError) -> Failure {
    let failure = failure(error);
    let advice = if failure.code() == Failure::new(Reason::Mismatch, "").code() {
        "; `tapstone queue migrate` brings tables to this version"
    } else {
        ""
    };
    failure.about(&format!("{place}: "), advice)
}

/// An error of a work store.
pub fn failure(error: WorkError) -> Failure {
    let reason = match &error {
        WorkError::Schema { .. } | WorkError::Damaged { .. } => Reason::Mismatch,
        WorkError::Place(_) | WorkError::WorkerName { .. } | WorkError::NoTask { .. } | WorkError::NotDead { .. } => {
            Reason::Usage
        }
        WorkError::Quarantined { .. } => Reason::Verdict,
        _ => Reason::Io,
    };
    Failure::new(reason, error)
}

/// An error of the artefacts.
pub fn artefact_failure(error: ArtefactError) -> Failure {
    let reason = if matches!(error, ArtefactError::Place(_)) { Reason::Usage } else { Reason::Io };
    Failure::new(reason, error)
}

/// An error of a planner. `store` is what `--store` was.
pub fn planner_failure(error: PlannerError, store: &Place) -> Failure {
    match error {
        PlannerError::Work(error) => failure(error),
        PlannerError::Artefact(error) => artefact_failure(error),
        PlannerError::Dead { key, .. } => {
            let text = format!(
                "{error}; `tapstone queue replay {key} --store {store}` shows it again, `tapstone queue requeue {key} --store {store}` gives it \
                 another chance"
            );
            Failure::new(Reason::Verdict, text).with_details("dead", key.to_string().into())
        }
        PlannerError::Stopped => {
            let text = "interrupted; the queue keeps its tasks, and workers go on: the same command takes up what they make";
            Failure::new(Reason::Interrupted, text)
        }
        PlannerError::Vanished { .. } => Failure::new(Reason::Io, error),
        error => Failure::new(Reason::Bug, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_files_or_servers() {
        assert_eq!(Place::parse("sqlite:a/b.sqlite").unwrap(), Place::Sqlite("a/b.sqlite".into()));
        assert_eq!(Place::parse("postgres://me@[::1]:5433/queue").unwrap().to_string(), "postgres://me@[::1]:5433/queue");
        for (wrong, right) in [
            ("sqlite://q.sqlite", "give sqlite:q.sqlite"),
            ("sqlite:///var/q.sqlite", "give sqlite:/var/q.sqlite"),
            ("sqlite:q.sqlite?mode=rwc", "parameters are not taken: give sqlite:q.sqlite"),
            ("sqlite://q.sqlite?mode=ro&cache=shared", "give sqlite:q.sqlite"),
            ("sqlite:file:q.sqlite", "give sqlite:q.sqlite"),
            ("sqlite://", "give sqlite:FILE"),
            ("sqlite::memory:", "one process alone"),
        ] {
            let failure = Place::parse(wrong).unwrap_err();
            assert!(
                failure.code() == 2 && failure.to_string().ends_with(right) || right == "one process alone",
                "{failure}"
            );
            assert!(failure.to_string().contains(right), "{failure}");
        }
        for wrong in ["", "sqlite:", "queue.sqlite", "mysql://me@here/queue", "host=here password=hush"] {
            let failure = Place::parse(wrong).unwrap_err();
            assert!(failure.code() == 2 && !failure.to_string().contains("hush"), "{wrong}: {failure}");
        }
    }

    #[test]
    fn a_password_in_a_url_is_refused_and_not_repeated() {
        for wrong in [
            "postgres://me:hush@here/queue",
            "postgresql://me:@here/queue",
            "postgres://me@here/queue?password=hush",
            "postgres://me@here/queue?sslmode=require&pass%77ord=hush",
            "postgres://me:hu@sh@here/queue",
        ] {
            let text = Place::parse(wrong).unwrap_err().to_string();
            assert!(text.contains("PGPASSWORD") && text.contains("--password-file") && !text.contains("hu"), "{text}");
        }
    }
}
