//! The grammar as a table: what is typed, and what it means or why it is refused.

use super::*;
use crate::cli::{AppReference, Init, RevertTo, Shell, Show, Tool};
use crate::remote::since::Since;
use crate::report::{ColorChoice, Mode};

#[path = "fleet_tests.rs"]
mod fleet;
#[path = "help_tests.rs"]
mod help;

fn parsed(line: &[&str]) -> Result<Invocation, CliError> {
    let args = std::iter::once(&"shipit").chain(line).map(OsString::from);
    parse(args, arguments::Ambient::Nothing, false)
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

fn deploy(reference: Option<&str>) -> Command {
    let one = |reference: &str| AppReference { app: None, reference: reference.to_owned() };
    Command::Deploy { references: reference.map(one).into_iter().collect() }
}

fn hold(why: &str, hours: Option<u64>) -> Command {
    Command::Hold { why: why.to_owned(), lasting: hours.map(|hours| Duration::from_secs(3600 * hours)) }
}

fn exec(command: &[&str]) -> Command {
    Command::Exec { command: command.iter().map(|&word| word.to_owned()).collect(), once: false }
}

fn exec_once(command: &[&str]) -> Command {
    Command::Exec { command: command.iter().map(|&word| word.to_owned()).collect(), once: true }
}

fn config(key: Option<&str>, origin: bool) -> Command {
    Command::Config { key: key.map(str::to_owned), origin }
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
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
        ("production --ref v1.2", deploy(Some("v1.2"))),
        ("production plan --ref HEAD", deploy(Some("HEAD"))),
        ("production plan", deploy(None)),
        ("production setup", Command::Setup),
        ("production revert", back(1)),
        ("production revert 3", back(3)),
        ("production revert 20261121T081502Z-1a2b3c4", to("20261121T081502Z-1a2b3c4")),
        ("production revert 1a2b3c4", to("1a2b3c4")),
        ("production revert 1234567", to("1234567")),
        ("production status", Command::Status { check: false }),
        ("production list", Command::List { most: None }),
        ("production list -n 5", Command::List { most: Some(5) }),
        ("production list 5", Command::List { most: Some(5) }),
        ("production curr", Command::Current),
        ("production current", Command::Current),
        ("production prev", Command::Previous),
        ("production previous", Command::Previous),
        ("production unlock --yes", Command::Unlock),
        ("production sync --hosts web3", Command::Sync),
        ("production restart --lock-wait 1m", Command::Restart),
        ("production prune -y", Command::Prune),
        ("production resume", Command::Resume),
        ("production hold", hold("", None)),
        ("production hold -m freeze", hold("freeze", None)),
        ("hold -e production --message=freeze --for 12h", hold("freeze", Some(12))),
        ("-c other.toml production list", Command::List { most: None }),
        ("-cother.toml production list", Command::List { most: None }),
        ("shipit.toml production setup", Command::Setup),
        ("deploy/shop.toml production", deploy(None)),
        ("-e production setup", Command::Setup),
        ("setup -e production", Command::Setup),
        ("shipit.toml -e production setup", Command::Setup),
        ("-- production setup", Command::Setup),
        ("production config", config(None, false)),
        ("production config timeout.hook", config(Some("timeout.hook"), false)),
        ("production --origin config", config(None, true)),
        ("production exec uptime", exec(&["uptime"])),
        ("production run uptime", exec(&["uptime"])),
        ("production exec --once uptime", exec_once(&["uptime"])),
        ("production --once run rake db:migrate", exec_once(&["rake", "db:migrate"])),
        ("production exec uptime --once", exec(&["uptime", "--once"])),
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
fn commands_that_look_take_what_is_theirs() {
    let hour = Some(Since::Ago(Duration::from_secs(3600)));
    let table = [
        ("production --check status", Command::Status { check: true }),
        ("production show", Command::Show(Show::Latest)),
        ("production show 0", Command::Show(Show::Back(0))),
        ("production show 2", Command::Show(Show::Back(2))),
        ("production show 20261121T0815", Command::Show(Show::Named("20261121T0815".to_owned()))),
        ("production show 1234567", Command::Show(Show::Named("1234567".to_owned()))),
        ("production console", Command::Console { host: None }),
        ("production console web2", Command::Console { host: Some("web2".to_owned()) }),
        ("production logs", Command::Logs { follow: false, lines: Some(10), since: None }),
        ("production logs -f", Command::Logs { follow: true, lines: Some(10), since: None }),
        ("-qf production logs --lines 3", Command::Logs { follow: true, lines: Some(3), since: None }),
        ("production logs --follow --lines=0", Command::Logs { follow: true, lines: Some(0), since: None }),
        ("production logs --since 1h", Command::Logs { follow: false, lines: None, since: hour }),
        (
            "production logs -f --since 60m --lines 5",
            Command::Logs { follow: true, lines: Some(5), since: hour },
        ),
    ];
    for (line, expected) in table {
        let invocation = parsed(&words(line)).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(invocation.command, expected, "{line}");
    }
    let refused = [
        ("production list --check", "list does not take --check"),
        ("production --follow", "update does not take --follow"),
        ("production logs web1", "unexpected argument `web1`: logs takes none"),
        ("production logs --lines all", "invalid value 'all'"),
        ("production logs --since soon", "takes a duration such as 10m"),
        ("production logs --redeploy", "logs does not take --redeploy"),
        ("production console web1 ls", "unexpected argument `ls`: console takes only one"),
        ("production show a b", "unexpected argument `b`: show takes only one"),
    ];
    for (line, expected) in refused {
        let error = parsed(&words(line)).map(|meant| panic!("{line}: {meant:?}")).unwrap_err();
        assert!(error.text.contains(expected) && error.exit == 2, "{line}: {}", error.text);
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn everything_else_is_refused() {
    let table = [
        ("", "which environment?"),
        ("production sertup", "`sertup` is not a command: did you mean setup?"),
        ("production updte", "did you mean update?"),
        ("production zzzzzzzz", "shipit --help shows the commands"),
        ("production staging", "`staging` is not a command"),
        ("production rollback", "`rollback` is not a command: that is revert here"),
        ("production rollbck", "`rollbck` is not a command: did you mean revert?"),
        ("production undo", "that is revert here"),
        ("rollback", "revert is a command; name the environment first: shipit <ENV> revert"),
        ("help rever", "`rever` is not a command: did you mean revert?"),
        ("production ref", "ref needs a branch, tag or commit"),
        ("production ref a b", "unexpected argument `b`: ref takes only one"),
        ("production ref a --ref b", "use either ref or --ref, not both"),
        ("production --ref api=", "`` is not a branch, tag or commit"),
        ("production --ref =v1", "`=v1`: name the app before `=`"),
        ("production --ref api=-x", "`-x` is not a branch, tag or commit"),
        ("production ref -- --upload-pack=x", "not a branch, tag or commit"),
        ("production revert 0", "revert counts from 1"),
        ("production revert -1", "unexpected argument"),
        ("production revert 1 2", "unexpected argument `2`: revert takes only one"),
        ("production list foo", "list -n takes a number of deploys"),
        ("production list 0", "list -n takes a number of deploys"),
        ("production list 1 2", "unexpected argument `2`: list takes only one"),
        ("production list -n", "list -n takes a number of deploys"),
        ("production list --redeploy", "list does not take --redeploy"),
        ("production revert --force", "revert does not take --force"),
        ("production exec --redeploy uptime", "exec does not take --redeploy"),
        ("production exec --once", "exec needs a command"),
        (
            "production exec --once --concurrency 2 uptime",
            "--once runs on one host: --concurrency has no meaning",
        ),
        ("production exec -n --events f uptime", "a dry run has no events"),
        ("production --once", "update does not take --once"),
        ("production restart --once", "restart does not take --once"),
        ("production setup --ref main", "setup does not take --ref"),
        ("production exec", "exec needs a command"),
        ("production --nonsense", "unexpected argument '--nonsense'"),
        ("production --hosts", "a value is required"),
        ("production --output xml", "invalid value 'xml'"),
        ("production console --output json", "console does not take --output json"),
        ("production logs --output json", "--output json is not yet supported for logs"),
        ("production --events", "--events <FILE>"),
        ("production plan --events f", "a dry run has no events"),
        ("production status --events f", "status does not take --events"),
        ("schema --hosts a --events", "schema does not take --hosts"),
        ("production --lock-wait soon", "takes a duration"),
        ("production -q -v", "cannot be used with"),
        ("production config a b", "unexpected argument `b`: config takes only one"),
        ("production config --hosts web1", "config does not take --hosts"),
        ("production config --output json", "config does not take --output"),
        ("production config --dry-run", "config does not take --dry-run"),
        ("production status --origin", "status does not take --origin"),
        ("config timeout", "config is a command; name the environment first"),
        ("envs production", "unexpected argument `production`: envs takes none"),
        ("envs --set a=b", "envs does not take --set"),
        ("envs --ref main", "envs does not take --ref"),
        ("production envs", "envs takes no environment: shipit envs"),
        ("deploy", "deploy is a command; name the environment first"),
        ("deploy production", "deploy is a command; name the environment first: shipit production\n"),
        ("deploy production setup", "first: shipit production setup\n"),
        (
            "deploy ecosystem.config.js production revert 2",
            "first: shipit ecosystem.config.js production revert 2\n",
        ),
        ("deploy ecosystem.json", "first: shipit ecosystem.json <ENV>\n"),
        ("setup production", "first: shipit production setup\n"),
        ("deploy pro$duction ref x", "first: shipit 'pro$duction' ref x\n"),
        ("exec uptime", "exec is a command; name the environment first"),
        ("-e production staging", "`staging` is not a command"),
        ("-e production production setup", "`production` is not a command"),
        ("a.toml -c b.toml production", "two configuration files"),
        ("production \u{1b}[2J", "`` is not a command"),
    ];
    table.into_iter().for_each(refused);
}

fn refused((line, expected): (&str, &str)) {
    let error = parsed(&words(line)).map(|meant| panic!("{line}: {meant:?}")).unwrap_err();
    assert!(error.text.contains(expected), "{line}: {}", error.text);
    assert!(!error.text.starts_with("error"), "{line}: {}", error.text);
    assert_eq!(error.exit, 2, "{line}");
}

#[test]
fn durations_are_those_of_the_file() {
    for (text, seconds) in [("2d", 172_800), ("1d12h", 129_600), ("90s", 90), ("1h30m", 5400), ("90", 90)] {
        let lasting = Duration::from_secs(seconds);
        let hold = parsed(&words(&format!("production hold --for {text}"))).unwrap();
        assert_eq!(hold.command, Command::Hold { why: String::new(), lasting: Some(lasting) }, "{text}");
        let wait = parsed(&words(&format!("production --lock-wait {text}"))).unwrap();
        assert_eq!(wait.lock_wait, lasting, "{text}");
    }
    assert_eq!(parsed(&words("production --lock-wait 0")).unwrap().lock_wait, Duration::ZERO);
}

#[test]
fn what_is_a_holds_is_only_its_own() {
    let table = [
        ("production sync web3", "unexpected argument `web3`: sync takes none"),
        ("production restart --redeploy", "restart does not take --redeploy"),
        ("production resume -m why", "resume does not take --message"),
        ("production -m why", "update does not take --message"),
        ("production revert --for 1h", "revert does not take --for"),
        ("production hold -n", "hold does not take --dry-run"),
        ("production hold --for 0", "takes a duration such as 30m"),
        ("production hold --for 9999999999999h", "takes a duration"),
        ("production hold --for 400d", "takes a duration"),
        ("production hold --for soon", "takes a duration"),
        ("production hold why", "unexpected argument `why`: hold takes none"),
    ];
    table.into_iter().for_each(refused);
}

#[test]
fn what_is_to_come_is_named() {
    let error = parsed(&words("production logs --output json")).unwrap_err();
    assert!(error.text.contains("not yet"), "{}", error.text);
    assert_eq!(error.exit, 2);
}

#[test]
fn tools_need_no_environment() {
    let table = [
        ("demo", Tool::Demo { keep: false }),
        ("demo --keep", Tool::Demo { keep: true }),
        ("import", Tool::Import { no_hosts: false }),
        ("ecosystem.config.js import --no-hosts", Tool::Import { no_hosts: true }),
        ("init", Tool::Init(Init::default())),
        ("envs", Tool::Envs),
        ("-v fleet.toml envs", Tool::Envs),
        ("schema", Tool::Schema { of_events: false }),
        ("schema --events", Tool::Schema { of_events: true }),
        ("-C shop init -q", Tool::Init(Init::default())),
        ("-c fleet.toml envs", Tool::Envs),
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
        (
            "demo production",
            "unexpected argument `production`: demo takes none\n(for an environment named demo: shipit -e demo)",
        ),
        ("init here", "unexpected argument `here`: init takes none"),
        ("completions", "completions needs a shell"),
        ("completions tcsh", "completions knows bash, zsh and fish, not `tcsh`"),
        ("completions bash zsh", "unexpected argument `zsh`: completions takes none"),
        ("init --force", "init does not take --force"),
        ("init --keep", "init does not take --keep"),
        ("demo --dry-run", "demo does not take --dry-run"),
        ("demo --hosts web1", "demo does not take --hosts"),
    ] {
        let error = parsed(&words(line)).unwrap_err();
        assert!(error.text.contains(expected), "{line}: {}", error.text);
        assert_eq!(error.exit, 2, "{line}");
    }
    for line in ["demo setup", "-e demo setup", "init update", "-e demo", "schema status", "-e envs list"] {
        assert!(
            ["demo", "init", "schema", "envs"].contains(&parsed(&words(line)).unwrap().environment.as_str()),
            "{line}"
        );
    }
    assert!(parsed(&words("production --keep")).unwrap_err().text.contains("update does not take --keep"));
}

#[test]
fn options_are_understood() {
    let line = "-C dir --hosts web1,web2 --hosts !web3 --set a.b=c,d --set ref=x=y -f --redeploy --allow-older --lock-wait 1h30m -y -n \
                --keep-failed --output plain --color=always -v production";
    let invocation = parsed(&words(line)).unwrap();
    assert_eq!(invocation.hosts, ["web1", "web2", "!web3"]);
    let set: Vec<&str> = invocation.set.iter().map(|setting| setting.text.as_str()).collect();
    assert_eq!(set, ["a.b=c,d", "ref=x=y"]);
    assert_eq!(invocation.chdir, Some(PathBuf::from("dir")));
    assert_eq!(invocation.lock_wait, Duration::from_secs(5400));
    assert!(invocation.force && invocation.redeploy && invocation.allow_older && invocation.yes);
    assert!(invocation.dry_run && invocation.keep_failed);
    assert_eq!(invocation.output, Mode::Plain);
    assert_eq!(invocation.color, ColorChoice::Always);
    assert_eq!(invocation.verbosity, Verbosity::Verbose);
}

#[test]
fn scripts_are_shown_by_a_plan_and_a_dry_run_only() {
    for line in ["production plan --scripts", "production --scripts -n", "production revert -n --scripts"] {
        let invocation = parsed(&words(line)).unwrap();
        assert!(invocation.scripts && invocation.dry_run, "{line}");
    }
    assert!(!parsed(&words("production plan")).unwrap().scripts);
    for (line, expected) in [
        ("production --scripts", "add --dry-run"),
        ("production sync --scripts", "add --dry-run"),
        ("production status --scripts", "status does not take --scripts"),
    ] {
        let error = parsed(&words(line)).unwrap_err();
        assert!(error.text.contains(expected), "{line}: {}", error.text);
    }
}

#[test]
fn why_it_is_held_is_one_line() {
    for text in ["two\nlines", "tab\there", "\u{1b}[2J", &"x".repeat(501)] {
        let error = parsed(&["production", "hold", "-m", text]).unwrap_err();
        assert!(error.text.contains("takes one line of text"), "{}", error.text);
        assert!(!error.text.contains('\u{1b}'));
    }
    assert_eq!(
        parsed(&["production", "hold", "-m", " it's \"$HOME\" "]).unwrap().command,
        hold("it's \"$HOME\"", None)
    );
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
