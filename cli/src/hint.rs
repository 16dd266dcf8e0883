//! What errors suggest: commands that can be given as they stand, for the very key that the error is about.

use std::path::Path;

use tapstone_circuits::shape::Shape;
use tapstone_prover::Origin;

/// A word of a command line as a shell takes it.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:=@%,".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// The options that name a shape's key in a folder.
pub fn key_options(shape: &Shape, folder: &Path) -> String {
    format!("--shape {} --keys {}", quoted(&shape.name), quoted(&folder.to_string_lossy()))
}

/// What helps where a key file is of no use. What a ceremony made is not to be replaced by what one machine makes.
pub fn replace_key(shape: &Shape, folder: &Path, origin: Option<&Origin>) -> String {
    let options = key_options(shape, folder);
    let import = format!("`tapstone keys import --force {options}` takes it from the ceremony's files again");
    let setup = format!("`tapstone setup --force {options}` makes another, with another id, insecurely");
    match origin {
        Some(Origin::Ceremony(_)) => format!("restore it from a copy, or {import}"),
        Some(Origin::OneParty) => format!("restore it from a copy, or {setup}"),
        None => format!("restore it from a copy; if it is a ceremony's, {import}; if it was made for trials, {setup}"),
    }
}

/// What helps where there is no key.
pub fn bring_key(shape: &Shape, folder: &Path) -> String {
    let options = key_options(shape, folder);
    format!(
        "`tapstone keys import {options}` brings a ceremony's; for trials `tapstone setup {options}` makes one, insecurely"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_words_of_a_shell() {
        for (path, word) in
            [("/srv/keys", "/srv/keys"), ("my keys", "'my keys'"), ("it's", r"'it'\''s'"), ("", "''"), ("a;b", "'a;b'")]
        {
            assert_eq!(quoted(path), word);
        }
    }
}
