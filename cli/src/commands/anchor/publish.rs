//! `anchor publish`, `watch` and `status`: anchors by a Bitcoin node.

use std::time::Duration;

use bitcoin::Txid;
use serde_json::Value;
use tapstone_anchor::FeeRateText;
use tapstone_anchor::node::{
    Child, ChildEvent, Event, Funds, Journal, JournalError, Node, NodeError, Position, PublishError, Publisher, Spent, Step,
    Terms, Waiting,
};

use super::node::{connect, patient};
use super::read_header;
use super::transaction::{coin, key, read_psbt, read_secret, usage};
use crate::args::{AnchorPublish, AnchorStatus, AnchorWatch, Signer};
use crate::exit::{Failure, Reason};
use crate::files;
use crate::interrupt;
use crate::report::Report;

/// The depth at which `publish` looks at an anchor no more: as for `watch` by default.
const DEPTH: u32 = 6;

pub fn journal_failure(e: JournalError) -> Failure {
    let reason = match &e {
        JournalError::Line { .. } => Reason::Input,
        JournalError::FormatVersion { .. } => Reason::Mismatch,
        _ => Reason::Io,
    };
    Failure::new(reason, e)
}

fn failure(e: PublishError) -> Failure {
    match e {
        PublishError::Journal(e) => journal_failure(e),
        PublishError::Node(e @ NodeError::Rejected { .. }) => Failure::new(Reason::Verdict, e),
        PublishError::Node(e) => Failure::new(Reason::Io, e),
        e @ (PublishError::Network { .. } | PublishError::Chain { .. }) => Failure::new(Reason::Mismatch, e),
        e @ PublishError::Key(_) => Failure::new(Reason::Usage, e),
        e => Failure::new(Reason::Verdict, e),
    }
}

/// `tapstone anchor publish`.
pub fn publish(args: &AnchorPublish) -> Result<Report, Failure> {
    let header = read_header("--header", &args.header)?;
    let chain_id = header.chain_id();
    let change = args.change.as_ref().map(|address| address.script("--change", chain_id).map_err(usage));
    let funds = match args.coin.as_slice() {
        [] => Funds::Find,
        coins => Funds::Coins(coins.iter().map(|text| coin(text, chain_id)).collect::<Result<_, _>>()?),
    };
    let terms = Terms {
        key: key(&args.key, chain_id)?,
        recovery: args.recovery.map(|lock| Ok((key(&lock.key.to_string(), chain_id)?, lock.blocks))).transpose()?,
        funds,
        value: args.value,
        change: change.transpose()?,
        rate: args.rate,
        fee_limit: args.fee_limit,
    };
    let rpc = connect(&args.node, chain_id)?;
    let node = patient(&rpc, args.wait, None);
    let journal = Journal::open(&args.journal, chain_id).map_err(journal_failure)?;
    let mut publisher = Publisher::new(&node, journal).map_err(failure)?;
    let mut done = Step::default();
    step(&mut publisher, DEPTH, &mut done)?;
    publisher.intend(header, &terms).map_err(failure)?;
    sign(&mut publisher, &args.signer)?;
    step(&mut publisher, DEPTH, &mut done)?;
    match done.waiting.iter().find(|waiting| matches!(waiting, Waiting::Fee { .. })) {
        Some(fee) => Err(Failure::new(Reason::Verdict, waiting(fee))),
        None => report(publisher.journal(), &done),
    }
}

