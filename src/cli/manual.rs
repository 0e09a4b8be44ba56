//! Help on one command: how it is called, what it does, an example, and the options that it takes.
//!
//! What a command is for is written here; its options come from where they are defined, chosen by the tables of the parser.

use super::error::{CliError, quoted};
use super::grammar::{self, COMMANDS, SYNONYMS, TOOLS, full_name, tool_takes};
use super::help;
use super::split::Split;

/// The word that asks for help.
const HELP: &str = "help";

/// What is said of a command.
struct Page {
    name: &'static str,
    usage: &'static str,
    /// Lines under 80 columns, which a test holds.
    text: &'static str,
}

/// What the words ask help on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    /// shipit.
    All,
    /// That command or tool, by its full name.
    One(&'static str),
}

/// The help that `help` in the place of an environment or a command asks for; none where it is not there.
pub(super) fn asked(split: &Split) -> Option<Result<Topic, CliError>> {
    let at = split.command_at();
    let stands = |at: &usize| split.words.get(*at).is_some_and(|word| word == HELP);
    // In the place of the environment, unless an option names that.
    let places = [(!split.environment_given).then(|| at.saturating_sub(1)), Some(at)];
    let at = places.into_iter().flatten().find(stands)?;
    let rest = split.words.get(at + 1..).unwrap_or_default();
    let known = rest.iter().find_map(|word| topic(word));
    Some(match (known, rest.first()) {
        (Some(name), _) => Ok(Topic::One(name)),
        (None, None) => Ok(Topic::All),
        (None, Some(word)) if word == HELP => Ok(Topic::All),
        (None, Some(word)) => Err(unknown(word)),
    })
}

/// What `--help` among these words is about.
pub(super) fn around(split: &Split) -> Topic {
    let at = split.command_at();
    let command = split.words.get(at).and_then(|word| full_name(word));
    let first = || split.words.get(at.checked_sub(1)?).and_then(|word| topic(word));
    command.or_else(first).map_or(Topic::All, Topic::One)
}

fn topic(word: &str) -> Option<&'static str> {
    let meant = SYNONYMS.iter().find(|(synonym, _)| *synonym == word).map_or(word, |(_, meant)| meant);
    full_name(meant).or_else(|| TOOLS.iter().find(|(name, _)| *name == meant).map(|(name, _)| *name))
}

/// The options of shipit, with the help on this.
pub(super) fn about(topic: Topic, options: clap::Command) -> clap::Command {
    let Topic::One(name) = topic else { return options };
    let Some(page) = PAGES.iter().find(|page| page.name == name) else { return options };
    let shown = |option: &str| match TOOLS.iter().any(|(tool, _)| *tool == name) {
        true => tool_takes(name, option) || (name, option) == ("schema", "events"),
        false => grammar::offers(name, option),
    };
    let shown = |option: &str| shown(option) && !grammar::COMMON.contains(&option);
    let any = options.get_arguments().any(|arg| arg.get_long().is_some_and(shown) && !arg.is_hide_set());
    let template = if any { help::PAGE } else { help::PAGE_WITHOUT_OPTIONS };
    options
        .mut_args(|arg| {
            let hidden = arg.is_hide_set() || !arg.get_long().is_some_and(shown);
            arg.hide(hidden)
        })
        .override_usage(page.usage)
        .help_template(template)
        .before_help(page.text)
}

/// A word that is no command, with the nearest one.
pub(super) fn unknown(word: &str) -> CliError {
    if let Some((_, meant)) = SYNONYMS.iter().find(|(synonym, _)| *synonym == word) {
        return CliError::usage(format!("{} is not a command: that is {meant} here", quoted(word)));
    }
    let names =
        COMMANDS.iter().map(|(name, _)| (*name, *name)).chain(TOOLS.iter().map(|(name, _)| (*name, *name)));
    // Nearest to a word of another tool: what that is called here.
    let nearest = names
        .chain(SYNONYMS)
        .map(|(name, meant)| (strsim::damerau_levenshtein(name, word), name, meant))
        .filter(|(distance, name, _)| *distance <= 2.max(name.len() / 2))
        .min();
    let end = match nearest {
        Some((_, _, meant)) => format!("did you mean {meant}?"),
        None => "shipit --help shows the commands".to_owned(),
    };
    CliError::usage(format!("{} is not a command: {end}", quoted(word)))
}

