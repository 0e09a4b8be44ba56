//! `shipit completions`: what each shell offers while a line is typed, asked of the shells themselves.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::common::{Kind, Running, World};

const CONFIG: &str = r#"
[defaults]
repo = "git@example.com:acme/shop.git"
ref = "main"
path = "shop"
[deploy.production]
host = ["web[1:2].example.com", { host = "ops@db1:2222", port = 22 }]
build = "touch {marker}"
[deploy.staging]
host = "test"
[deploy.fleet]
host = { command = "touch {marker}; echo web9" }
"#;

/// An operator whose `shipit.toml` has two environments, and one whose hosts a command would print.
struct Typing {
    world: World,
    marker: PathBuf,
}

impl Typing {
    fn new() -> Self {
        let world = World::new(Kind::InProcess, 0);
        let marker = world.root().join("marker");
        world.config(&CONFIG.replace("{marker}", marker.to_str().unwrap()));
        fs::create_dir(world.home().join("completions")).unwrap();
        for (shell, file) in [("bash", "shipit.bash"), ("zsh", "_shipit"), ("fish", "shipit.fish")] {
            let script = world.shipit(&["completions", shell]).ends_with(0).stdout;
            fs::write(world.home().join("completions").join(file), script).unwrap();
        }
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_shipit"), world.home().join("bin/shipit")).unwrap();
        Self { world, marker }
    }

    fn script(&self, file: &str) -> String {
        self.world.home().join("completions").join(file).to_str().unwrap().to_owned()
    }

    fn run(&self, shell: &str, program: &str) -> Vec<String> {
        let file = self.world.home().join("typing");
        fs::write(&file, program).unwrap();
        let mut command = Command::new(shell);
        if shell == "bash" {
            command.args(["--norc", "--noprofile"]);
        }
        command.arg(&file);
        self.world.repo.closed(&mut command);
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", self.world.home().join("bin").display()));
        command.env("TERM", "dumb").current_dir(self.world.repo.work());
        let run = Running::start(command, format!("{shell}: {program}")).wait().ends_with(0);
        assert_eq!(run.stderr, "", "{run}");
        run.stdout.lines().map(|line| line.trim_end_matches('\r').to_owned()).collect()
    }

    /// What bash puts in the place of the word at the end of the line, as it takes the line apart.
    fn bash(&self, words: &[&str]) -> Vec<String> {
        let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        let program = format!(
            "source '{}'\nCOMP_WORDS=({})\nCOMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n_shipit\n\
             printf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
            self.script("shipit.bash"),
            quoted.join(" "),
        );
        self.run("bash", &program).into_iter().filter(|line| !line.is_empty()).collect()
    }

    /// What fish offers at the end of the line, without what it says of it.
    fn fish(&self, line: &str) -> Vec<String> {
        let program = format!("source '{}'\ncomplete -C '{line}'\n", self.script("shipit.fish"));
        let offered = self.run("fish", &program);
        offered.into_iter().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
    }

    /// The line as zsh, in a terminal, has completed it.
    fn zsh(&self, line: &str) -> String {
        let program = format!(
            "zmodload zsh/zpty\n\
             zpty shell 'zsh -f -i'\n\
             zpty -w shell 'PS1= ; PS2= ; unsetopt beep; autoload -Uz compinit; compinit -u -d $HOME/.zcompdump'\n\
             zpty -w shell 'source {script}; done-typing() {{ print -r -- \"<<$BUFFER>>\"; zle send-break }}'\n\
             zpty -w shell 'zle -N done-typing; bindkey \"^X\" done-typing; bindkey \"^I\" complete-word; print rea\"\"dy'\n\
             zpty -r shell said '*ready*'\n\
             zpty -w -n shell $'{line}\\t\\x18'\n\
             zpty -r shell said '*<<*>>*'\n\
             print -r -- $said\nzpty -d shell\n",
            script = self.script("_shipit"),
        );
        let said = self.run("zsh", &program).join("\n");
        let buffer =
            said.rsplit_once("<<").and_then(|(_, rest)| rest.split_once(">>")).map(|(buffer, _)| buffer);
        buffer.unwrap_or_else(|| panic!("{said}")).to_owned()
    }
}

