//! [`Watch`]: what a caller hears of a proof under way, and how it ends one early.

/// What the prover is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Computing the values of all wires.
    Witness,
    /// Checking every row.
    Check,
    /// Transforms for the quotient polynomial.
    Quotient,
    /// Multi-scalar multiplications.
    Multiply,
    /// Verifying the proof.
    Verify,
}

impl Stage {
    /// All stages in order.
    pub const ALL: [Self; 5] = [Self::Witness, Self::Check, Self::Quotient, Self::Multiply, Self::Verify];

    /// Its name in figures.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Witness => "witness",
            Self::Check => "check",
            Self::Quotient => "quotient",
            Self::Multiply => "multiply",
            Self::Verify => "verify",
        }
    }
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Witness => "computing the witness",
            Self::Check => "checking constraints",
            Self::Quotient => "dividing polynomials",
            Self::Multiply => "multiplying points",
            Self::Verify => "verifying the proof",
        })
    }
}

/// Follows a proof from another thread or the same; all methods may be called from any thread of the prover.
pub trait Watch: Sync {
    /// A stage begins, of so many units of work: wires, rows, transforms, or points times windows; one is the least.
    fn stage(&self, stage: Stage, units: u64) {
        let _ = (stage, units);
    }

    /// So many more units of the stage are done.
    fn done(&self, units: u64) {
        let _ = units;
    }

    /// Whether to stop. Asked at every step that takes more than a fraction of a second; the proof then ends with
    /// [`ProveError::Stopped`](crate::ProveError::Stopped).
    fn stopped(&self) -> bool {
        false
    }
}

/// Nobody listens.
impl Watch for () {}

impl<W: Watch + ?Sized> Watch for &W {
    fn stage(&self, stage: Stage, units: u64) {
        (**self).stage(stage, units);
    }

    fn done(&self, units: u64) {
        (**self).done(units);
    }

    fn stopped(&self) -> bool {
        (**self).stopped()
    }
}
