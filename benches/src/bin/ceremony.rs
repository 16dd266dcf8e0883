//! What a contribution and the import of a ceremony's key cost, step by step: elapsed seconds, core-seconds, peak memory.
//!
//! `cargo run --release -p tapstone-benches --bin ceremony -- --shape small --folder FOLDER --json`
//!
//! The files of the ceremony are made from secrets that are known, in minutes instead of hours; what is measured does not see the difference. They stay in the
//! folder, and are used again (for 2^20 rows the powers have 0.8 GB). Core-seconds and memory are what Linux tells of a process; elsewhere they are null.

use std::cell::RefCell;
use std::error::Error;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Parser;
use serde_json::{Value, json};
use tapstone_benches::process::{core_seconds, forget_peak, peak_bytes};
use tapstone_ceremony::testing::KnownSecrets;
use tapstone_ceremony::{CeremonyFile, Files, Pins, Secret, Source, Zkey, contribute, hash_of, verify};
use tapstone_circuits::circuit::BatchCircuit;
use tapstone_circuits::cs::INSTANCE_WIRES;
use tapstone_circuits::shape::Shape;

/// What a contribution and an import cost.
#[derive(Debug, Parser)]
struct Args {
    /// A registered shape.
    #[arg(long, default_value = "tiny")]
    shape: String,
    /// Where the ceremony's files are, or are made.
    #[arg(long, required_unless_present = "prepared")]
    folder: Option<PathBuf>,
    /// Only write powers of tau to this file, with the Lagrange points that snarkjs needs: its own `prepare phase2` takes more than an hour for 2^17.
    #[arg(long, conflicts_with = "folder")]
    prepared: Option<PathBuf>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

fn main() {
    let args = Args::parse();
    match run(&args) {
        Ok(report) if args.json => println!("{report}"),
        Ok(_) => {}
        Err(error) => {
            eprintln!("ceremony: {error}");
            std::process::exit(1);
        }
    }
}

/// Steps, each timed from its name on.
struct Clock {
    running: RefCell<Option<(String, Instant, Option<f64>)>>,
    done: RefCell<Vec<Value>>,
}

impl Clock {
    fn start(&self, name: String) {
        self.stop();
        *self.running.borrow_mut() = Some((name, Instant::now(), core_seconds()));
    }

    fn stop(&self) {
        let Some((name, since, cores_before)) = self.running.borrow_mut().take() else { return };
        let seconds = since.elapsed().as_secs_f64();
        let cores = core_seconds().zip(cores_before).map(|(after, before)| after - before);
        eprintln!("{seconds:8.2} s, {} core-seconds: {name}", cores.map_or("?".into(), |cores| format!("{cores:7.2}")));
        self.done.borrow_mut().push(json!({ "step": name, "seconds": seconds, "core_seconds": cores }));
    }
}

fn run(args: &Args) -> Result<Value, Box<dyn Error>> {
    let shape = Shape::registered(&args.shape).ok_or("no such shape")?;
    let circuit = BatchCircuit::new(&shape);
    let rows = circuit.system().matrices.rows();
    let domain = (rows + INSTANCE_WIRES).next_power_of_two();
    let secrets = KnownSecrets::from_number(1);
    // Powers of twice the domain, as the import asks for.
    let power = domain.ilog2() + 1;
    if let Some(file) = &args.prepared {
        fs::write(file, secrets.prepared_ptau(power))?;
        return Ok(json!({ "shape": shape.name, "power": power, "prepared": file }));
    }
    let folder = args.folder.as_ref().ok_or("no folder")?;
    fs::create_dir_all(folder)?;
    let [powers, initial, last] = ["powers.ptau", "0.zkey", "1.zkey"].map(|name| folder.join(name));
    if !powers.exists() || !initial.exists() {
        fs::write(&powers, secrets.ptau(power))?;
        fs::write(&initial, secrets.initial_key(circuit.system()))?;
    }
    let open = |path: &Path| -> Result<Source, Box<dyn Error>> { Ok(Source::open(&File::open(path)?)?) };
    let clock = Clock { running: RefCell::default(), done: RefCell::default() };

    let before = open(&initial)?;
    let zkey = Zkey::parse(CeremonyFile::InitialZkey, &before)?;
    clock.start("contributing".into());
    let hash = contribute(&zkey, "benchmark", Secret::draw(b"").map_err(|e| e.to_string())?, &mut File::create(&last)?)?;
    clock.stop();

    forget_peak();
    let (ptau, after) = (open(&powers)?, open(&last)?);
    let pins = Pins { contributions: vec![hash], beacon: None, ptau: Some(hash_of(&ptau)) };
    let files = Files { zkey: &after, initial: &before, ptau: &ptau };
    let verified = verify(&circuit, files, &pins, &|step| clock.start(step.to_string()))?;
    clock.start("laying out the key".into());
    let key = verified.proving_key()?;
    clock.start("writing the key".into());
    key.write(&mut File::create(folder.join("proving.key"))?)?;
    clock.stop();

    let steps = clock.done.into_inner();
    let sum = |field: &str| steps.iter().skip(1).map(|step| step[field].as_f64()).sum::<Option<f64>>();
    let (seconds, cores) = (sum("seconds"), sum("core_seconds"));
    let memory = peak_bytes();
    let mebibytes = memory.map_or("?".into(), |bytes| (bytes >> 20).to_string());
    eprintln!(
        "import: {:.1} s, {:.1} core-seconds, {mebibytes} MiB",
        seconds.unwrap_or(f64::NAN),
        cores.unwrap_or(f64::NAN)
    );
    Ok(json!({
        "shape": shape.name, "rows": rows, "domain": domain, "threads": rayon::current_num_threads(), "steps": steps,
        "import_seconds": seconds, "import_core_seconds": cores, "peak_bytes": memory,
    }))
}
