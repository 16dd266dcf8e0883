//! One kernel a few times on one thread, for a tool that counts instructions: what does not depend on the machine's noise.
//!
//! `.ci/instructions` runs each kernel under valgrind, once and three times, takes half of the difference (so that start and inputs do not count), and
//! compares with `benches/instructions.csv`. Valgrind has no AVX-512, so that the kernel of AVX2 and FMA and the portable one are counted, and
//! beside them arkworks' own sums and transforms.

use std::process::ExitCode;

use ark_bn254::Fr;
use ark_ec::VariableBaseMSM;
use ark_ff::FftField;
use ark_poly::{EvaluationDomain, GeneralEvaluationDomain};
use tapstone_benches::inputs::{full_batch, progression, scalars};
use tapstone_benches::verify::Fixture;
use tapstone_circuits::circuit::assignment;
use tapstone_circuits::shape::Shape;
use tapstone_prover::kernel::Kernel;
use tapstone_prover::msm::{Bases, Curve, G1, G2, msm};
use tapstone_prover::ntt::Transforms;
use tapstone_verifier::poseidon;

/// What is counted, in the order of the table.
const KERNELS: [&str; 6] = ["msm_g1", "msm_g2", "ntt", "poseidon", "witness", "verify"];

/// The arithmetic that is not ours; any other is that of `TAPSTONE_KERNEL`.
const ARKWORKS: &str = "arkworks";

/// A sum of so many points.
fn sum<C>(arithmetic: &str, count: usize) -> Box<dyn FnMut()>
where
    C: Curve,
    C::Projective: VariableBaseMSM<ScalarField = Fr, MulBase = C::Affine>,
{
    let (points, scalars) = (progression::<C::Projective>(count), scalars(count));
    if arithmetic == ARKWORKS {
        return Box::new(move || _ = std::hint::black_box(C::Projective::msm_unchecked(&points, &scalars)));
    }
    let bases = Bases::<C>::new(Kernel::detect(), &points);
    Box::new(move || _ = std::hint::black_box(msm(&bases, &scalars)))
}

fn run(arithmetic: &str, name: &str, times: usize) -> Option<()> {
    let mut work: Box<dyn FnMut()> = match name {
        "msm_g1" => sum::<G1>(arithmetic, 1 << 11),
        "msm_g2" => sum::<G2>(arithmetic, 1 << 10),
        "ntt" if arithmetic == ARKWORKS => {
            let domain = GeneralEvaluationDomain::<Fr>::new(1 << 12)?;
            let coset = domain.get_coset(Fr::GENERATOR)?;
            let mut values = scalars(1 << 12);
            Box::new(move || {
                coset.fft_in_place(&mut values);
                domain.ifft_in_place(&mut values);
            })
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
        [arithmetic, name, times] => match times.parse().ok().and_then(|times| run(arithmetic, name, times)) {
            Some(()) => ExitCode::SUCCESS,
            None => {
                eprintln!("had {name} {times}, needed one of {KERNELS:?}, and how often");
                ExitCode::from(2)
            }
        },
        _ => {
            eprintln!("had {args:?}, needed `list`, or arithmetic, what to run and how often");
            ExitCode::from(2)
        }
    }
}
