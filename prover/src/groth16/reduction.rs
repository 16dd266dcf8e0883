//! [`Reduction`]: what a key's H query is multiplied by.
//!
//! Both give the same point, `h(tau) t(tau) / delta` for `a b - c = h t`, where t is the vanishing polynomial of a domain of n.

/// The form of a key's H query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reduction {
    /// `tau^i t(tau) / delta` for i below n - 1, for the coefficients of h.
    Libsnark,
    /// `L_(2i + 1)(tau) / delta` for i below n, with the Lagrange polynomials of twice the domain, for the values of `a b - c` at the odd roots of
    /// unity: it is 0 at the even ones.
    Circom,
}

impl Reduction {
    /// Points of the H query for a domain.
    pub(crate) const fn h_points(self, domain: usize) -> usize {
        match self {
            Self::Libsnark => domain - 1,
            Self::Circom => domain,
        }
    }
}
