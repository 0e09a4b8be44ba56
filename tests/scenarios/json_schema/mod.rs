//! As much of JSON Schema as `shipit schema --events` uses; a keyword that is not known here is a fault of the schema.

use serde_json::Value;

/// What is wrong with `value`; empty where it is of that shape. Fields that the schema does not name are wrong too.
pub fn faults(schema: &Value, value: &Value) -> Vec<String> {
    Checker { root: schema }.check(schema, value, "event")
}

struct Checker<'a> {
    root: &'a Value,
}

impl Checker<'_> {
    fn check(&self, schema: &Value, value: &Value, at: &str) -> Vec<String> {
        let rules = schema.as_object().unwrap();
        rules
            .iter()
            .flat_map(|(rule, wanted)| self.rule(rule, wanted, value, at))
            .chain(unnamed(schema, value, at))
            .collect()
    }

    fn rule(&self, rule: &str, wanted: &Value, value: &Value, at: &str) -> Vec<String> {
        let unless = |holds: bool| {
            if holds { Vec::new() } else { vec![format!("{at}: not {rule} {wanted}: {value}")] }
        };
        match rule {
            "$schema" | "$defs" | "title" | "description" => Vec::new(),
            "const" => unless(value == wanted),
            "enum" => unless(wanted.as_array().unwrap().contains(value)),
            "minimum" => unless(value.as_f64().is_none_or(|number| number >= wanted.as_f64().unwrap())),
            "format" => unless(value.as_str().unwrap().parse::<jiff::Timestamp>().is_ok()),
            "type" => match wanted.as_array() {
                Some(any) => unless(any.iter().any(|one| is(value, one))),
                None => unless(is(value, wanted)),
            },
            "required" => {
                let missing = wanted
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter(|key| value.get(key.as_str().unwrap()).is_none());
                missing.map(|key| format!("{at}: no {key}")).collect()
            }
            "properties" => {
                let each = wanted.as_object().unwrap().iter();
                let given = each.filter_map(|(key, rule)| Some((key, rule, value.get(key)?)));
                given.flat_map(|(key, rule, value)| self.check(rule, value, &format!("{at}.{key}"))).collect()
            }
            "items" => {
                value.as_array().unwrap().iter().flat_map(|item| self.check(wanted, item, at)).collect()
            }
            "$ref" => {
                let path = wanted.as_str().unwrap().strip_prefix('#').unwrap();
                self.check(self.root.pointer(path).unwrap(), value, at)
            }
            "oneOf" => self.one_of(wanted.as_array().unwrap(), value, at),
            other => vec![format!("{at}: the schema says {other}, which is not known here")],
        }
    }

    fn one_of(&self, ways: &[Value], value: &Value, at: &str) -> Vec<String> {
        let all: Vec<Vec<String>> = ways.iter().map(|way| self.check(way, value, at)).collect();
        match all.iter().filter(|faults| faults.is_empty()).count() {
            1 => Vec::new(),
            0 => all.into_iter().min_by_key(Vec::len).unwrap(),
            many => vec![format!("{at}: {many} ways at once")],
        }
    }
}

fn unnamed(schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let (Some(named), Some(given)) = (schema.get("properties"), value.as_object()) else { return Vec::new() };
    given
        .keys()
        .filter(|key| named.get(key).is_none())
        .map(|key| format!("{at}: {key} is not named"))
        .collect()
}

fn is(value: &Value, kind: &Value) -> bool {
    match kind.as_str().unwrap() {
        "string" => value.is_string(),
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no type"),
    }
}
