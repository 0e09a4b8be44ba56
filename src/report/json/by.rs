//! By whom a run was started, as fields.

use serde_json::{Value, json};

use crate::remote::by::By;

/// By whom a run was started, from the line that hosts keep.
pub(in crate::report) fn by(line: &str) -> Value {
    let By { user, machine, pid, branch, job, command, since } = By::read(line);
    json!({
        "user": user, "machine": machine, "pid": pid, "branch": branch, "job": job, "command": command, "since": since,
    })
}
