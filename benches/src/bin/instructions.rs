//! One kernel a few times on one thread, for a tool that counts instructions: what does not depend on the machine's noise.
//!
//! `.ci/instructions` runs each kernel under valgrind, once and three times, takes half of the difference (so that start and inputs do not count), and
//! compares with `benches/instructions.csv`. Valgrind has no AVX-512, so that the kernel of AVX2 and FMA and the portable one are counted.

use std::process::ExitCode;

use ark_bn254::{Fr, G1Projective, G2Projective};
use tapstone_benches::inputs::{full_batch, progression, scalars};
use tapstone_benches::verify::Fixture;
use tapstone_circuits::circuit::assignment;
use tapstone_circuits::shape::Shape;
use tapstone_prover::kernel::Kernel;
use tapstone_prover::msm::{Bases, G1, G2, msm};
use tapstone_prover::ntt::Transforms;
use tapstone_verifier::poseidon;

/// What is counted, in the order of the table.
const KERNELS: [&str; 6] = ["msm_g1", "msm_g2", "ntt", "poseidon", "witness", "verify"];

fn run(name: &str, times: usize) -> Option<()> {
    let mut work: Box<dyn FnMut()> = match name {
        "msm_g1" => {
            let count = 1 << 11;
            let (bases, scalars) = (Bases::<G1>::new(Kernel::detect(), &progression::<G1Projective>(count)), scalars(count));
            Box::new(move || _ = std::hint::black_box(msm(&bases, &scalars)))
        }
        "msm_g2" => {
            let count = 1 << 10;
            let (bases, scalars) = (Bases::<G2>::new(Kernel::detect(), &progression::<G2Projective>(count)), scalars(count));
            Box::new(move || _ = std::hint::black_box(msm(&bases, &scalars)))
        }
        "ntt" => {
            let transforms = Transforms::new(Kernel::detect(), 12)?;
            let mut values = scalars(1 << 12);
            Box::new(move || {
                transforms.evaluate_on_coset(&mut values);
                transforms.interpolate(&mut values);
            })
        }
        "poseidon" => {
            let inputs = scalars(8);
            Box::new(move || (0..200).for_each(|_| _ = std::hint::black_box(poseidon::hash(&inputs))))
        }
        "witness" => {
            let executed = full_batch(&Shape::registered("tiny")?);
            let input: Fr = executed.statement().public_input().into();
            Box::new(move || _ = std::hint::black_box(assignment(input, &executed.witness)))
        }
        "verify" => {
            let fixture = Fixture::new(1);
            Box::new(move || fixture.one())
        }
        _ => return None,
    };
    (0..times).for_each(|_| work());
    Some(())
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["list"] => {
            println!("{}", KERNELS.join("\n"));
            ExitCode::SUCCESS
        }
        [name, times] => match times.parse().ok().and_then(|times| run(name, times)) {
            Some(()) => ExitCode::SUCCESS,
            None => {
                eprintln!("had {name} {times}, needed one of {KERNELS:?} that the kernel has, and how often");
                ExitCode::from(2)
            }
        },
        _ => {
            eprintln!("had {args:?}, needed `list`, or a kernel and how often");
            ExitCode::from(2)
        }
    }
}
