//! The page of metrics, over HTTP: one request a connection, one connection at a time.
//!
//! Hazard: whoever reaches the address may ask. Only this machine does, unless the user says otherwise; a request has a bounded length and time.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use tapstone_work::{Status, WorkError, WorkStore};

use super::metrics::Metrics;
use crate::exit::{Failure, Reason};

/// How long a client may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest head of a request, in bytes.
const LIMIT: usize = 8192;

/// How long the store may take to say how the queue stands.
const STORE: Duration = Duration::from_secs(2);

/// Who may reach the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// This machine alone.
    ThisMachine,
    /// Whoever reaches the address.
    Anywhere,
}

/// Asks a store how it stands, by a thread of its own: one that has lost its database must not keep the page from being read.
struct Asker {
    ask: SyncSender<()>,
    answers: Receiver<Result<Status, WorkError>>,
}

impl Asker {
    fn new(store: Box<dyn WorkStore>) -> io::Result<Self> {
        let ((ask, asked), (answer, answers)) = (sync_channel(1), sync_channel(1));
        let run = move || while asked.recv().is_ok() && answer.send(store.status()).is_ok() {};
        thread::Builder::new().name("status".into()).spawn(run)?;
        Ok(Self { ask, answers })
    }

    fn ask(&self) -> Option<Status> {
        // What came too late for an earlier question.
        while self.answers.try_recv().is_ok() {}
        // If one is waiting, its answer serves as well.
        let _ = self.ask.try_send(());
        self.answers.recv_timeout(STORE).ok()?.ok()
    }
}

/// Serves metrics as long as the program runs; says at which address, which matters where the port is 0.
pub fn serve(
    address: SocketAddr,
    reach: Reach,
    metrics: Arc<Metrics>,
    store: Box<dyn WorkStore>,
) -> Result<SocketAddr, Failure> {
    if !address.ip().is_loopback() && reach == Reach::ThisMachine {
        let text = format!("--metrics {address} can be reached by other machines: add --metrics-public if they shall");
        return Err(Failure::new(Reason::Usage, text));
    }
    let refuse = |e: io::Error| Failure::new(Reason::Io, format!("--metrics {address}: {e}"));
    let listener = TcpListener::bind(address).map_err(refuse)?;
    let bound = listener.local_addr().map_err(refuse)?;
    let asker = Asker::new(store).map_err(refuse)?;
    let run = move || {
        for stream in listener.incoming().flatten() {
            // A client that hangs up is its own affair.
            let _ = answer(stream, &metrics, &asker);
        }
    };
    thread::Builder::new().name("metrics".into()).spawn(run).map_err(refuse)?;
    Ok(bound)
}

fn answer(mut stream: TcpStream, metrics: &Metrics, asker: &Asker) -> io::Result<()> {
    stream.set_write_timeout(Some(PATIENCE))?;
    let head = read_head(&mut stream)?;
    let mut words = head.split(' ');
    let (status, body) = match (words.next(), words.next()) {
        (Some("GET"), Some("/metrics")) => ("200 OK", metrics.page(asker.ask().as_ref())),
        (Some("GET"), Some(_)) => ("404 Not Found", "the page is /metrics\n".to_owned()),
        _ => ("405 Method Not Allowed", "GET alone\n".to_owned()),
    };
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}

/// The first line of a request, whose head was read to its end.
fn read_head(stream: &mut TcpStream) -> io::Result<String> {
    let (start, mut head) = (Instant::now(), Vec::new());
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let left = PATIENCE.saturating_sub(start.elapsed());
        if left.is_zero() || head.len() > LIMIT {
            return Err(io::ErrorKind::InvalidData.into());
        }
        stream.set_read_timeout(Some(left))?;
        let mut part = [0; 1024];
        match stream.read(&mut part)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => head.extend(&part[..count]),
        }
    }
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    Ok(String::from_utf8_lossy(line).into_owned())
}
