//! A recorded system as constraints of arkworks: on its own, or within a larger circuit.

use ark_bn254::Fr;
use ark_r1cs_std::GR1CSVar;
use ark_r1cs_std::alloc::AllocVar;
use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::{ConstraintSynthesizer, ConstraintSystemRef, LinearCombination, SynthesisError, Variable};

use super::System;

impl System {
    /// Enforces all rows over public inputs that a larger circuit has, as many as the system's; `None` for the assignment where only the constraints matter.
    ///
    /// # Errors
    /// [`SynthesisError::Unsatisfiable`] if there are other numbers of wires or of public inputs, [`SynthesisError::MissingCS`] if a public input is a
    /// constant and so belongs to no circuit, and what arkworks returns.
    pub fn enforce(&self, public_inputs: &[FpVar<Fr>], assignment: Option<&[Fr]>) -> Result<(), SynthesisError> {
        if assignment.is_some_and(|values| values.len() != self.wires) || public_inputs.len() + 1 != self.instance {
            return Err(SynthesisError::Unsatisfiable);
        }
        let mut wires = Vec::with_capacity(self.wires);
        wires.push(Variable::One);
        for public_input in public_inputs {
            let FpVar::Var(public) = public_input else { return Err(SynthesisError::MissingCS) };
            wires.push(public.variable);
        }
        let cs = public_inputs.cs();
        for wire in self.instance..self.wires {
            let value = || assignment.map(|values| values[wire]).ok_or(SynthesisError::AssignmentMissing);
            wires.push(cs.new_witness_variable(value)?);
        }
        let side = |side: usize, row: usize| {
            LinearCombination(self.matrices.row(side, row).into_iter().map(|(c, wire)| (c, wires[wire])).collect())
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
        let input = |_| FpVar::new_input(cs.clone(), || Err::<Fr, _>(SynthesisError::AssignmentMissing));
        let inputs = (1..self.instance).map(input).collect::<Result<Vec<_>, _>>()?;
        self.enforce(&inputs, None)
    }
}
