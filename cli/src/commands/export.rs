//! `keys export-r1cs`: circuits for other tools.

use tapstone_circuits::circuit::BatchCircuit;

use super::keys;
use crate::args::ExportR1cs;
use crate::exit::{Failure, Reason};
use crate::files;
use crate::progress::Progress;
use crate::report::Report;

/// `tapstone keys export-r1cs`.
pub fn run(args: &ExportR1cs, progress: &mut Progress) -> Result<Report, Failure> {
    let shape = keys::shape(&args.shape)?;
    let names = args.file.with_extension("sym");
    if names == args.file {
        return Err(Failure::new(Reason::Usage, "the circuit needs another extension than .sym, which its names get"));
    }
    progress.step(format!("recording the circuit of shape {}", shape.name));
    let circuit = BatchCircuit::new(&shape);
    let system = circuit.system();
    progress.step(format!("writing {}", args.file.display()));
    files::replace_with(&args.file, |to| system.write_r1cs(to))?;
    files::replace_with(&names, |to| system.write_sym(to))?;
    let mut report = Report::default();
    report
        .add("shape", shape.name.as_str())
        .add("constraints", system.matrices.rows())
        .add("wires", system.wires)
        .add("r1cs", args.file.display().to_string())
        .add("names", names.display().to_string());
    Ok(report)
}
