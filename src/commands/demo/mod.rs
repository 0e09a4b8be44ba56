//! `shipit demo`: the real thing, on three hosts inside this process, with nothing but `sh` and `git`.
//!
//! Every command it shows is run as shown, by a shell in a work tree, and is this very program: what is seen is what
//! users see. All lies in one directory, which is removed whatever happens, unless `--keep`.

mod ground;
mod hosts;
mod stage;
mod story;
mod tree;

use std::path::Path;

use self::ground::Ground;
use self::hosts::{Hosts, NAMES};
use self::stage::{Signals, Stage, Stopped};
use self::story::{BEFORE, STORY, Step};
use super::surroundings::DemoEnvironment;
use crate::cli::Invocation;
use crate::error::{DemoError, Error, SystemError, UsageError, exit};
use crate::report::{ColorChoice, Mode, Narrator, Printer};
use crate::transport::ssh::server::KeyPair;

pub(super) async fn run(invocation: &Invocation, keep: bool, printer: &Printer) -> Result<u8, Error> {
    if invocation.output == Mode::Json {
        return Err(UsageError::DemoJson.into());
    }
    has_git()?;
    // Before there is anything to be left behind.
    let signals = Signals::listen().map_err(|source| SystemError::Signals { source })?;
    let demo = DemoEnvironment::find().map_err(|source| DemoError::Program { source })?;
    let ground = Ground::make(&demo.temporary, keep)?;
    let mut stage = Stage::new(signals, &demo, &ground, options(invocation))
        .map_err(|source| DemoError::Path { source })?;
    let key = KeyPair::new().map_err(|source| DemoError::Key { source })?;
    let hosts = Hosts::start(&demo, &ground, &key).map_err(|source| DemoError::Hosts { source })?;
    let narrator = Narrator::new(printer);
    let told = tell(&ground, &mut stage, narrator).await;
    if told.is_ok() {
        narrator.says(&format!(
            "{} runs, {} logins: one per host and run. For a project of your own, `shipit init` writes shipit.toml.",
            story::runs(),
            hosts.logins()
        ));
    }
    if keep && told.is_ok() {
        narrator.shows(&by_hand(ground.root()));
        stage.stopped().await;
    }
    hosts.close().await;
    if keep {
        narrator.shows(&format!("\nfiles kept; remove them with: rm -r '{}'\n", ground.root().display()));
    }
    drop(ground);
    ended(told)
}

fn ended(told: Result<(), Stopped>) -> Result<u8, Error> {
    match told {
        Ok(()) => Ok(exit::OK),
        // As shells tell it.
        Err(Stopped::Signal(number)) => Ok(u8::try_from(128 + number).unwrap_or(exit::FAILED)),
        Err(Stopped::Failed(error)) => Err(error.into()),
    }
}

fn has_git() -> Result<(), Error> {
    let missing = |source| DemoError::NoGit { source }.into();
    std::process::Command::new("git").arg("--version").output().map(drop).map_err(missing)
}

/// What was asked of the demonstration's appearance, for the runs that it shows.
fn options(invocation: &Invocation) -> Vec<(&'static str, &'static str)> {
    let color = match invocation.color {
        ColorChoice::Auto => None,
        ColorChoice::Always => Some("always"),
        ColorChoice::Never => Some("never"),
    };
    let output = match invocation.output {
        Mode::Pretty => Some("pretty"),
        Mode::Plain => Some("plain"),
        Mode::Auto | Mode::Json => None,
    };
    let set = [("SHIPIT_COLOR", color), ("SHIPIT_OUTPUT", output)];
    set.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

async fn tell(ground: &Ground, stage: &mut Stage, narrator: Narrator<'_>) -> Result<(), Stopped> {
    let failed = |source| Stopped::Failed(DemoError::Project { source });
    ground.write_project().and_then(|()| ground.take_port(NAMES[1])).map_err(failed)?;
    stage.prepare("shipit --version").await.map_err(|stopped| match stopped {
        Stopped::Failed(..) => Stopped::Failed(DemoError::NoExec { directory: ground.root().to_owned() }),
        signal => signal,
    })?;
    for line in BEFORE {
        stage.prepare(line).await?;
    }
    narrator.says(&format!(
        "Three hosts, {}, now live inside this process: SSH servers on 127.0.0.1 that really execute, each in a \
         directory of its own. What follows is typed as you would type it, and really happens. All of it lies \
         in {}{}.",
        NAMES.join(", "),
        ground.root().display(),
        if ground.is_kept() { "" } else { ", and is removed at the end (--keep: not)" }
    ));
    for step in STORY {
        match step {
            Step::Title(text) => narrator.title(text),
            Step::Says(text) => narrator.says(text),
            Step::Types(line, expected) => {
                narrator.types(line);
                let code = stage.show(line).await?;
                if code != 0 {
                    narrator.ended(code);
                }
                if code != expected {
                    let command = line.to_owned();
                    return Err(Stopped::Failed(DemoError::UnexpectedExit { command, code, expected }));
                }
                narrator.pauses();
            }
            Step::Tree => {
                let name = format!("{}:shop", NAMES[0]);
                narrator.shows(&tree::draw(&name, &ground.host(NAMES[0]).join("shop")));
                narrator.pauses();
            }
        }
    }
    Ok(())
}

/// How to go on.
fn by_hand(root: &Path) -> String {
    let root = root.display();
    format!(
        "The hosts stay until Ctrl-C. In another terminal:\n\n  cd '{root}/shop'\n  \
         ../bin/shipit production status\n  \
         echo 8081 >port && git commit -qam 'Another port' && git push -q\n  \
         ../bin/shipit production\n  \
         ssh -F ../home/.ssh/config web1 ls shop\n\n\
         (../bin/shipit is this program with ../home as its HOME, whose .ssh/config\nknows the hosts.)\n"
    )
}
