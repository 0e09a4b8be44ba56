//! `shipit ENV check`: the doctor. Here and on every host at once; locks nothing and changes nothing.

use futures_util::future::join_all;

use super::context::Context;
use crate::config::Unevaluated;
use crate::error::{self, Error, exit};
use crate::executor;
use crate::git::{self, Resolved};
use crate::plan;
use crate::report::{
    self,
    findings::{self, Finding, Group, here},
};

pub(super) async fn run(context: Context<'_>) -> Result<u8, Error> {
    let mut found = variables(&context);
    // What `env` lacks is a finding; all else is asked without it.
    let options = match context.options(found.is_empty()) {
        Err(error) => {
            found.push(here::env(&error));
            context.options(false)?
        }
        options => options?,
    };
    let plan = plan::check(context.environment.clone(), &options);
    let untrusted;
    let hosts = match context.transport().await {
        // A host that is not trusted is a finding, too.
        Err(Error::Untrusted { .. }) => {
            untrusted = context.transport_without_trust().await?;
            &untrusted
        }
        hosts => hosts?,
    };
    let interrupt = Context::interrupt()?;
    let apps = &context.environment.apps;
    let references = join_all(apps.iter().map(|app| async {
        if git::is_path(&app.repo) { None } else { Some(git::resolve(&app.repo, &app.reference).await) }
    }));
    let mut silent = report::Silent;
    let checking = executor::check(&plan, hosts, &mut silent, interrupt);
    let (checkup, resolved) = tokio::join!(checking, references);
    if checkup.signal != 0 {
        return Ok(error::interrupted(checkup.signal));
    }
    found.extend(apps.iter().flat_map(|app| here::configuration(app, apps.len() > 1)));
    let root = &context.environment.root;
    // Of a ref that git here knows of, one finding is enough.
    let mut known_here = Vec::new();
    for (app, resolved) in apps.iter().zip(resolved) {
        known_here.push(matches!(resolved, Some(Err(_) | Ok(Resolved::Commit { .. }))));
        found.extend(here::work_tree(
            &git::check(root, &app.repo, &app.reference, &context.environment.files_read()),
            root,
            &app.repo,
        ));
        found.extend(resolved.and_then(|resolved| here::reference(&resolved, &app.repo)));
    }
    found.extend(context.surroundings.dead_agent().map(|socket| here::dead_agent(&socket)));
    let name = findings::HERE.to_owned();
    let mut groups = vec![Group { name, findings: found, target: None, unreached: None }];
    let targets = context.environment.sites.iter().zip(&checkup.hosts);
    groups.extend(targets.map(|(site, checked)| {
        let mut group = findings::examine(&context.environment, site, checked);
        group.findings.retain(|finding| !known_here[site.app] || !finding.problem.is_about_reference());
        group
    }));
    if context.wants_json() {
        context.printer.json(&report::json::check(&groups));
    } else {
        let printer = context.printer;
        printer.data(&findings::render(&groups, printer.color_on_stdout(), printer.data_width()));
    }
    Ok(code(&groups))
}

fn code(groups: &[Group]) -> u8 {
    match () {
        () if groups.iter().any(|group| group.unreached.is_some()) => exit::UNREACHABLE,
        () if groups.iter().any(Group::is_broken) => exit::FAILED,
        () => exit::OK,
    }
}

// Variables of the operator's that `env` needs and that are not set, each once.
fn variables(context: &Context<'_>) -> Vec<Finding> {
    let lookup = |name: &str| std::env::var(name).ok();
    let mut found: Vec<Finding> = Vec::new();
    for variable in context.environment.sites.iter().flat_map(|site| &site.env) {
        if let Err(Unevaluated::MissingVariable { name }) = variable.value.evaluate(&lookup) {
            let finding = here::missing_variable(&variable.name, &name);
            if !found.contains(&finding) {
                found.push(finding);
            }
        }
    }
    found
}