/// `tapstone anchor watch`.
pub fn watch(args: &AnchorWatch) -> Result<Report, Failure> {
    let journal = Journal::open_existing(&args.journal).map_err(journal_failure)?;
    let at_most = args.once.then_some(Duration::ZERO);
    let rpc = connect(&args.node, journal.chain_id())?;
    let node = patient(&rpc, args.wait, at_most);
    let mut publisher = Publisher::new(&node, journal).map_err(failure)?;
    let mut done = Step::default();
    loop {
        step(&mut publisher, args.depth, &mut done)?;
        if args.signer.can_sign()
            && done.waiting.iter().any(|waiting| matches!(waiting, Waiting::Coins { .. }))
            && publisher.renew(args.fee_limit).map_err(failure)?.is_some()
        {
            step(&mut publisher, args.depth, &mut done)?;
        }
        let too_low = done.waiting.iter().find(|waiting| matches!(waiting, Waiting::Fee { .. }));
        if let Some(too_low @ Waiting::Fee { needed, is_passing: false, .. }) = too_low
            && args.bump_rate.is_none_or(|rate| rate < *needed)
        {
            return Err(Failure::new(Reason::Verdict, waiting(too_low)));
        }
        let (too_low, in_mempool) =
            (too_low.is_some(), done.waiting.iter().any(|waiting| matches!(waiting, Waiting::Block { .. })));
        let is_refused = done.waiting.iter().find(|waiting| matches!(waiting, Waiting::Replacement { .. }));
        let has_child = done.waiting.iter().any(|waiting| matches!(waiting, Waiting::Child { .. }));
        match (args.bump_rate, is_refused) {
            // The transaction before stands, and a child can pay for it.
            (Some(rate), Some(_)) => drop(publisher.pay_by_child(rate, args.fee_limit).map_err(failure)?),
            (None, Some(refused)) if !has_child => return Err(Failure::new(Reason::Verdict, waiting(refused))),
            (Some(rate), None) if too_low || (in_mempool && publisher.is_late(args.bump_after).map_err(failure)?) => {
                // What the mempool does not hold has no child there.
                let raised = match args.child && !too_low {
                    true => publisher.pay_by_child(rate, args.fee_limit),
                    false => publisher.raise(rate, args.fee_limit),
                };
                raised.map_err(failure)?;
            }
            _ => {}
        }
        if sign(&mut publisher, &args.signer)? > 0 {
            step(&mut publisher, args.depth, &mut done)?;
        }
        if args.once || done.waiting.is_empty() {
            return report(publisher.journal(), &done);
        }
        interrupt::pause(Duration::from_secs(args.interval));
        if interrupt::requested() {
            return Err(Failure::new(Reason::Interrupted, "interrupted: the journal holds what was done"));
        }
    }
}

/// One step: what it did, after what was done before, and what is waited for now.
fn step<N: Node>(publisher: &mut Publisher<'_, N>, depth: u32, done: &mut Step) -> Result<(), Failure> {
    let step = publisher.step(depth).map_err(failure)?;
    done.events.extend(step.events);
    done.waiting = step.waiting;
    Ok(())
}

/// `tapstone anchor status`.
pub fn status(args: &AnchorStatus) -> Result<Report, Failure> {
    let journal = Journal::look(&args.journal).map_err(journal_failure)?;
    report(&journal, &Step::default())
}

/// Has signed what waits for signatures. Returns how many transactions were.
fn sign<N: Node>(publisher: &mut Publisher<'_, N>, signer: &Signer) -> Result<usize, Failure> {
    let mut count = 0;
    if let Some(path) = &signer.signed {
        publisher.accept(&read_psbt(path)?).map_err(failure)?;
        count += 1;
    }
    if let Some(path) = &signer.secret {
        count += publisher.sign(read_secret(path)?).map_err(failure)?;
    }
    if let (Some(out), Some((_, psbt))) = (&signer.out, publisher.unsigned().next()) {
        files::replace(out, psbt.to_string().as_bytes())?;
    }
    Ok(count)
}

fn report(journal: &Journal, step: &Step) -> Result<Report, Failure> {
    let mut report = Report::default();
    report.add("chain_id", journal.chain_id());
    let anchors: Vec<Value> = journal.positions().iter().map(|position| describe(position).into_value()).collect();
    report.add("anchors", anchors);
    report.add("events", step.events.iter().map(event).collect::<Vec<String>>());
    report.add("waiting", step.waiting.iter().map(waiting).collect::<Vec<String>>());
    Ok(report)
}

fn describe(position: &Position) -> Report {
    let mut report = Report::default();
    let version = position.live().or(position.versions.last());
    let dead = position.versions.iter().filter(|version| version.dead.is_some()).count();
    let state = match (position.buried, position.confirmed, position.live()) {
        (true, ..) => "buried",
        (_, Some(_), _) => "confirmed",
        (_, _, Some(version)) if version.sent => "sent",
        (_, _, Some(_)) => "signed",
        (_, _, None) if dead == position.versions.len() => "dead",
        (_, _, None) => "intended",
    };
    report
        .add("sequence", position.header.sequence())
        .add("state", state)
        .add("commitment", position.header.commitment().to_string())
        .add("txid", version.map(|version| version.txid().to_string()))
        .add("spends", version.and_then(|version| version.spends().next()).map(|spent| spent.to_string()))
        .add("versions", position.versions.len())
        .add("dead_versions", dead)
        .add("height", position.confirmed.map(|at| at.height))
        .add("block", position.confirmed.map(|at| at.block.to_string()))
        .add("child", version.and_then(|version| version.children.last()).map(|child| describe_child(child).into_value()));
    report
}