/// What needs no environment, as the help lists it.
fn tools() -> Vec<String> {
    let help = World::new(Kind::InProcess, 0).shipit(&["--help"]).ends_with(0).stdout;
    let (_, after) = help.split_once("Without an environment:\n").unwrap();
    let (list, _) = after.split_once("\n\n").unwrap();
    let first = |line: &str| line.split_whitespace().next().unwrap().to_owned();
    // lines that are indented further go on with what the line before says
    sorted(list.lines().filter(|line| !line.starts_with("   ")).map(first).collect())
}

fn sorted(mut words: Vec<String>) -> Vec<String> {
    words.sort();
    words
}

#[test]
fn bash_offers_what_the_file_and_the_grammar_have() {
    let typing = Typing::new();
    let all = typing.bash(&["shipit", ""]);
    assert_eq!(all[..3], ["production", "staging", "fleet"]);
    assert_eq!(sorted(all[3..].to_vec()), tools());
    for (words, expected) in [
        (&["shipit", "pro"][..], &["production"][..]),
        (&["shipit", "production", "re"], &["ref", "revert", "restart", "resume"]),
        (&["shipit", "production", "--re"], &["--ref", "--redeploy"]),
        (
            &["shipit", "production", "status", "--c"],
            &["--config", "--chdir", "--concurrency", "--check", "--color"],
        ),
        (&["shipit", "production", "setup", "--re"], &[]),
        (&["shipit", "demo", "--k"], &["--keep"]),
        (&["shipit", "--color", "al"], &["always"]),
        (&["shipit", "-e", "s"], &["staging"]),
        (&["shipit", "production", "--hosts", ""], &["web1.example.com", "web2.example.com", "db1"]),
        (&["shipit", "production", "--hosts", "db1,!web1"], &["db1,!web1.example.com"]),
        (
            &["shipit", "production", "--hosts", "=", "db1,w"],
            &["db1,web1.example.com", "db1,web2.example.com"],
        ),
        (&["shipit", "production", "--hosts", "="], &["web1.example.com", "web2.example.com", "db1"]),
        (&["shipit", "staging", "status", "--hosts", ""], &["test"]),
        (&["shipit", "fleet", "--hosts", ""], &[]),
        (&["shipit", "production", "exec", "l"], &[]),
        (&["shipit", "production", "config", "keep-r"], &["keep-releases"]),
        (&["shipit", "production", "--set", "keep-r"], &["keep-releases="]),
        (&["shipit", "production", "--set", "shell", "=", "ba"], &["bash"]),
        (&["shipit", "completions", ""], &["bash", "zsh", "fish"]),
        (&["shipit", "-C", "/", "pro"], &[]),
        (&["shipit", "--chdir", "=", "/", "pro"], &[]),
    ] {
        assert_eq!(typing.bash(words), expected, "{words:?}");
    }
    assert!(!typing.marker.exists(), "nothing of the file is run");
}

#[test]
fn refs_are_those_of_the_work_tree() {
    let typing = Typing::new();
    typing.world.repo.tag("v1.0");
    typing.world.repo.branch("feature/x");
    assert_eq!(typing.bash(&["shipit", "production", "ref", ""]), ["HEAD", "feature/x", "main", "v1.0"]);
    assert_eq!(typing.bash(&["shipit", "production", "--ref", "=", "v"]), ["v1.0"]);
    let away = typing.world.root().to_str().unwrap().to_owned();
    assert_eq!(typing.bash(&["shipit", "-C", &away, "production", "ref", ""]), [""; 0]);
}

#[test]
fn deploys_are_those_that_list_showed_last() {
    let world = World::deployed(Kind::InProcess, 1, "");
    world.production("post-deploy = '[ ! -e broken ] || [ $SHIPIT_ACTION = rollback ]'");
    world.deploy("two");
    world.repo.publish(&[("broken", "")]);
    world.shipit(&["production"]).ends_with(5);
    let offered = |line: &[&str]| {
        let words = [&["completions", "candidates", "--"], line].concat();
        world.shipit(&words).ends_with(0).stdout
    };
    let logins = world.host("web1").logins();
    assert_eq!(offered(&["production", "revert", ""]), "", "nobody is asked");
    assert_eq!(world.host("web1").logins(), logins);
    world.shipit(&["production", "list"]).ends_with(0);
    let releases = world.host("web1").releases();
    let offer = offered(&["production", "revert", ""]);
    let names: Vec<&str> = offer.lines().map(|line| line.split('\t').next().unwrap()).collect();
    assert_eq!(names, [releases[0].as_str()], "neither what is live nor what was rolled back");
    let shown = offered(&["production", "show", ""]);
    assert_eq!(shown.lines().count(), 3, "{shown}");
    assert!(shown.lines().nth(1).unwrap().starts_with(&releases[1]), "newest first: {shown}");
    assert!(offer.contains("\tmain, 20"), "{offer}");
    assert_eq!(offered(&["-c", "./shipit.toml", "production", "revert", &releases[0]]).lines().count(), 1);
    assert_eq!(offered(&["staging", "revert", ""]), "");
    world.shipit(&["production", "revert", &releases[0]]).ends_with(0);
    fs::remove_dir_all(world.home().join(".cache")).unwrap();
    fs::write(world.home().join(".cache"), "").unwrap();
    world.shipit(&["production", "list"]).ends_with(0);
    assert_eq!(offered(&["production", "revert", ""]), "", "where nothing can be kept, nothing is offered");
}

