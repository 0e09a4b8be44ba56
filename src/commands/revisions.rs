//! `shipit ENV current` and `shipit ENV previous`: a short revision; a line per host where they differ, and then 1.

use std::fmt::Write as _;

use super::context::{Context, exit_code};
use crate::error::{Error, exit};
use crate::executor::{Live, Looked};
use crate::remote::journal;
use crate::remote::version::Version;
use crate::report::{Note, json};

pub(super) async fn current(context: Context<'_>) -> Result<u8, Error> {
    let none = Note::NothingLive { environment: &context.environment.name };
    show(&context, none, |host| host.live.clone()).await
}

pub(super) async fn previous(context: Context<'_>) -> Result<u8, Error> {
    let none = Note::NoPreviousDeploy { environment: &context.environment.name };
    show(&context, none, |host| {
        let before = journal::before(&host.entries, &host.live.as_ref()?.release)?;
        Some(Live { release: before.release.clone(), version: Some(before.version.clone()) })
    })
    .await
}

async fn show(
    context: &Context<'_>,
    none: Note<'_>,
    which: impl Fn(&Looked) -> Option<Live>,
) -> Result<u8, Error> {
    let looked = context.look().await?;
    let answers: Vec<(&str, Option<Live>)> =
        looked.iter().filter(|h| h.failure.is_none()).map(|h| (h.host.as_str(), which(h))).collect();
    let code = exit_code(&looked);
    if context.wants_json() {
        context.printer.json(&json::revisions(&answers));
        let good = answers.iter().all(|(_, live)| live.is_some() && version(live) == version(&answers[0].1));
        return Ok(if code == exit::OK && !good { exit::FAILED } else { code });
    }
    let Some((_, first)) = answers.first() else { return Ok(code) };
    let apps = &context.environment.apps;
    if apps.len() == 1 && answers.iter().all(|(_, live)| version(live) == version(first)) {
        match first {
            Some(_) => context.printer.data(&format!("{}\n", shown(first))),
            None => context.printer.note(none),
        }
        return Ok(if first.is_none() && code == exit::OK { exit::FAILED } else { code });
    }
    let mut text = String::new();
    let mut alike = true;
    for (at, app) in apps.iter().enumerate() {
        let of_app: Vec<_> = (looked.iter().filter(|h| h.failure.is_none()).zip(&answers))
            .filter(|(host, _)| host.app == at)
            .map(|(_, answer)| answer)
            .collect();
        let Some((_, first)) = of_app.first() else { continue };
        let one = of_app.iter().all(|(_, live)| version(live) == version(first));
        alike &= one && first.is_some();
        // Where all hosts of an app agree, its name stands for them.
        let lines = if one && apps.len() > 1 { &of_app[..1] } else { &of_app[..] };
        for (host, live) in lines {
            let name = if one && apps.len() > 1 { app.name.as_str() } else { host };
            let _ = writeln!(text, "{name}\t{}", shown(live));
        }
    }
    context.printer.data(&text);
    Ok(if code == exit::OK && !alike { exit::FAILED } else { code })
}

// Of what is there; its version may not be known.
fn version(live: &Option<Live>) -> Option<Option<&Version>> {
    live.as_ref().map(|live| live.version.as_ref())
}

fn shown(live: &Option<Live>) -> &str {
    version(live).flatten().map_or("-", Version::short)
}
