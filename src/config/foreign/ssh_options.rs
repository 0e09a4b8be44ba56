//! Capistrano's `ssh_options`, of one host or of all.

use super::model::{Host, node, text_node};
use super::plain::Plain;
use crate::config::file::Value;
use crate::config::problem::Span;

#[derive(Default)]
pub(super) struct SshOptions {
    pub user: Option<String>,
    pub port: Option<i64>,
    pub key: Option<String>,
}

impl SshOptions {
    pub fn apply(&self, host: &mut Host, span: &Span) {
        let text = |value: &Option<String>| value.as_ref().map(|text| text_node(text, span));
        host.user = text(&self.user).or(host.user.take());
        host.key = text(&self.key).or(host.key.take());
        host.port = self.port.map(|port| node(Value::Integer(port), span)).or(host.port.take());
    }
}

/// None: there is more in it than can be taken over.
pub(super) fn ssh_options(value: &Plain) -> Option<SshOptions> {
    let Plain::List(pairs) = value else { return None };
    let mut options = SshOptions::default();
    for pair in pairs {
        let Plain::Pair(key, value) = pair else { return None };
        match (key.as_str(), value.as_ref()) {
            ("user", Plain::Text(user)) => options.user = Some(user.clone()),
            ("port", Plain::Number(port)) => options.port = Some(*port),
            ("forward_agent", Plain::Flag(false)) => {}
            ("keys", keys) => match keys.texts()?.as_slice() {
                [key] => options.key = Some(key.clone()),
                _ => return None,
            },
            _ => return None,
        }
    }
    Some(options)
}
