//! What node answers about a file that is JavaScript, as a tree whose keys and values have places in the file's text.
//!
//! The answer names the kind of every value (`evaluate.js`), because JSON has no `undefined`, no functions and no promises.

use serde_json::Value as Json;

use super::error::{EcosystemError, Exported};
use super::json::number_of;
use super::places::{Place, find, places};
use super::raw::Raw;
use crate::config::file::{Entry, Node, Table, Value};
use crate::config::problem::Span;
use crate::config::sources::Text;
use crate::config::variable::escaped_braces;

/// The tree of a file, of which node answered this.
pub(super) fn read(text: &Text, answer: &[u8]) -> Result<Raw, EcosystemError> {
    let file = || text.file.clone().unwrap_or_default();
    let garbled = || EcosystemError::Garbled { file: file() };
    let answer: Json = serde_json::from_slice(answer).map_err(|_| garbled())?;
    if let Some(thrown) = answer.get("thrown") {
        let number = |key: &str| thrown.get(key).and_then(Json::as_u64).and_then(|n| usize::try_from(n).ok());
        let message = thrown.get("message").and_then(Json::as_str).unwrap_or_default().to_owned();
        return Err(EcosystemError::Threw { file: file(), line: number("line"), message });
    }
    let mut reader = Reader { text, places: places(&text.text), path: Vec::new(), undefined: Vec::new() };
    let exported = answer.get("exports").and_then(Json::as_array).ok_or_else(garbled)?;
    let whole = text.base()..text.base() + text.text.len().min(1);
    let kind = match exported.first().and_then(Json::as_str) {
        Some("o") => None,
        Some("f") => Some(Exported::Function),
        Some("p") => Some(Exported::Promise),
        Some("u" | "0") => Some(Exported::Nothing),
        _ => Some(Exported::Other),
    };
    if let Some(exported) = kind {
        let line = reader.line_of_exports();
        return Err(EcosystemError::Exports { file: file(), line, exported });
    }
    let root = match reader.node(exported, whole).map(|node| node.value) {
        Some(Value::Table(table)) if !table.entries.is_empty() => table,
        _ => {
            let (line, exported) = (reader.line_of_exports(), Exported::Nothing);
            return Err(EcosystemError::Exports { file: file(), line, exported });
        }
    };
    let asked = answer.get("asked").and_then(Json::as_array);
    let asked = asked.into_iter().flatten().filter_map(|name| Some(name.as_str()?.to_owned())).collect();
    Ok(Raw {
        undefined: reader.undefined,
        twice: twice(text, &reader.places),
        asked,
        has_variables: true,
        ..Raw::of(root)
    })
}

/// Keys of one object that are given twice: of the first one nothing is left in what node says.
fn twice(text: &Text, places: &[Place]) -> Vec<(String, Span)> {
    let lost = places.iter().enumerate().filter(|(at, place)| {
        let in_deploy = place.path.iter().any(|key| key == "deploy");
        // Objects of a list have one path.
        in_deploy
            && !place.path.iter().any(|key| key == "host")
            && places[at + 1..].iter().any(|later| later.path == place.path)
    });
    lost.map(|(_, place)| {
        let span = text.base() + place.key.start..text.base() + place.key.end;
        (place.path.last().cloned().unwrap_or_default(), span)
    })
    .collect()
}

struct Reader<'a> {
    text: &'a Text,
    places: Vec<Place>,
    path: Vec<String>,
    undefined: Vec<Vec<String>>,
}

impl Reader<'_> {
    fn line_of_exports(&self) -> Option<usize> {
        let text = &self.text.text;
        let at = ["module.exports", "export default", "exports."].iter().find_map(|mark| text.rfind(mark))?;
        Some(self.text.line(&(self.text.base() + at..self.text.base() + at)))
    }

    /// A value, whose place is `span` unless its own is found.
    fn node(&mut self, tagged: &[Json], span: Span) -> Option<Node> {
        let content = tagged.get(1);
        let text = content.and_then(Json::as_str);
        let value = match tagged.first().and_then(Json::as_str)? {
            "s" if self.is_in_env() => Value::Text(escaped_braces(text?)),
            "s" => Value::Text(text?.to_owned()),
            "n" => number_of(text?),
            "b" => Value::Flag(content.and_then(Json::as_bool)?),
            "e" => Value::Text(with_variables(content?.as_array()?)),
            "l" => Value::List(self.items(content?.as_array()?, &span)),
            "o" => Value::Table(self.table(content?.as_array()?, &span)),
            _ => {
                self.undefined.push(self.path.clone());
                return None;
            }
        };
        Some(Node { value, span })
    }

    fn is_in_env(&self) -> bool {
        self.path.first().is_some_and(|first| first == "deploy") && self.path.iter().any(|key| key == "env")
    }

    fn items(&mut self, items: &[Json], span: &Span) -> Vec<Node> {
        let items = items.iter().filter_map(Json::as_array);
        items
            .filter_map(|item| {
                let within = item.get(1).and_then(Json::as_str).and_then(|text| self.literal(text, span));
                self.node(item, within.unwrap_or_else(|| span.clone()))
            })
            .collect()
    }

    /// Where a text stands within a place, with its quotes.
    fn literal(&self, text: &str, span: &Span) -> Option<Span> {
        let local = self.text.local(span);
        let within = self.text.text.get(local.clone())?;
        let found =
            ['\'', '"', '`'].iter().find_map(|quote| within.find(&format!("{quote}{text}{quote}")))?;
        let start = span.start + found;
        Some(start..start + text.len() + 2)
    }

    fn table(&mut self, properties: &[Json], span: &Span) -> Table {
        let mut entries = Vec::new();
        for property in properties {
            let (Some(key), Some(tagged)) =
                (property.get(0).and_then(Json::as_str), property.get(1).and_then(Json::as_array))
            else {
                continue;
            };
            self.path.push(key.to_owned());
            let (key_span, value_span) = self.place(span);
            if let Some(node) = self.node(tagged, value_span) {
                entries.push(Entry { key: key.to_owned(), key_span, node });
            }
            self.path.pop();
        }
        Table { entries, span: span.clone(), header: false }
    }

    fn place(&self, around: &Span) -> (Span, Span) {
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        let base = self.text.base();
        match find(&self.places, &path) {
            Some(place) => (
                base + place.key.start..base + place.key.end,
                base + place.value.start..base + place.value.end,
            ),
            None => (around.clone(), around.clone()),
        }
    }
}

fn with_variables(parts: &[Json]) -> String {
    let part = |part: &Json| {
        let text = part.get(1)?.as_str()?;
        match part.get(0)?.as_str()? {
            "v" => Some(format!("${{{text}}}")),
            _ => Some(escaped_braces(text)),
        }
    };
    parts.iter().filter_map(part).collect()
}