/// All commands and tools, in the order of the help.
const PAGES: [Page; 27] = [
    Page {
        name: "update",
        usage: "shipit [OPTIONS] <ENV> [update]",
        text: "\
Deploys the configured ref. Every host prepares the new release beside the
running one; only when all are ready does any go live, and if one then fails,
all are rolled back. Nothing happens where the commit is live already
(--redeploy). Before: `shipit <ENV> plan` shows what would be done.

  shipit production
  shipit production --hosts web1 --split     on one host, leaving two releases",
    },
    Page {
        name: "ref",
        usage: "shipit [OPTIONS] <ENV> ref <[APP=]REF>",
        text: "\
Deploys that branch, tag or commit, or HEAD: the commit of the work tree around
the file, which is what a CI job has tested.

  shipit production ref v1.4.2
  shipit production ref HEAD",
    },
    Page {
        name: "revert",
        usage: "shipit [OPTIONS] <ENV> revert [N | DEPLOY]",
        text: "\
Makes an earlier deploy live again: the N-th before the live one [1], or a
release or revision, as list shows them. While its release is on disk it needs
no build and no access to the repository. Two reverts go two deploys back,
never forward. The database stays as it is.

  shipit production revert                   the deploy before
  shipit production revert 2 --dry-run       what that would do",
    },
    Page {
        name: "sync",
        usage: "shipit [OPTIONS] <ENV> sync",
        text: "\
Brings hosts that differ (new, rebuilt, or skipped in a deploy) to the release
that is live on more than half of the hosts that answer. The others are not
touched. --hosts says which hosts are brought.",
    },
    Page {
        name: "setup",
        usage: "shipit [OPTIONS] <ENV> setup",
        text: "\
Makes the directories and the clone on all hosts, and checks them. Once before
the first deploy, and again after you add a host; safe to repeat. `shipit <ENV>
check` first shows what would stop it.",
    },
    Page {
        name: "plan",
        usage: "shipit [OPTIONS] <ENV> plan",
        text: "\
Asks the hosts and git, and shows what a deploy would do: the commits that go
out, the steps in their order, and what happens if one fails. Locks nothing and
changes nothing.

  shipit production plan --scripts           the scripts that are sent",
    },
    Page {
        name: "status",
        usage: "shipit [OPTIONS] <ENV> status [--check]",
        text: "\
Shows of each host the live release, its age and by whom it was deployed, the
run that holds the lock, holds, and what the supervisor says.",
    },
    Page {
        name: "list",
        usage: "shipit [OPTIONS] <ENV> list [-n N]",
        text: "\
Lists the newest N deploys [20], numbered as revert counts: when and by whom,
how each ended, and the subject of its commit.",
    },
    Page {
        name: "show",
        usage: "shipit [OPTIONS] <ENV> show [DEPLOY]",
        text: "\
Shows one deploy, also one that failed, with all that its steps printed on each
host: the latest, the N-th before the live one (0 is the live one), or one by
the beginning of its name or revision.",
    },
    Page {
        name: "logs",
        usage: "shipit [OPTIONS] <ENV> logs [-f] [--lines N] [--since T]",
        text: "\
Shows the last lines of the files of the key `logs` on all hosts, or of what
the supervisor names. -f shows new lines as they come, over rotation, until
Ctrl-C. --since shows all lines from a time on, as the lines themselves say.",
    },
    Page {
        name: "current",
        usage: "shipit [OPTIONS] <ENV> current",
        text: "\
Prints the live revision, for scripts; a line for each host where they differ,
and then it ends with 1.",
    },
    Page {
        name: "previous",
        usage: "shipit [OPTIONS] <ENV> previous",
        text: "Prints the revision that was live before, as `revert` would go back to it.",
    },
    Page {
        name: "check",
        usage: "shipit [OPTIONS] <ENV> check",
        text: "\
Looks for what would stop a deploy, on your machine and on every host: the
connection, git, disk space, the deploy path, each host's own access to the
repository, and the tools that your hooks use. Each trouble comes with what to
paste. Changes nothing on the hosts; on a terminal it asks whether to trust the
keys of hosts that are not known yet. Ends with 1 if a deploy would fail, with
4 if a host was not reached.",
    },
    Page {
        name: "config",
        usage: "shipit [OPTIONS] <ENV> config [KEY] [--origin]",
        text: "\
Prints the resolved configuration as TOML, secrets as dots. Contacts no host.

  shipit production config hosts --origin    and the line that each comes from",
    },
    Page {
        name: "exec",
        usage: "shipit [OPTIONS] <ENV> exec [--once] <CMD>…",
        text: "\
Runs a command on every host at once, in `current`, with the environment of the
hooks. One word is a script for the hooks' shell; several are a command and its
arguments. Options of shipit stand before the command: all that follows is
yours. Ends with the command's code where the failing hosts agree on one.
With --once it runs on one host only: the first in the file, of those that
--hosts and --roles leave. If that one cannot be reached, no other takes its
place.

  shipit production exec uptime
  shipit production --hosts web1 exec 'ls -l | head'
  shipit production --roles worker exec --once npm run jobs:clear",
    },
    Page {
        name: "console",
        usage: "shipit [OPTIONS] <ENV> console [HOST]",
        text: "\
Opens a terminal on a host (else on the first), in `current`, with the
environment of the hooks.",
    },
    Page {
        name: "restart",
        usage: "shipit [OPTIONS] <ENV> restart",
        text: "\
Reloads and verifies what is live, in the batches of `rollout`, with drain and
undrain around it. Makes no release.",
    },
    Page {
        name: "hold",
        usage: "shipit [OPTIONS] <ENV> hold [-m WHY] [--for DURATION]",
        text: "\
Refuses deploys of this environment until `resume`, or for a time. `status`
says so; revert, sync and restart go on working. The hold of another person
is replaced only after a question, or with --yes.

  shipit production hold -m 'sale until Monday' --for 60h",
    },
    Page {
        name: "resume",
        usage: "shipit [OPTIONS] <ENV> resume",
        text: "Ends a hold: deploys are accepted again.",
    },
    Page {
        name: "prune",
        usage: "shipit [OPTIONS] <ENV> prune",
        text: "Removes what `keep-releases` does not keep, and what --keep-failed left.",
    },
    Page {
        name: "unlock",
        usage: "shipit [OPTIONS] <ENV> unlock",
        text: "\
Ends the run that holds the lock, after showing whose it is: that run rolls
back, then lets go. A lock whose run is dead needs no unlock.",
    },
    Page {
        name: "demo",
        usage: "shipit demo [--keep]",
        text: "\
Starts three hosts inside this process and deploys to them over SSH: what
shipit does, without a server. Needs sh and git; leaves nothing behind.",
    },
    Page {
        name: "init",
        usage: "shipit init [OPTIONS]",
        text: "\
Writes a shipit.toml for the git work tree here. It finds the repository, the
branch and how the project is built; on a terminal it asks for what only you
know (hosts, login, deploy path). Every answer has an option, so that it asks
nothing with --yes. Never writes over a file, and contacts no host.

--template starts from the file of an example: node-pm2, node-systemd,
python-supervisord, static, binary-systemd or several-repositories. The rest
of each example is in examples/ of shipit's sources.

  shipit init --template node-pm2
  shipit init --hosts 'web[1:3].example.com' --user deploy --path /var/www/shop",
    },
    Page {
        name: "import",
        usage: "shipit [FILE] import [OPTIONS]",
        text: "\
Writes the shipit.toml that means what pm2's ecosystem file means: FILE, or the
one that is found here. It asks the hosts, only reading, which files lie beside
the code, and says what the first deploy changes. Never writes over a file.

The plain values of Capistrano's config/deploy.rb, Deployer's deploy.php and
deploy.yaml, and a shipitfile.js are read too. Ruby and PHP are not run. Each
line that is left out is named.

  shipit import
  shipit -c config/deploy.rb import
  shipit deploy/ecosystem.json import --no-hosts",
    },
    Page {
        name: "completions",
        usage: "shipit completions <bash | zsh | fish>",
        text: "\
Prints the script that completes command lines in a shell.

  source <(shipit completions bash)          in ~/.bashrc",
    },
    Page {
        name: "envs",
        usage: "shipit envs [-v]",
        text: "Lists the environments of the file: name, tab, number of hosts; -v: more.",
    },
    Page {
        name: "schema",
        usage: "shipit schema [--events]",
        text: "\
Prints a JSON schema of shipit.toml, for editors; with --events that of the
events that --output json prints.",
    },
];

