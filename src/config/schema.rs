//! The file as a JSON schema (draft 2020-12), for editors: made from the rows of the keys.

use serde_json::{Map, Value, json};

use super::keys::{Key, Kind, Scope, Unset};
use super::supervisor::Program;

/// Its text.
#[must_use]
pub fn schema() -> String {
    let mut schema = table(Scope::File);
    let head = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "shipit.toml",
        "description": "What shipit deploys, where to, and how.",
    });
    let mut definitions = Map::new();
    for scope in Scope::ALL.into_iter().filter(|scope| *scope != Scope::File) {
        definitions.insert(name(scope).to_owned(), table(scope));
    }
    definitions.insert("command".to_owned(), command());
    definitions.insert("duration".to_owned(), duration());
    if let (Value::Object(schema), Value::Object(head)) = (&mut schema, head) {
        schema.extend(head);
        schema.insert("$defs".to_owned(), Value::Object(definitions));
    }
    format!("{schema:#}\n")
}

/// The name of a table's definition.
fn name(scope: Scope) -> &'static str {
    match scope {
        Scope::File => "#",
        Scope::Environment => "environment",
        Scope::App => "app",
        Scope::Host => "host",
        Scope::Hook => "hook",
        Scope::Supervisor => "supervisor",
        Scope::Health => "health",
        Scope::Timeout => "timeout",
        Scope::Rollout => "rollout",
        Scope::SentFile => "file",
    }
}

fn reference(scope: Scope) -> Value {
    json!({ "$ref": format!("#/$defs/{}", name(scope)) })
}

fn table(scope: Scope) -> Value {
    let properties: Map<String, Value> =
        scope.keys().map(|key| (key.name.to_owned(), described(key))).collect();
    let mut table = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    // What these lack may be in a table that is merged with them.
    let whole = !matches!(scope, Scope::Environment | Scope::App | Scope::Host);
    let required = |key: &&Key| whole && matches!(key.unset, Unset::Required { .. });
    let required: Vec<&str> = scope.keys().filter(required).map(|key| key.name).collect();
    if !required.is_empty() {
        table["required"] = json!(required);
    }
    if scope == Scope::Supervisor {
        table["anyOf"] = json!([{ "required": ["kind"] }, { "required": ["reload"] }]);
    }
    table
}

fn described(key: &Key) -> Value {
    let mut value = kind(key.kind);
    value["description"] = json!(key.meaning);
    value["$comment"] = json!(format!("since {}", key.since));
    // All defaults are TOML that is JSON as well.
    if let Some(default) = key.default().and_then(|toml| serde_json::from_str::<Value>(toml).ok()) {
        value["default"] = default;
    }
    value
}

fn kind(kind: Kind) -> Value {
    let text = || json!({ "type": "string" });
    let one_or_more = |item: Value| json!({ "anyOf": [item, { "type": "array", "items": item }] });
    let text_or = |scope: Scope| one_or_more(json!({ "anyOf": [text(), reference(scope)] }));
    match kind {
        Kind::Text | Kind::Secret => text(),
        Kind::Texts => one_or_more(text()),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::FlagOr(words) => json!({ "anyOf": [{ "type": "boolean" }, { "enum": words }] }),
        Kind::Port => json!({ "type": "integer", "minimum": 1, "maximum": u16::MAX }),
        Kind::Count(least) => json!({ "type": "integer", "minimum": least, "maximum": u32::MAX }),
        Kind::Duration => json!({ "$ref": "#/$defs/duration" }),
        Kind::DurationOrZero => {
            json!({ "anyOf": [{ "$ref": "#/$defs/duration" }, { "type": "integer", "minimum": 0 }] })
        }
        Kind::Pause => json!({ "anyOf": [{ "$ref": "#/$defs/duration" }, { "enum": ["ask", 0] }] }),
        Kind::Word { words, .. } => json!({ "type": "string", "enum": words }),
        Kind::Share => share(0, "^ *([0-9]+|0*(100|[0-9]{1,2}) *%) *$"),
        Kind::Batch => share(1, "^ *(all|0*[1-9][0-9]*|0*(100|[1-9][0-9]?) *%) *$"),
        Kind::Endpoint => {
            json!({ "anyOf": [{ "type": "integer", "minimum": 1, "maximum": u16::MAX }, text()] })
        }
        Kind::Status => one_or_more(json!({ "anyOf": [
            { "type": "integer", "minimum": 100, "maximum": 599 },
            { "type": "string", "pattern": "^[-0-9, ]+$" },
        ] })),
        Kind::Hosts => text_or(Scope::Host),
        Kind::Hooks => text_or(Scope::Hook),
        Kind::Supervisors => {
            let word = json!({ "enum": Program::NAMES });
            one_or_more(json!({ "anyOf": [word, reference(Scope::Supervisor)] }))
        }
        Kind::Env => json!({
            "type": "object",
            "propertyNames": { "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" },
            "additionalProperties":
                { "anyOf": [{ "type": ["string", "number", "boolean"] }, { "$ref": "#/$defs/command" }] },
        }),
        Kind::Files => json!({ "type": "object", "additionalProperties": reference(Scope::SentFile) }),
        Kind::Apps => named(Scope::App),
        Kind::Environments => named(Scope::Environment),
        Kind::Table(scope) => reference(scope),
    }
}

/// Tables by name.
fn named(scope: Scope) -> Value {
    json!({
        "type": "object",
        "propertyNames": { "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*$" },
        "additionalProperties": reference(scope),
    })
}

/// A number of hosts, or a part of them.
fn share(least: i64, pattern: &str) -> Value {
    json!({ "anyOf": [{ "type": "integer", "minimum": least }, { "type": "string", "pattern": pattern }] })
}

fn command() -> Value {
    json!({
        "type": "object",
        "properties": { "command": { "type": "string", "description": "Run here; its output is the value." } },
        "required": ["command"],
        "additionalProperties": false,
    })
}

fn duration() -> Value {
    json!({ "anyOf": [
        { "type": "integer", "minimum": 1 },
        { "type": "string", "pattern": "^ *([0-9]+(ms|s|m|min|h|d))+ *$" },
    ] })
}
