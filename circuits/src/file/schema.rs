//! [`schema`]: the lines of a batch file as JSON Schema (2020-12), for editors and other tools.
//!
//! It says which fields a line has and what they look like. That a key is a point of the curve, that token0 is below token1 and the like only the
//! reader knows.

use serde_json::{Map, Value, json};

use crate::data::{INDEX_LIMIT, POOL_LIMIT};
use crate::ledger::NUMBER_LIMIT;
use crate::pool::FEE_UNIT;

use super::FORMAT;

/// Fields of every transaction that somebody signs.
const SIGNED: [(&str, &str); 5] =
    [("fee_token", "token"), ("fee", "amount"), ("nonce", "nonce"), ("expiry", "number"), ("signature", "signature")];

/// A kind, whether it is signed, and its own fields with their types.
type Kind = (&'static str, bool, &'static [(&'static str, &'static str)]);

const KINDS: [Kind; 10] = [
    ("transfer", true, &[("from", "index"), ("to", "index"), ("to_key", "hash"), ("token", "token"), ("amount", "amount")]),
    ("transfer_new", true, &[("from", "index"), ("to_key", "hash"), ("token", "token"), ("amount", "amount")]),
    (
        "deposit",
        false,
        &[("outpoint", "outpoint"), ("account", "index"), ("token", "token"), ("amount", "amount"), ("refund", "hash")],
    ),
    (
        "deposit_new",
        false,
        &[("outpoint", "outpoint"), ("key", "hash"), ("token", "token"), ("amount", "amount"), ("refund", "hash")],
    ),
    (
        "swap",
        true,
        &[
            ("account", "index"),
            ("pool", "pool"),
            ("direction", "direction"),
            ("amount_in", "amount"),
            ("min_out", "amount"),
        ],
    ),
    (
        "create_pool",
        true,
        &[
            ("account", "index"),
            ("token0", "token"),
            ("token1", "token"),
            ("fee_bp", "basis_points"),
            ("amount0", "amount"),
            ("amount1", "amount"),
        ],
    ),
    (
        "add_liquidity",
        true,
        &[("account", "index"), ("pool", "pool"), ("max0", "amount"), ("max1", "amount"), ("min_shares", "amount")],
    ),
    (
        "remove_liquidity",
        true,
        &[("account", "index"), ("pool", "pool"), ("shares", "amount"), ("min0", "amount"), ("min1", "amount")],
    ),
    ("change_key", true, &[("account", "index"), ("key", "hash")]),
    ("withdraw", true, &[("account", "index"), ("token", "token"), ("amount", "amount"), ("destination", "hash")]),
];

/// The schema of one line: the header, which is the first, or a transaction.
pub fn schema() -> Value {
    let below = |limit: u64| json!({ "type": "integer", "minimum": 0, "maximum": limit - 1 });
    let text = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    let mut definitions = Map::new();
    for (name, value) in [
        ("index", below(INDEX_LIMIT.into())),
        ("pool", below(POOL_LIMIT.into())),
        ("token", below(1 << 30)),
        ("number", below(NUMBER_LIMIT)),
        ("basis_points", below(FEE_UNIT.into())),
        ("direction", below(2)),
        ("amount", text("^(0|[1-9][0-9]{0,28})$")),
        ("nonce", text("^(0|[1-9][0-9]{0,19})$")),
        ("hash", text("^[0-9a-f]{64}$")),
        ("signature", text("^[0-9a-f]{128}$")),
        ("element", text("^0x[0-9a-f]{64}$")),
        ("outpoint", text("^[0-9a-f]{64}:(0|[1-9][0-9]{0,9})$")),
    ] {
        definitions.insert(name.into(), value);
    }
    let header = json!({
        "title": "header",
        "type": "object",
        "properties": {
            "format": { "const": FORMAT },
            "chain_id": below(1 << 32),
            "batch": { "type": "integer", "minimum": 1, "maximum": NUMBER_LIMIT - 1 },
            "pre_state_root": { "$ref": "#/$defs/element" },
            "operator": { "$ref": "#/$defs/index" },
        },
        "required": ["format", "chain_id", "batch", "pre_state_root", "operator"],
        "additionalProperties": false,
    });
    let mut forms = vec![header];
    for (kind, signed, fields) in KINDS {
        let own = fields.iter().chain(if signed { &SIGNED[..] } else { &[] });
        let mut properties = Map::new();
        let mut required = vec![Value::from("kind")];
        properties.insert("kind".into(), json!({ "const": kind }));
        for (field, form) in own {
            properties.insert((*field).into(), json!({ "$ref": format!("#/$defs/{form}") }));
            required.push((*field).into());
        }
        if signed {
            // Of a member of a bundle.
            properties.insert("message".into(), json!({ "$ref": "#/$defs/element" }));
        }
        forms.push(json!({
            "title": kind,
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        }));
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("a line of a {FORMAT} file"),
        "oneOf": forms,
        "$defs": definitions,
    })
}
