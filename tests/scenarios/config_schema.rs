//! `schema`: what editors are told of the file, held against the files that users are given and against mistakes.
//!
//! Knows as much of JSON schema as is used: a word it does not know fails.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{Kind, World};
use serde_json::{Value, json};
use shipit::config;

fn schema() -> Value {
    serde_json::from_str(&config::schema()).unwrap()
}

fn json_of(toml: &toml::de::DeValue<'_>) -> Value {
    use toml::de::DeValue;
    match toml {
        DeValue::String(text) => json!(text),
        DeValue::Integer(integer) => json!(integer.as_str().parse::<i64>().unwrap()),
        DeValue::Float(float) => json!(float.as_str().parse::<f64>().unwrap()),
        DeValue::Boolean(flag) => json!(flag),
        DeValue::Datetime(date) => json!({ "date": date.to_string() }),
        DeValue::Array(items) => items.iter().map(|item| json_of(item.get_ref())).collect(),
        DeValue::Table(table) => {
            table.iter().map(|(key, value)| (key.get_ref().to_string(), json_of(value.get_ref()))).collect()
        }
    }
}

fn valid(schema: &Value, root: &Value, value: &Value) -> bool {
    schema.as_object().unwrap().iter().all(|(word, rule)| match word.as_str() {
        "$schema" | "$defs" | "title" | "description" | "$comment" | "default" | "propertyNames"
        | "pattern" => true,
        "$ref" => {
            valid(root.pointer(rule.as_str().unwrap().strip_prefix('#').unwrap()).unwrap(), root, value)
        }
        "type" => types(rule).any(|name| is_of(name, value)),
        "enum" => rule.as_array().unwrap().contains(value),
        "minimum" => value.as_i64().is_none_or(|number| number >= rule.as_i64().unwrap()),
        "maximum" => value.as_i64().is_none_or(|number| number <= rule.as_i64().unwrap()),
        "anyOf" => rule.as_array().unwrap().iter().any(|one| valid(one, root, value)),
        "items" => value.as_array().is_none_or(|items| items.iter().all(|item| valid(rule, root, item))),
        "required" => value.as_object().is_none_or(|members| {
            rule.as_array().unwrap().iter().all(|key| members.contains_key(key.as_str().unwrap()))
        }),
        "properties" => value.as_object().is_none_or(|members| {
            members.iter().all(|(key, value)| rule.get(key).is_none_or(|rule| valid(rule, root, value)))
        }),
        "additionalProperties" => value.as_object().is_none_or(|members| {
            let known = |key: &String| schema.get("properties").is_some_and(|known| known.get(key).is_some());
            let mut others = members.iter().filter(|(key, _)| !known(key));
            others.all(|(_, value)| *rule != json!(false) && valid(rule, root, value))
        }),
        word => panic!("the schema uses {word}"),
    })
}

fn types(rule: &Value) -> impl Iterator<Item = &str> {
    std::slice::from_ref(rule).iter().chain(rule.as_array().into_iter().flatten()).filter_map(Value::as_str)
}

fn is_of(name: &str, value: &Value) -> bool {
    match name {
        "string" => value.is_string(),
        "integer" => value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        name => panic!("the schema uses the type {name}"),
    }
}

fn accepts(text: &str) -> bool {
    let table = toml::de::DeTable::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let value = json_of(&toml::de::DeValue::Table(table.into_inner()));
    valid(&schema(), &schema(), &value)
}

fn toml_files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap().flatten() {
        if entry.path().is_dir() {
            toml_files(&entry.path(), found);
        } else if entry.path().extension().is_some_and(|end| end == "toml") {
            found.push(entry.path());
        }
    }
}

#[test]
fn what_users_are_given_is_valid() {
    let mut files = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for directory in ["examples", "templates"] {
        toml_files(&root.join(directory), &mut files);
    }
    assert!(files.len() >= 4, "{files:?}");
    for file in files {
        assert!(accepts(&fs::read_to_string(&file).unwrap()), "{}", file.display());
    }
}

const BASE: &str = "host = 'a'\nrepo = 'r:x'\nref = 'main'\npath = 'p'\n";

/// Whether schema and checker take it.
fn both(text: &str, good: bool) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shipit.toml");
    assert_eq!(accepts(text), good, "the schema: {text}");
    fs::write(&file, text).unwrap();
    assert_eq!(config::load(&file, "production").is_ok(), good, "the checker: {text}");
}