#[test]
fn fish_offers_the_same_with_what_it_means() {
    let typing = Typing::new();
    assert_eq!(typing.fish("shipit pro"), ["production"]);
    assert_eq!(typing.fish("shipit production re"), ["ref", "revert", "restart", "resume"]);
    assert_eq!(typing.fish("shipit production --re"), ["--ref", "--redeploy"]);
    assert_eq!(typing.fish("shipit production logs --f"), ["--follow"]);
    assert_eq!(typing.fish("shipit production --set keep-r"), ["keep-releases="]);
    assert_eq!(
        typing.fish("shipit production --hosts db1,w"),
        ["db1,web1.example.com", "db1,web2.example.com"]
    );
    assert_eq!(
        typing.fish("shipit production --hosts="),
        ["web1.example.com", "web2.example.com", "db1"].map(|host| format!("--hosts={host}"))
    );
    assert_eq!(typing.fish("shipit production "), typing.bash(&["shipit", "production", ""]));
    assert_eq!(typing.fish("shipit -c shipit.t"), ["shipit.toml"], "files are the shell's matter");
    let said = typing.world.shipit(&["completions", "candidates", "--", "production", "set"]).ends_with(0);
    assert_eq!(said.stdout, "setup\tdirectories, clone and checks\n");
    assert!(!typing.marker.exists(), "nothing of the file is run");
}

#[test]
fn zsh_completes_the_line() {
    let typing = Typing::new();
    assert_eq!(typing.zsh("shipit pro"), "shipit production ");
    assert_eq!(typing.zsh("shipit production sta"), "shipit production status ");
    assert_eq!(
        typing.zsh("shipit production --hosts db1,web2"),
        "shipit production --hosts db1,web2.example.com "
    );
    assert_eq!(typing.zsh("shipit production --hosts=d"), "shipit production --hosts=db1 ");
    assert_eq!(typing.zsh("shipit production logs --f"), "shipit production logs --follow ");
    assert_eq!(typing.zsh("shipit production --set keep-r"), "shipit production --set keep-releases=");
    assert_eq!(typing.zsh("shipit -c shipit.t"), "shipit -c shipit.toml ");
    assert!(!typing.marker.exists(), "nothing of the file is run");
}

#[test]
fn every_shell_takes_its_script() {
    let typing = Typing::new();
    for (shell, file) in [("bash", "shipit.bash"), ("zsh", "_shipit"), ("fish", "shipit.fish")] {
        let mut command = Command::new(shell);
        command.args(["-n", &typing.script(file)]);
        Running::start(command, shell.into()).wait().ends_with(0);
    }
    let mut command = Command::new("shellcheck");
    command.args(["-s", "bash", &typing.script("shipit.bash")]);
    Running::start(command, "shellcheck".into()).wait().ends_with(0);
}

#[test]
fn a_file_that_cannot_be_read_offers_nothing_and_says_nothing() {
    let typing = Typing::new();
    typing.world.config("[deploy.production\n");
    assert_eq!(sorted(typing.bash(&["shipit", ""])), tools());
    let odd =
        "[deploy.\"a b\"]\n[deploy.\"\\u001b[2J\"]\n[deploy.good]\nhost = [3, \"[\", \"web[1:\", \"web1\"]\n";
    typing.world.config(odd);
    assert_eq!(typing.bash(&["shipit", ""])[0], "good");
    assert_eq!(sorted(typing.bash(&["shipit", ""])[1..].to_vec()), tools());
    assert_eq!(typing.bash(&["shipit", "good", "--hosts", ""]), ["web1"]);
    let run = typing.world.shipit(&["completions", "candidates", "--", "pro"]).ends_with(0);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
}
