//! The grammar as a table: what is typed, and what it means or why it is refused.

use super::*;

fn parsed(line: &[&str]) -> Result<Invocation, CliError> {
    let args = std::iter::once(&"shipit").chain(line).map(OsString::from);
    parse(args, arguments::Ambient::Nothing, false)
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

fn deploy(reference: Option<&str>) -> Command {
    Command::Deploy { reference: reference.map(str::to_owned) }
}

fn exec(command: &[&str]) -> Command {
    Command::Exec { command: command.iter().map(|&word| word.to_owned()).collect() }
}

#[test]
fn what_is_typed_means_a_command() {
    let back = |n| Command::Revert(RevertTo::Back(n));
    let to = |deploy: &str| Command::Revert(RevertTo::Deploy(deploy.to_owned()));
    let table = [
        ("production", deploy(None)),
        ("production update", deploy(None)),
        ("production deploy", deploy(None)),
        ("--force production", deploy(None)),
        ("production --force", deploy(None)),
        ("-F production deploy -y", deploy(None)),
        ("production ref v1.2", deploy(Some("v1.2"))),
        ("production ref a=b", deploy(Some("a=b"))),
        ("production --ref v1.2", deploy(Some("v1.2"))),
        ("production plan --ref HEAD", deploy(Some("HEAD"))),
        ("production plan", deploy(None)),
        ("production setup", Command::Setup),
        ("production revert", back(1)),
        ("production revert 3", back(3)),
        ("production revert 20261121T081502Z-1a2b3c4", to("20261121T081502Z-1a2b3c4")),
        ("production revert 1a2b3c4", to("1a2b3c4")),
        ("production revert 1234567", to("1234567")),
        ("production status", Command::Status),
        ("production list", Command::List),
        ("production curr", Command::Current),
        ("production current", Command::Current),
        ("production prev", Command::Previous),
        ("production previous", Command::Previous),
        ("production unlock --yes", Command::Unlock),
        ("-c other.toml production list", Command::List),
        ("-cother.toml production list", Command::List),
        ("shipit.toml production setup", Command::Setup),
        ("deploy/shop.toml production", deploy(None)),
        ("-e production setup", Command::Setup),
        ("setup -e production", Command::Setup),
        ("shipit.toml -e production setup", Command::Setup),
        ("-- production setup", Command::Setup),
        ("production exec uptime", exec(&["uptime"])),
        ("production run uptime", exec(&["uptime"])),
        ("production exec ls -la --force", exec(&["ls", "-la", "--force"])),
        ("production exec ls -- -h --version", exec(&["ls", "--", "-h", "--version"])),
        ("production exec -- -weird --", exec(&["-weird", "--"])),
        ("production exec -v ls -v", exec(&["ls", "-v"])),
        ("--hosts web1 -e production exec ls -e other", exec(&["ls", "-e", "other"])),
        ("production --color never exec exec exec -n", exec(&["exec", "exec", "-n"])),
    ];
    for (line, expected) in table {
        let invocation = parsed(&words(line)).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(invocation.command, expected, "{line}");
        assert_eq!(invocation.environment, "production", "{line}");
        assert_eq!(invocation.dry_run, line.contains("plan"), "{line}");
    }
}

#[test]
fn everything_else_is_refused() {
    let table = [
        ("", "which environment?"),
        ("production sertup", "`sertup` is not a command: did you mean setup?"),
        ("production updte", "did you mean update?"),
        ("production zzzzzzzz", "shipit --help shows the commands"),
        ("production staging", "`staging` is not a command"),
        ("production ref", "ref needs a branch, tag or commit"),
        ("production ref a b", "ref takes one word, not also `b`"),
        ("production ref a --ref b", "ref and --ref both name what to deploy"),
        ("production --ref api=v1", "not yet"),
        ("production ref -- --upload-pack=x", "not a branch, tag or commit"),
        ("production revert 0", "revert counts from 1"),
        ("production revert -1", "unexpected argument"),
        ("production revert 1 2", "revert takes one word"),
        ("production list foo", "list takes no `foo`"),
        ("production list --redeploy", "list does not take --redeploy"),
        ("production revert --force", "revert does not take --force"),
        ("production exec --dry-run uptime", "exec does not take --dry-run"),
        ("production setup --ref main", "setup does not take --ref"),
        ("production exec", "exec needs a command"),
        ("production --nonsense", "unexpected argument '--nonsense'"),
        ("production --hosts", "a value is required"),
        ("production --output xml", "invalid value 'xml'"),
        ("production plan --output json", "--output json: not yet for a plan"),
        ("production --events", "--events <FILE>"),
        ("production plan --events f", "a dry run does nothing"),
        ("production status --events f", "status does not take --events"),
        ("schema", "schema --events prints the shape of events"),
        ("schema --hosts a --events", "schema does not take --hosts"),
        ("production --lock-wait soon", "takes a duration"),
        ("production -q -v", "cannot be used with"),
        ("deploy", "deploy is a command: name the environment first"),
        ("deploy production", "deploy is a command: name the environment first"),
        ("exec uptime", "exec is a command: name the environment first"),
        ("-e production staging", "`staging` is not a command"),
        ("-e production production setup", "`production` is not a command"),
        ("a.toml -c b.toml production", "two configuration files"),
        ("ecosystem.config.js production setup", "ecosystem.config.js: not yet"),
        ("package.json production", "not yet"),
        ("production \u{1b}[2J", "`` is not a command"),
    ];
    for (line, expected) in table {
        let error = parsed(&words(line)).map(|meant| panic!("{line}: {meant:?}")).unwrap_err();
        assert!(error.text.contains(expected), "{line}: {}", error.text);
        assert!(!error.text.starts_with("error"), "{line}: {}", error.text);
        assert_eq!(error.exit, 2, "{line}");
    }
}

#[test]
fn what_is_to_come_is_named() {
    let commands =
        ["sync", "restart", "hold -m why --for 12h", "resume", "show", "console", "logs -f", "check"];
    let more = ["config", "prune", "status --check", "--roles web", "--apps=api", "--concurrency 3"];
    let options = ["--batch 25%", "--no-pause", "--max-unreachable 1", "--set a.b=c"];
    let lines = commands.iter().chain(&more).chain(&options).map(|line| format!("production {line}"));
    let tools = ["import", "envs", "schema", "check"];
    for line in lines.chain(tools.map(str::to_owned)) {
        let error = parsed(&words(&line)).unwrap_err();
        assert!(error.text.contains("not yet"), "{line}: {}", error.text);
        assert_eq!(error.exit, 2, "{line}");
    }
}

#[test]
fn tools_need_no_environment() {
    let table = [
        ("demo", Tool::Demo { keep: false }),
        ("demo --keep", Tool::Demo { keep: true }),
        ("init", Tool::Init),
        ("-C shop init -q", Tool::Init),
        ("completions bash", Tool::Completions(Shell::Bash)),
        ("completions zsh", Tool::Completions(Shell::Zsh)),
        ("completions fish", Tool::Completions(Shell::Fish)),
        ("completions candidates -- --hosts w", Tool::Candidates(vec!["--hosts".into(), "w".into()])),
    ];
    for (line, expected) in table {
        let command = parsed(&words(line)).unwrap_or_else(|error| panic!("{line}: {error}")).command;
        assert_eq!(command, Command::Tool(expected), "{line}");
    }
    for (line, expected) in [
        ("demo production", "demo takes no `production`\n(an environment of that name: shipit -e demo)"),
        ("init here", "init takes no `here`"),
        ("completions", "completions needs a shell"),
        ("completions tcsh", "completions knows bash, zsh and fish, not `tcsh`"),
        ("completions bash zsh", "completions takes no `zsh`"),
        ("init --force", "init does not take --force"),
        ("init --keep", "init does not take --keep"),
        ("demo --dry-run", "demo does not take --dry-run"),
        ("demo --hosts web1", "demo does not take --hosts"),
    ] {
        let error = parsed(&words(line)).unwrap_err();
        assert!(error.text.contains(expected), "{line}: {}", error.text);
        assert_eq!(error.exit, 2, "{line}");
    }
    for line in ["demo setup", "-e demo setup", "init update", "-e demo"] {
        assert!(["demo", "init"].contains(&parsed(&words(line)).unwrap().environment.as_str()), "{line}");
    }
    assert!(parsed(&words("production --keep")).unwrap_err().text.contains("update does not take --keep"));
}

#[test]
fn options_are_understood() {
    let line = "-C dir --hosts web1,web2 --hosts !web3 -f --redeploy --allow-older --lock-wait 1h30m -y -n \
                --keep-failed --output plain --color=always -v production";
    let invocation = parsed(&words(line)).unwrap();
    assert_eq!(invocation.hosts, ["web1", "web2", "!web3"]);
    assert_eq!(invocation.chdir, Some(PathBuf::from("dir")));
    assert_eq!(invocation.lock_wait, Duration::from_secs(5400));
    assert!(invocation.force && invocation.redeploy && invocation.allow_older && invocation.yes);
    assert!(invocation.dry_run && invocation.keep_failed);
    assert_eq!(invocation.output, Mode::Plain);
    assert_eq!(invocation.color, ColorChoice::Always);
    assert_eq!(invocation.verbosity, Verbosity::Verbose);
}

#[test]
fn a_first_word_that_is_a_file_is_the_configuration() {
    let invocation = parsed(&["fleet/shop.toml", "production", "setup"]).unwrap();
    assert_eq!(invocation.config, Some(PathBuf::from("fleet/shop.toml")));
    assert_eq!(invocation.environment, "production");
}

#[test]
fn only_ci_waits_for_the_lock_unasked() {
    let args = || ["shipit", "production"].map(OsString::from);
    let wait = |in_ci| parse(args(), arguments::Ambient::Nothing, in_ci).unwrap().lock_wait;
    assert_eq!(wait(false), Duration::ZERO);
    assert_eq!(wait(true), LOCK_WAIT_IN_CI);
}

#[test]
fn any_word_reaches_exec_as_it_is() {
    use proptest::prelude::*;
    proptest!(|(rest in proptest::collection::vec(any::<String>(), 0..6))| {
        let line: Vec<&str> = ["production", "exec", "cmd"].into_iter().chain(rest.iter().map(String::as_str)).collect();
        prop_assert_eq!(parsed(&line).unwrap().command, exec(&line[2..]));
    });
}

#[test]
fn help_and_version_are_asked_for() {
    for line in ["-h", "--help", "production -h", "production sync --help", "production exec --help"] {
        let error = parsed(&words(line)).unwrap_err();
        assert_eq!((error.exit, error.text.contains("Exit codes")), (0, true), "{line}: {}", error.text);
    }
    assert_eq!(parsed(&["-V"]).unwrap_err().text, concat!("shipit ", env!("CARGO_PKG_VERSION")));
}

#[test]
#[allow(clippy::too_many_lines, reason = "a text as it is shown")]
fn help_fits_eighty_columns() {
    let help = parsed(&["--help"]).unwrap_err().text;
    for line in help.lines() {
        assert!(line.chars().count() < 80, "{line}");
    }
    insta::assert_snapshot!(help, @r#"
    Deploys git repositories to fleets of servers over SSH, all or nothing.

    Usage: shipit [OPTIONS] <ENV> [COMMAND]

    Deploy:
      update, deploy            deploy the configured ref (also without a command)
      ref <REF>                 deploy that branch, tag or commit, or HEAD
      revert [N | DEPLOY]       make the N-th earlier deploy live again [1]
      setup                     directories, clone and checks; safe to repeat

    Look:
      plan                      what would be done, as the exact scripts
      status                    the fleet in one look
      list                      deploys, newest first, numbered as revert counts
      current, curr             the live revision
      previous, prev            the one before

    Act:
      exec, run <CMD>…          on every host at once; one word is a script,
                                several are a command and its arguments
      unlock                    end the run that holds the lock

    Without an environment:
      demo                      try it: three hosts inside this process
      init                      write a shipit.toml for the work tree here
      completions <SHELL>       what makes bash, zsh or fish complete all this
      schema --events           the shape of the events of --output json

    Options, anywhere (SHIPIT_<OPTION> sets them, but for --env and --ref):
      -c, --config <FILE>         Configuration file [shipit.toml, here or above]
      -C, --chdir <DIR>           Work in this directory
      -e, --env <ENV>             The environment, where its name is a command's
          --hosts <PATTERN,…>     Only these hosts: names, globs, ranges, !name
          --ref <REF>             Deploy this branch, tag or commit, or HEAD
      -f, --force                 Skip the local checks, nothing else [alias: -F]
          --redeploy              A new release though nothing changed
          --allow-older           Deploy a commit older than the live one
          --split                 Deploy to part of the hosts, leaving two releases
          --lock-wait <DURATION>  Wait so long for another run [0; 10m in CI]
      -y, --yes                   Ask nothing
      -n, --dry-run               Show what would be done, as the exact scripts
          --keep-failed           Leave the directory of a release that failed
          --keep                  demo: hosts and files stay, to go on by hand
          --output <HOW>          auto, pretty, plain or json (an event a line)
          --events <FILE>         Also write what happens to FILE, as JSON
          --color <WHEN>          auto, always or never
      -q, --quiet                 Only failures and the end
      -v, --verbose               All that hooks print
      -h, --help                  This help
      -V, --version               The version

    Exit codes:
        0  done, or nothing to do
        1  failed; nothing live was changed
        2  usage or configuration; no host was contacted
        3  refused: local changes, unpushed commits, not confirmed, older than live
        4  a host could not be reached, authenticated or trusted; nothing changed
        5  failed after going live; every host was put back
        6  failed, and not every host serves the same: the report says which
       70  a bug in shipit
       75  another run holds the lock; try again
      130  interrupted (143: terminated); nothing live was changed, or put back
    exec ends with the remote code where the failing hosts agree on one, else 1.
    "#);
}
