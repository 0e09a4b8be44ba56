//! The file as a JSON schema (draft 2020-12), for editors: made from the keys that the checker knows, so that the two
//! cannot differ in what exists.

use serde_json::{Map, Value, json};

use super::describe::{self, Doc, Kind};
use super::keys::{self, Shape};

/// Its text.
#[must_use]
pub fn schema() -> String {
    let environment = table(&keys::ENVIRONMENT, describe::ENVIRONMENT, &[]);
    let mut schema = table(&keys::DOCUMENT, describe::DOCUMENT, &[]);
    let head = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "shipit.toml",
        "description": "What shipit deploys, where to, and how.",
        "$defs": {
            "environment": environment,
            "host": table(&keys::HOST, describe::HOST, &[]),
            "hook": table(&keys::HOOK, describe::HOOK, &[]),
            "supervisor": table(&keys::SUPERVISOR, describe::SUPERVISOR, &["reload"]),
            "health": table(&keys::HEALTH, describe::HEALTH, &[]),
            "timeout": table(&keys::TIMEOUT, describe::TIMEOUT, &[]),
            "rollout": table(&keys::ROLLOUT, describe::ROLLOUT, &[]),
            "app": app(),
            "file": table(&keys::FILE, describe::FILE, &[]),
            "command": command(),
            "duration": duration(),
        },
    });
    if let (Value::Object(schema), Value::Object(head)) = (&mut schema, head) {
        schema.extend(head);
    }
    format!("{schema:#}\n")
}

fn table(shape: &Shape, docs: &'static [Doc], required: &[&str]) -> Value {
    let property = |key: &&str| {
        let value = describe::of(docs, key).map_or_else(|| json!({}), described);
        ((*key).to_owned(), value)
    };
    let properties: Map<String, Value> = shape.known.iter().map(property).collect();
    let mut table = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if !required.is_empty() {
        table["required"] = json!(required);
    }
    table
}

fn app() -> Value {
    let property =
        |key: &&str| ((*key).to_owned(), describe::of_app(key).map_or_else(|| json!({}), described));
    let properties: Map<String, Value> = keys::APP.known.iter().map(property).collect();
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

fn described(doc: &Doc) -> Value {
    let mut value = kind(doc.kind);
    value["description"] = json!(doc.text);
    // All defaults are TOML that is JSON as well.
    if let Ok(default) = serde_json::from_str::<Value>(doc.default) {
        value["default"] = default;
    }
    value
}

fn kind(kind: Kind) -> Value {
    let one_or_more = |item: Value| json!({ "anyOf": [item, { "type": "array", "items": item }] });
    match kind {
        Kind::Text | Kind::Secret => json!({ "type": "string" }),
        Kind::Texts => one_or_more(json!({ "type": "string" })),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Integer(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Kind::Duration => json!({ "$ref": "#/$defs/duration" }),
        Kind::Pause => {
            json!({ "anyOf": [{ "$ref": "#/$defs/duration" }, { "type": "integer", "minimum": 0 }] })
        }
        Kind::Word(words) => json!({ "type": "string", "enum": words }),
        Kind::Hosts => one_or_more(json!({ "anyOf": [{ "type": "string" }, { "$ref": "#/$defs/host" }] })),
        Kind::Hooks => one_or_more(json!({ "anyOf": [{ "type": "string" }, { "$ref": "#/$defs/hook" }] })),
        Kind::Env => json!({
            "type": "object",
            "propertyNames": { "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" },
            "additionalProperties":
                { "anyOf": [{ "type": ["string", "number", "boolean"] }, { "$ref": "#/$defs/command" }] },
        }),
        Kind::Files => json!({ "type": "object", "additionalProperties": { "$ref": "#/$defs/file" } }),
        Kind::Timeout => json!({ "$ref": "#/$defs/timeout" }),
        Kind::Rollout => json!({ "$ref": "#/$defs/rollout" }),
        Kind::Asking => json!({ "anyOf": [{ "$ref": "#/$defs/duration" }, { "enum": ["ask", 0] }] }),
        Kind::Share => share(0, "^ *([0-9]+|0*(100|[0-9]{1,2}) *%) *$"),
        Kind::Batch => share(1, "^ *(all|0*[1-9][0-9]*|0*(100|[1-9][0-9]?) *%) *$"),
        Kind::Apps => json!({
            "type": "object",
            "propertyNames": { "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*$" },
            "additionalProperties": { "$ref": "#/$defs/app" },
        }),
        Kind::Supervisor => json!({ "$ref": "#/$defs/supervisor" }),
        Kind::Health => json!({ "$ref": "#/$defs/health" }),
        Kind::Endpoint => json!({ "anyOf": [
            { "type": "integer", "minimum": 1, "maximum": 65535 },
            { "type": "string" },
        ] }),
        Kind::Status => one_or_more(json!({ "anyOf": [
            { "type": "integer", "minimum": 100, "maximum": 599 },
            { "type": "string", "pattern": "^[-0-9, ]+$" },
        ] })),
        Kind::Environment => json!({ "$ref": "#/$defs/environment" }),
        Kind::Environments => json!({
            "type": "object",
            "propertyNames": { "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*$" },
            "additionalProperties": { "$ref": "#/$defs/environment" },
        }),
    }
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
