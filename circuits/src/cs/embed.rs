//! A recorded system as constraints of arkworks: on its own, or within a larger circuit.

use ark_bn254::Fr;
use ark_r1cs_std::GR1CSVar;
use ark_r1cs_std::alloc::AllocVar;
use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::{ConstraintSynthesizer, ConstraintSystemRef, LinearCombination, SynthesisError, Variable};

use super::{INSTANCE_WIRES, System};

impl System {
    /// Enforces all rows over a public input that a larger circuit has; `None` for the assignment where only the constraints matter.
    ///
    /// # Errors
    /// [`SynthesisError::Unsatisfiable`] if the assignment has another number of wires, [`SynthesisError::MissingCS`] if the public input is a
    /// constant and so belongs to no circuit, and what arkworks returns.
    pub fn enforce(&self, public_input: &FpVar<Fr>, assignment: Option<&[Fr]>) -> Result<(), SynthesisError> {
        if assignment.is_some_and(|values| values.len() != self.wires) {
            return Err(SynthesisError::Unsatisfiable);
        }
        let FpVar::Var(public) = public_input else { return Err(SynthesisError::MissingCS) };
        let cs = public_input.cs();
        let mut wires = Vec::with_capacity(self.wires - INSTANCE_WIRES);
        for wire in INSTANCE_WIRES..self.wires {
            let value = || assignment.map(|values| values[wire]).ok_or(SynthesisError::AssignmentMissing);
            wires.push(cs.new_witness_variable(value)?);
        }
        let side = |side: usize, row: usize| {
            let variable = |wire: usize| match wire {
                0 => Variable::One,
                w if w < INSTANCE_WIRES => public.variable,
                w => wires[w - INSTANCE_WIRES],
            };
            LinearCombination(self.matrices.row(side, row).into_iter().map(|(c, wire)| (c, variable(wire))).collect())
        };
        for row in 0..self.matrices.rows() {
            cs.enforce_r1cs_constraint(|| side(0, row), || side(1, row), || side(2, row))?;
        }
        Ok(())
    }
}

impl ConstraintSynthesizer<Fr> for &System {
    /// The system on its own, for key generation: the assignment is not given.
    fn generate_constraints(self, cs: ConstraintSystemRef<Fr>) -> Result<(), SynthesisError> {
        let public = FpVar::new_input(cs, || Err::<Fr, _>(SynthesisError::AssignmentMissing))?;
        self.enforce(&public, None)
    }
}