fn describe_child(child: &Child) -> Report {
    let mut report = Report::default();
    let state = match (child.buried, child.confirmed, child.moot) {
        (true, ..) => "buried",
        (_, Some(_), _) => "confirmed",
        (_, _, true) => "moot",
        _ if child.sent => "sent",
        _ if child.signed.is_some() => "signed",
        _ => "intended",
    };
    report
        .add("txid", child.txid().to_string())
        .add("state", state)
        .add("fee", child.fee().to_sat())
        .add("package_rate", FeeRateText(child.rate).to_string())
        .add("height", child.confirmed.map(|at| at.height))
        .add("block", child.confirmed.map(|at| at.block.to_string()));
    report
}

fn event(event: &Event) -> String {
    let says = |sequence: &u64, txid: &Txid, what: String| format!("anchor {sequence}: {txid} {what}");
    match event {
        Event::Broadcast { sequence, txid } => says(sequence, txid, "was given to the network".into()),
        Event::Confirmed { sequence, at } => says(sequence, &at.txid, format!("is in block {} at {}", at.block, at.height)),
        Event::Dropped { sequence, at } => says(sequence, &at.txid, format!("lost its block {}", at.block)),
        Event::Relinked { sequence, txid } => {
            says(sequence, txid, "takes the place of one whose parent was replaced".into())
        }
        Event::Dead { sequence, txid, spent } => {
            let Spent { outpoint, spender, at } = spent;
            let place = format!("in block {} at {}", at.hash, at.height);
            says(sequence, txid, format!("is dead: {spender} {place} spent its coin {outpoint}"))
        }
        Event::Buried { sequence, txid, depth } => says(sequence, txid, format!("is {depth} blocks deep")),
        Event::Child { sequence, txid, what } => {
            let what = match what {
                ChildEvent::Broadcast => "was given to the network".into(),
                ChildEvent::Confirmed(at) => format!("is in block {} at {}", at.block, at.height),
                ChildEvent::Dropped(at) => format!("lost its block {}", at.block),
                ChildEvent::Moot => "is of no use any more, and the change that it would spend is free".into(),
                ChildEvent::Buried(depth) => format!("is {depth} blocks deep"),
                _ => "changed".into(),
            };
            format!("anchor {sequence}: child {txid} {what}")
        }
        _ => "done".into(),
    }
}

fn waiting(waiting: &Waiting) -> String {
    match waiting {
        Waiting::Signature { sequence, txid } => format!("anchor {sequence}: signatures of {txid}"),
        Waiting::Parent { sequence } => format!("anchor {sequence}: the anchor before"),
        Waiting::Block { sequence, txid } => format!("anchor {sequence}: a block with {txid}"),
        Waiting::Replacement { sequence, txid, held, reason } => format!(
            "anchor {sequence}: a block with {held}, as the node refuses {txid} in its place ({reason}); a child can pay for it \
             (anchor watch with --bump-rate, and --secret or --out)"
        ),
        Waiting::ChildSignature { sequence, txid } => format!("anchor {sequence}: the signature of its child {txid}"),
        Waiting::Child { sequence, txid } => format!("anchor {sequence}: a block with its child {txid}"),
        Waiting::Coins { sequence } => {
            format!(
                "anchor {sequence}: other coins (anchor publish with its header, or anchor watch with --secret or --out)"
            )
        }
        Waiting::Fee { sequence, txid, fee, vbytes, needed, .. } => {
            let (fee, needed) = (fee.to_sat(), FeeRateText(*needed));
            format!(
                "anchor {sequence}: a higher fee, {txid} pays {fee} sat for {vbytes} vB and the node takes it from {needed} sat/vB on \
                 (anchor watch with --bump-rate {needed}, and --secret or --out)"
            )
        }
        Waiting::Depth { sequence, depth } => format!("anchor {sequence}: more blocks, it is {depth} deep"),
        _ => "more".into(),
    }
}