#[cfg(test)]
mod tests {
    use super::super::arguments::{self, Ambient};
    use super::*;

    #[test]
    fn every_command_and_tool_has_a_page_that_fits_a_small_window() {
        let names = COMMANDS.iter().map(|(_, full)| *full).chain(TOOLS.iter().map(|(name, _)| *name));
        let mut names: Vec<&str> = names.collect();
        names.dedup();
        assert_eq!(names.len(), PAGES.len());
        for name in names {
            let mut command = about(Topic::One(name), arguments::options(Ambient::Nothing));
            let page = command.render_help().to_string();
            assert!(page.starts_with("Usage: shipit "), "{name}:\n{page}");
            assert!(page.lines().all(|line| line.chars().count() < 80), "{name}:\n{page}");
            assert!(page.contains("shipit --help"), "{name}:\n{page}");
        }
    }

    #[test]
    fn a_page_shows_the_options_of_its_command_and_no_others() {
        let page =
            |name| about(Topic::One(name), arguments::options(Ambient::Nothing)).render_help().to_string();
        insta::assert_snapshot!(page("revert"), @r"
        Usage: shipit [OPTIONS] <ENV> revert [N | DEPLOY]

        Makes an earlier deploy live again: the N-th before the live one [1], or a
        release or revision, as list shows them. While its release is on disk it needs
        no build and no access to the repository. Two reverts go two deploys back,
        never forward. The database stays as it is.

          shipit production revert                   the deploy before
          shipit production revert 2 --dry-run       what that would do

        Options:
              --hosts <PATTERN,…>     Only these hosts: names, globs, ranges, !name
              --roles <ROLE,…>        Only hosts with one of these roles
              --apps <APP,…>          Only these apps
              --concurrency <N>       Work on at most N hosts at a time
              --batch <N|P%>          Activate N hosts (or P%) at a time
              --set <KEY=VALUE>       Override a key of shipit.toml: timeout.hook=1m
              --lock-wait <DURATION>  Wait this long for another run [5s; 10m in CI]
          -y, --yes                   Do not ask for confirmation
          -n, --dry-run               Show what would be done; change nothing
              --scripts               With plan or --dry-run: show the scripts
              --output <HOW>          auto, pretty, plain or json (event per line)
              --events <FILE>         Also write events to FILE, as JSON

        Options of every command: shipit --help
        ");
        assert!(page("logs").contains("--follow") && !page("logs").contains("--force"));
        assert!(!page("completions").contains("Options:"), "{}", page("completions"));
    }
}
