//! Artefacts in a bucket: in memory, and over HTTP with a server that speaks as much of S3 as they need.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use tapstone_work::{ArtefactError, ArtefactId, Artefacts, Objects};

use crate::artefacts::keeps_artefacts;

/// What the server knows of conditions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Conditions {
    Kept,
    Unknown,
}

/// A bucket that lives until the process ends.
struct Bucket {
    objects: Mutex<HashMap<String, Vec<u8>>>,
    /// Requests that are still to be refused.
    busy: AtomicUsize,
    conditions: Conditions,
    url: String,
}

impl Bucket {
    fn start(conditions: Conditions) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let bucket = Arc::new(Self { objects: Mutex::default(), busy: AtomicUsize::new(0), conditions, url });
        let served = bucket.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let served = served.clone();
                thread::spawn(move || served.serve(&stream.unwrap()));
            }
        });
        bucket
    }

    fn variables(&self) -> Vec<(String, String)> {
        let list = [
            ("AWS_ACCESS_KEY_ID", "name"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_ENDPOINT_URL", &self.url),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_PROFILE", "unknown to the store"),
        ];
        let mut list = list.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        if self.conditions == Conditions::Unknown {
            list.push(("AWS_CONDITIONAL_PUT".to_owned(), "disabled".to_owned()));
        }
        list
    }

    /// One request after the other, until the client goes.
    fn serve(&self, stream: &TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
            let (method, path) = line.trim_end().split_once(' ').map(|(m, rest)| (m, rest.split(' ').next().unwrap()))?;
            let mut headers = HashMap::new();
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).ok()?;
                let Some((name, value)) = line.trim_end().split_once(": ") else { break };
                headers.insert(name.to_ascii_lowercase(), value.to_owned());
            }
            let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
            let mut body = vec![0; length];
            reader.read_exact(&mut body).ok()?;
            let (status, body) = self.answer(method, path, &headers, body);
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nETag: \"1\"\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n",
                body.len()
            );
            let mut stream = stream;
            stream.write_all(head.as_bytes()).ok()?;
            stream.write_all(if method == "HEAD" { b"" } else { &body }).ok()?;
        }
    }

    fn answer(&self, method: &str, path: &str, headers: &HashMap<String, String>, body: Vec<u8>) -> (&str, Vec<u8>) {
        if self.busy.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |busy| busy.checked_sub(1)).is_ok() {
            return ("503 Slow Down", Vec::new());
        }
        if !headers.get("authorization").is_some_and(|text| text.contains("Credential=name/")) {
            return ("403 Forbidden", Vec::new());
        }
        let mut objects = self.objects.lock().unwrap();
        match (method, objects.get(path)) {
            ("PUT", _) if headers.contains_key("if-none-match") && self.conditions == Conditions::Unknown => {
                ("501 Not Implemented", Vec::new())
            }
            ("PUT", Some(_)) if headers.contains_key("if-none-match") => ("412 Precondition Failed", Vec::new()),
            ("PUT", _) => {
                objects.insert(path.to_owned(), body);
                ("200 OK", Vec::new())
            }
            ("GET" | "HEAD", Some(bytes)) => ("200 OK", bytes.clone()),
            _ => ("404 Not Found", Vec::new()),
        }
    }
}

#[test]
fn objects_in_memory_keep_artefacts() {
    keeps_artefacts(&Objects::in_memory().unwrap(), None);
}

#[test]
fn a_bucket_keeps_artefacts() {
    for conditions in [Conditions::Kept, Conditions::Unknown] {
        let bucket = Bucket::start(conditions);
        let objects = Objects::s3("bucket/some/prefix/", bucket.variables()).unwrap();
        let path = |id: &ArtefactId| format!("/bucket/{}", objects.key(id));
        keeps_artefacts(
            &objects,
            Some(&|id, bytes| {
                bucket.objects.lock().unwrap().insert(path(id), bytes.to_vec());
            }),
        );
        assert!(bucket.objects.lock().unwrap().keys().all(|name| name.starts_with("/bucket/some/prefix/")));
        // A storage that is busy for a moment is asked again.
        bucket.busy.store(2, Ordering::Relaxed);
        let id = objects.put(b"patience").unwrap();
        bucket.busy.store(2, Ordering::Relaxed);
        assert_eq!(objects.get(&id, 100).unwrap(), b"patience");
    }
}

#[test]
fn what_is_no_bucket_or_lacks_credentials_is_refused() {
    let bucket = Bucket::start(Conditions::Kept);
    let refused = |place: &str, variables: Vec<(String, String)>| match Objects::s3(place, variables) {
        Err(ArtefactError::Place(what)) => what,
        other => panic!("{other:?}"),
    };
    assert!(refused("", bucket.variables()).contains("no name of a bucket"));
    assert!(refused("/prefix", bucket.variables()).contains("no name of a bucket"));
    assert!(refused("bucket/a//b", bucket.variables()).contains("bucket/a//b"));
    let without = |gone: &str| bucket.variables().into_iter().filter(|(name, _)| name != gone).collect::<Vec<_>>();
    assert!(refused("bucket", without("AWS_ACCESS_KEY_ID")).contains("AWS_ACCESS_KEY_ID and"));
    assert!(refused("bucket", without("AWS_ALLOW_HTTP")).contains("AWS_ALLOW_HTTP=true"));
    let objects = Objects::s3("bucket", bucket.variables()).unwrap();
    assert!(!format!("{objects:?}").contains("secret"));
    // Who may not, is told so, and it is no verdict on the artefact.
    let other = bucket.variables().into_iter().map(|(name, value)| match name.as_str() {
        "AWS_ACCESS_KEY_ID" => (name, "somebody".to_owned()),
        _ => (name, value),
    });
    let error = Objects::s3("bucket", other.collect()).unwrap().put(b"bytes").unwrap_err();
    assert!(matches!(error, ArtefactError::Storage(_)) && !error.is_verdict(), "{error}");
}
