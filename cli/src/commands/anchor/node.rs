//! The Bitcoin node of `anchor publish`, `watch` and `prove`: where it is, how it knows us, and waiting for it.

use std::cell::Cell;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bitcoin::Network;
use tapstone_anchor::node::{Credentials, NodeError, Patience, Patient, Rpc};
use tapstone_verifier::anchor::taproot::network;

use crate::args::{NodeArgs, WaitArgs};
use crate::exit::{Failure, Reason};
use crate::interrupt;
use crate::streams;

/// The environment variable that holds user:password.
const AUTH_VARIABLE: &str = "TAPSTONE_RPC_AUTH";
/// Hosts that are this machine.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// Port and folder of a network, as Bitcoin Core has them.
fn defaults(network: Network) -> (u16, Option<&'static str>) {
    match network {
        Network::Bitcoin => (8_332, None),
        Network::Testnet4 => (48_332, Some("testnet4")),
        Network::Signet => (38_332, Some("signet")),
        _ => (18_443, Some("regtest")),
    }
}

/// The node of a chain, by its arguments and else as `bitcoin-cli` finds it.
pub fn connect(args: &NodeArgs, chain_id: u32) -> Result<Rpc, Failure> {
    let network = network(chain_id);
    let (port, _) = defaults(network);
    let url = with_port(args.node.as_deref().unwrap_or("http://127.0.0.1"), port);
    let credentials = match &args.cookie {
        Some(path) => Credentials::File(path.clone()),
        None if std::env::var_os(AUTH_VARIABLE).is_some() => Credentials::Variable(AUTH_VARIABLE.into()),
        // Elsewhere the cookie of a node on this machine is of no use, and none of its business.
        None if !is_here(&url) => {
            let text = format!("node {url} is not on this machine: needed --cookie, or user:password in {AUTH_VARIABLE}");
            return Err(Failure::new(Reason::Usage, text));
        }
        None => Credentials::File(cookie(network)?),
    };
    Rpc::new(&url, credentials).map_err(|e| Failure::new(Reason::Usage, e))
}

/// The host, and the port where there is one, of `http://HOST[:PORT][/PATH]`.
fn authority(url: &str) -> Option<(&str, &str, &str)> {
    let rest = url.strip_prefix("http://")?;
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let host_ends = authority.rfind(']').map_or(0, |at| at + 1);
    let (host, port) =
        authority.get(host_ends..)?.find(':').map_or((authority, ""), |at| authority.split_at(host_ends + at));
    Some((host, port, path))
}

fn with_port(url: &str, port: u16) -> String {
    match authority(url) {
        Some((host, "", path)) if !host.is_empty() => format!("http://{host}:{port}{path}"),
        _ => url.to_owned(),
    }
}

fn is_here(url: &str) -> bool {
    // Another form of address is refused where it is used.
    authority(url).is_none_or(|(host, ..)| LOOPBACK.contains(&host))
}

/// The cookie in Bitcoin Core's folder of a network.
fn cookie(network: Network) -> Result<PathBuf, Failure> {
    let (variable, folder) = if cfg!(target_os = "windows") {
        ("LOCALAPPDATA", "Bitcoin")
    } else if cfg!(target_os = "macos") {
        ("HOME", "Library/Application Support/Bitcoin")
    } else {
        ("HOME", ".bitcoin")
    };
    let home = std::env::var_os(variable).filter(|home| !home.is_empty()).ok_or_else(|| {
        Failure::new(Reason::Usage, format!("{variable} is not set: needed --cookie, or user:password in {AUTH_VARIABLE}"))
    })?;
    let mut path = PathBuf::from(home).join(folder);
    path.extend(defaults(network).1);
    Ok(path.join(".cookie"))
}

/// Says on standard error that a node is waited for, and that it is back.
#[derive(Debug)]
pub struct Told {
    limit: Option<Duration>,
    since: Cell<Option<Instant>>,
}

impl Patience for Told {
    fn away(&self, why: &NodeError) {
        self.since.set(Some(Instant::now()));
        if self.limit != Some(Duration::ZERO) {
            streams::err(&format!("tapstone: {}; waiting for it", crate::exit::one_line(&why.to_string())));
        }
    }

    fn back(&self, node: &str) {
        let waited = self.since.take().map_or(0, |since| since.elapsed().as_secs());
        streams::err(&format!("tapstone: node {node} serves again after {waited} s"));
    }

    fn pause(&self, length: Duration) -> bool {
        let left =
            self.limit.map(|limit| limit.saturating_sub(self.since.get().map_or(Duration::ZERO, |since| since.elapsed())));
        if left == Some(Duration::ZERO) {
            return false;
        }
        interrupt::pause(left.map_or(length, |left| length.min(left)));
        !interrupt::requested()
    }
}

/// The node, waited for as the arguments say; `at_most` where they say nothing.
pub fn patient(node: &Rpc, args: WaitArgs, at_most: Option<Duration>) -> Patient<'_, Rpc, Told> {
    let limit = args.wait_node.map(Duration::from_secs).or(at_most);
    Patient::new(node, Told { limit, since: Cell::new(None) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_those_of_the_network_where_none_is_given() {
        let at = |url: &str| with_port(url, 18_443);
        assert_eq!(at("http://127.0.0.1"), "http://127.0.0.1:18443");
        assert_eq!(at("http://127.0.0.1/wallet/a:b"), "http://127.0.0.1:18443/wallet/a:b");
        assert_eq!(at("http://[::1]"), "http://[::1]:18443");
        assert_eq!(at("http://[::1]:1"), "http://[::1]:1");
        assert_eq!(at("http://node:1/x"), "http://node:1/x");
        assert_eq!(at("https://node"), "https://node");
        assert!(is_here("http://[::1]:1") && is_here("http://localhost") && !is_here("http://10.0.0.1:8332"));
        assert!(!is_here("http://127.0.0.1.example.org:8332"));
    }
}
