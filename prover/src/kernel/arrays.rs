//! Arrays by an expression of the index. Closures would do, but are compiled without the vector features unless they happen to be inlined.

macro_rules! at_each {
    ($i:ident in [$($n:literal),*] => $value:expr) => {
        [$({
            #[allow(non_upper_case_globals, reason = "stands for the index in the expression")]
            const $i: usize = $n;
            $value
        }),*]
    };
}

macro_rules! five {
    ($i:ident => $value:expr) => {
        $crate::kernel::arrays::at_each!($i in [0, 1, 2, 3, 4] => $value)
    };
}

macro_rules! eight {
    ($i:ident => $value:expr) => {
        $crate::kernel::arrays::at_each!($i in [0, 1, 2, 3, 4, 5, 6, 7] => $value)
    };
}

pub(super) use {at_each, eight, five};
