//! [`Objects`]: artefacts in a bucket of S3, or of a store that speaks its protocol (MinIO, Ceph, R2).
//!
//! An artefact is an object named by its SHA-256, within its first two digits. It is put on the condition that there is none yet; one that is there is
//! read and compared, and written again if it is damaged.
//!
//! Hazards: calls block on a runtime of their own, so they must not come from within an asynchronous task.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutPayload, RetryConfig};
use tokio::runtime::{Builder, Runtime};

use super::super::error::ArtefactError;
use super::super::id::ArtefactId;
use super::Artefacts;

/// Tries of a request that a storage could not serve, and how long they may take in all.
const RETRIES: usize = 8;
/// See there.
const RETRY: Duration = Duration::from_secs(60);
/// What credentials are given by; one of them must be there.
const CREDENTIALS: [&str; 5] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_SKIP_SIGNATURE",
];

/// Artefacts in a bucket.
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    runtime: Runtime,
}

impl fmt::Debug for Objects {
    /// Without credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Objects({:?})", self.prefix.as_ref())
    }
}

/// The process's variables about S3.
pub(super) fn environment() -> Vec<(String, String)> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).filter(|(name, _)| name.starts_with("AWS_")).collect()
}

fn storage(error: impl std::error::Error + Send + Sync + 'static) -> ArtefactError {
    ArtefactError::Storage(Box::new(error))
}

impl Objects {
    /// Artefacts in `bucket` or `bucket/prefix`. `variables` are those of the environment that AWS's tools read: `AWS_ACCESS_KEY_ID`,
    /// `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, for other stores `AWS_ENDPOINT_URL`, which needs `AWS_ALLOW_HTTP=true` if it is `http:`, and
    /// `AWS_CONDITIONAL_PUT=disabled` for a store that refuses conditions. Nothing is connected to.
    ///
    /// # Errors
    /// [`ArtefactError::Place`] without a bucket or credentials, and for variables that do not read.
    pub fn s3(place: &str, variables: Vec<(String, String)>) -> Result<Self, ArtefactError> {
        let refused = |what: String| ArtefactError::Place(format!("s3://{place}: {what}"));
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        if bucket.is_empty() || bucket.contains(['@', ':', '?', '#']) {
            return Err(refused(
                "no name of a bucket, needed s3://bucket/prefix, and credentials in the environment".into(),
            ));
        }
        let prefix = Path::parse(prefix.trim_end_matches('/')).map_err(|error| refused(error.to_string()))?;
        let value = |wanted: &str| {
            variables.iter().find(|(name, value)| name == wanted && !value.is_empty()).map(|(_, value)| value)
        };
        if !CREDENTIALS.iter().any(|name| value(name).is_some()) {
            return Err(refused(
                "no credentials in the environment, needed AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY".into(),
            ));
        }
        let endpoint = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"].iter().find_map(|name| value(name));
        let plain = endpoint.is_some_and(|endpoint| endpoint.starts_with("http:"));
        if plain && value("AWS_ALLOW_HTTP").is_none_or(|allowed| allowed != "true") {
            return Err(refused(
                "its endpoint is http:, where others can read along, needed https: or AWS_ALLOW_HTTP=true".into(),
            ));
        }
        // Whoever made one before made it for the whole process.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let retry = RetryConfig { max_retries: RETRIES, retry_timeout: RETRY, ..RetryConfig::default() };
        let mut builder = AmazonS3Builder::new().with_bucket_name(bucket).with_retry(retry);
        for (name, value) in &variables {
            // A variable that the store does not know is about something else.
            if let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>()
                && key != AmazonS3ConfigKey::Bucket
            {
                builder = builder.with_config(key, value);
            }
        }
        if let Some(endpoint) = endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        let store = builder.build().map_err(|error| refused(error.to_string()))?;
        Self::new(Arc::new(store), prefix)
    }

    /// Artefacts in this process's memory, which end with it; for tests.
    ///
    /// # Errors
    /// What the system says.
    pub fn in_memory() -> Result<Self, ArtefactError> {
        Self::new(Arc::new(InMemory::new()), Path::default())
    }

    fn new(store: Arc<dyn ObjectStore>, prefix: Path) -> Result<Self, ArtefactError> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(storage)?;
        Ok(Self { store, prefix, runtime })
    }

    /// The name of an artefact's object.
    pub fn key(&self, id: &ArtefactId) -> String {
        self.path(id).to_string()
    }

    fn path(&self, id: &ArtefactId) -> Path {
        let name = id.to_string();
        self.prefix.clone().join(&name[..2]).join(name.as_str())
    }

    async fn read(&self, id: &ArtefactId, most: usize) -> Result<Vec<u8>, ArtefactError> {
        let missing = |error| match error {
            Error::NotFound { .. } => ArtefactError::Missing { id: *id },
            error => storage(error),
        };
        let found = self.store.get(&self.path(id)).await.map_err(missing)?;
        let too_long = |had| ArtefactError::TooLong { id: *id, had, largest: most as u64 };
        if found.meta.size > most as u64 {
            return Err(too_long(found.meta.size));
        }
        let mut bytes = Vec::with_capacity(found.meta.size as usize);
        let mut parts = found.into_stream();
        while let Some(part) = parts.try_next().await.map_err(storage)? {
            // The storage may send more than it said.
            if bytes.len() + part.len() > most {
                return Err(too_long((bytes.len() + part.len()) as u64));
            }
            bytes.extend_from_slice(&part);
        }
        let had = ArtefactId::of(&bytes);
        if had == *id { Ok(bytes) } else { Err(ArtefactError::Hash { id: *id, had }) }
    }
}

impl Artefacts for Objects {
    fn put(&self, bytes: &[u8]) -> Result<ArtefactId, ArtefactError> {
        let id = ArtefactId::of(bytes);
        let (path, payload) = (self.path(&id), PutPayload::from(bytes.to_vec()));
        self.runtime.block_on(async {
            match self.store.put_opts(&path, payload.clone(), PutMode::Create.into()).await {
                Ok(_) => return Ok(id),
                // One that is there and whole is not written again; a damaged one is.
                Err(Error::AlreadyExists { .. }) => match self.read(&id, bytes.len()).await {
                    Ok(_) => return Ok(id),
                    Err(error) if error.is_verdict() => {}
                    Err(error) => return Err(error),
                },
                // Told that the storage knows no conditions: the name says what the bytes are, so writing twice does no harm.
                Err(Error::NotImplemented { .. }) => {}
                Err(error) => return Err(storage(error)),
            }
            self.store.put(&path, payload).await.map_err(storage)?;
            Ok(id)
        })
    }

    fn get(&self, id: &ArtefactId, most: usize) -> Result<Vec<u8>, ArtefactError> {
        self.runtime.block_on(self.read(id, most))
    }
}
