//! The texts of `--help` that are not an option's. Lines stay under 80 columns, which a test holds.

/// What clap fills in; the options come from their definitions.
pub(super) const TEMPLATE: &str = "\
Deploys git repositories to fleets of servers over SSH, all or nothing.

Usage: {usage}

{before-help}Options, anywhere (SHIPIT_<OPTION> sets all but --env --ref --roles -m --for):
{options}{after-help}";

/// The same for one command.
pub(super) const PAGE: &str = "\
Usage: {usage}

{before-help}Options:
{options}

Options of every command: shipit --help
";

/// For a command that has no options of its own.
pub(super) const PAGE_WITHOUT_OPTIONS: &str = "\
Usage: {usage}

{before-help}Options of every command: shipit --help
";

/// The grammar in one line.
pub(super) const USAGE: &str = "shipit [OPTIONS] <ENV> [COMMAND]";

/// The commands, grouped.
pub(super) const COMMANDS: &str = "\
Deploy:
  update, deploy            deploy the configured ref (also without a command)
  ref <REF>                 deploy that branch, tag or commit, or HEAD
  revert [N | DEPLOY]       make the N-th earlier deploy live again [1]
  sync                      bring hosts that differ to the live deploy
  setup                     directories, clone and checks; safe to repeat

Look:
  plan                      what a deploy would do; --scripts: the scripts
  status                    the fleet in one look
  list [-n N]               deploys, newest first, numbered as revert counts
  show [DEPLOY]             one deploy, with its output [the latest]
  logs [-f] [--since T]     the app's log files; -f follows
  current, curr             the live revision
  previous, prev            the revision that was live before
  check                     what would stop a deploy, on your machine and on
                            every host, each with its remedy
  config [KEY]              the resolved configuration, secrets as dots

Act:
  exec, run <CMD>…          run on every host at once; one word is a script,
                            several are a command; --once: on the first host
  console [HOST]            a terminal on a host, in current
  restart                   reload and verify what is live
  hold, resume              refuse update and ref; accept them again
  prune                     remove what keep-releases does not keep
  unlock                    end the run that holds the lock

Without an environment:
  demo                      try it: three hosts inside this process
  init                      write a shipit.toml for this work tree
  import                    write a shipit.toml from pm2's ecosystem file
  completions <SHELL>       completion for bash, zsh or fish
  envs                      the environments of the file
  help [COMMAND]            this, or how to use one command
  schema                    JSON schema of shipit.toml, for editors
                            (--events: of events, for programs)";

/// What the first line of a word in [`COMMANDS`] says.
pub(super) fn describe(name: &str) -> &'static str {
    let line = |line: &'static str| line.trim_start().split_once("  ");
    let names = |names: &str| names.split([' ', ',']).any(|word| word == name);
    let mut found = COMMANDS.lines().filter_map(line).filter(|(left, _)| names(left));
    found.next().map_or("", |(_, says)| says.split(';').next().unwrap_or_default().trim())
}

/// The exit codes, which are an API.
pub(super) const AFTER: &str = "\
Exit codes:
    0  done, or nothing to do
    1  failed; nothing live was changed
    2  usage or configuration; no host was contacted
    3  refused: local changes, unpushed commits, held, not confirmed, older
    4  a host could not be reached, authenticated or trusted; nothing changed
    5  failed after going live; every host was rolled back
    6  failed, and not every host serves the same, or at all: see the report
   70  a bug in shipit
   75  another run holds the lock; try again
  130  interrupted (143: terminated); nothing live was changed, or rolled back
exec ends with the remote code where the failing hosts agree on one, else 1.";