#[test]
fn what_the_checker_takes_and_refuses_the_schema_does_too() {
    for (line, good) in [
        ("", true),
        ("keep-releases = 3", true),
        ("keep-releases = 0", false),
        ("keep-releases = '3'", false),
        ("keep-relases = 3", false),
        ("port = 70000", false),
        ("confirm = true", true),
        ("confirm = 'yes'", false),
        ("shell = 'bash'", true),
        ("shell = 'zsh'", false),
        ("timeout = { hook = '5m', lost = 3 }", true),
        ("timeout.hoook = 1", false),
        ("timeout.hook = true", false),
        ("env = { A = 'x', B = 1, C = 1.5, D = true, E = { command = 'pass' } }", true),
        ("env.A = ['x']", false),
        ("env.A = { command = 'x', more = 1 }", false),
        ("build = ['a', { run = 'b', once = true }]", true),
        ("build = { run = 'b', onse = true }", false),
        ("build = 1", false),
        ("jump = ['a', 'b']", true),
        ("supervisor = { reload = 'x', verify = 'y' }", true),
        ("supervisor = { verify = 'y' }", false),
        ("files = { 'shared/.env' = { command = 'pass', mode = '0640' } }", true),
        ("files = { 'shared/.env' = { form = 'x' } }", false),
        ("health = { http = 'http://a/', status = ['200-299', 404], within = '1m', stable-for = 0 }", true),
        ("health = { tcp = 3000 }", true),
        ("health = { tcp = 70000 }", false),
        ("health = { command = 'x', intervall = 1 }", false),
        ("health = 'http://a/'", false),
        ("shared = 'log/'", true),
        ("shared = [1]", false),
    ] {
        both(&format!("[deploy.production]\n{BASE}{line}\n"), good);
    }
    for hosts in ["'a'", "['a', { host = ['b', 'c'], port = 22, env = { A = 1 } }]", "{ command = 'list' }"] {
        assert!(accepts(&format!("[deploy.x]\nhosts = {hosts}\n")), "{hosts}");
    }
    for hosts in ["1", "[{ hots = 'a' }]", "{ host = 'a', port = 'x' }"] {
        assert!(!accepts(&format!("[deploy.x]\nhosts = {hosts}\n")), "{hosts}");
    }
    assert!(accepts("extends = '../fleet.toml'\n[defaults]\nuser = 'x'\n"));
    assert!(!accepts("user = 'x'\n") && !accepts("[deploy]\nx = 1\n"));
}

#[test]
fn rollout_and_roles_are_taken_and_refused_by_both() {
    for (line, good) in [
        ("rollout = { batch = 1 }", true),
        ("rollout = { batch = '25%', canary = 1, pause = 'ask', max-unreachable = '10%' }", true),
        ("rollout = { batch = 'all', pause = '30s', max-unreachable = 2 }", true),
        ("rollout = { pause = 0, canary = 0, max-unreachable = 0 }", true),
        ("rollout = { batch = 0 }", false),
        ("rollout = { batch = true }", false),
        ("rollout = { canary = '1' }", false),
        ("rollout = { canary = -1 }", false),
        ("rollout = { pause = true }", false),
        ("rollout = { max-unreachable = -1 }", false),
        ("rollout = { bach = 1 }", false),
        ("rollout = 1", false),
        ("drain = 'x'", true),
        ("undrain = ['x', { run = 'y' }]", true),
        ("drain = 1", false),
        ("roles = ['web']", false),
        ("after = ['web']", false),
    ] {
        both(&format!("[deploy.production]\n{BASE}{line}\n"), good);
    }
}

#[test]
fn apps_are_taken_and_refused_by_both() {
    let app = "repo = 'r:x'\nref = 'main'\npath = '{app}'\n";
    for (own, environment, good) in [
        ("", "", true),
        ("roles = ['web']\nafter = 'b'", "hosts = { host = 'a', roles = 'web' }", true),
        ("health = { tcp = 1 }\nenv.A = 1", "use = ['a', 'b']\napps.a.ref = 'v2'", true),
        ("rols = 'x'", "", false),
        ("host = 'a'", "", false),
        ("rollout.batch = 1", "", false),
        ("roles = 1", "", false),
        ("", "use = 1", false),
        ("", "apps.a.rf = 'x'", false),
        ("", "apps.a = 'x'", false),
        ("", "apps = ['a']", false),
    ] {
        let hosts = if environment.contains("hosts") { "" } else { "host = 'a'\n" };
        let text =
            format!("[apps.a]\n{app}{own}\n[apps.b]\n{app}\n[deploy.production]\n{hosts}{environment}\n");
        both(&text, good);
    }
    both(&format!("[apps]\na = 1\n[deploy.production]\n{BASE}"), false);
}

#[test]
fn every_key_is_described_and_the_schema_is_data_that_needs_no_file() {
    let world = World::new(Kind::InProcess, 0);
    let run = world.shipit(&["schema"]).ends_with(0);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), (config::schema().as_str(), ""));
    let schema = schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let mut tables = vec![&schema];
    tables.extend(schema["$defs"].as_object().unwrap().values());
    let properties = tables.iter().filter_map(|table| table["properties"].as_object());
    let mut count = 0;
    for (key, value) in properties.flatten() {
        assert!(value["description"].as_str().is_some_and(|text| text.len() > 10), "{key}");
        count += 1;
    }
    assert!(count > 50, "{count}");
    assert_eq!(schema["$defs"]["environment"]["properties"]["keep-releases"]["default"], 5);
}
