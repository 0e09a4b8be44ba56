//! What a hostile repository holds. Each kind is a function of its own; a repository has one to four of them.

use super::store::{Id, Store};
use super::tree::{Entry, Node, below, dir, entry, file, link, sort, write};
use crate::adversary::Random;
use crate::ground::Ground;

/// What a kind is made with.
pub struct Maker {
    chance: Random,
    /// The directory of everything.
    base: String,
    /// Commits that a submodule may name: one that is there, the hostile one before, one that is nowhere.
    commits: [Id; 3],
}

/// A repository, and how it is deployed.
pub struct Draw {
    pub kinds: Vec<usize>,
    pub revision: String,
    pub subdir: &'static str,
    pub submodules: bool,
    pub fetch: &'static str,
    /// Whether it goes live, where nothing refuses it.
    pub stays: bool,
}

type Make = fn(&mut Maker) -> Vec<Entry>;

const TWO_SUBDIRS: &str = "two directories of the name in `subdir`";

/// All kinds.
pub const KINDS: [(&str, Make); 22] = [
    (TWO_SUBDIRS, modules_out),
    ("parent directories", parents),
    ("a .git of its own", dot_git),
    ("slashes in names", slashes),
    ("links out in the way of shared paths", links_out),
    ("links in circles and chains", chains),
    ("submodules without a .gitmodules", modules_alone),
    ("a .gitmodules that lies", modules_lie),
    ("submodules that lead out", modules_out),
    ("placeholders that are none", placeholders),
    ("REVISION", revision),
    ("deep directories", deep),
    ("long names", long),
    ("names that are code", code),
    ("odd modes", modes),
    ("attributes", attributes),
    ("one name twice", twice),
    ("in the way of what is carried", carried),
    ("names of shipit", ours),
    ("a bare repository in it", bare),
    ("an empty tree", empty),
    ("no UTF-8", bytes),
];

impl Draw {
    /// Makes it in the origin of that ground.
    pub fn new(ground: &Ground, seed: u64) -> Draw {
        let mut chance = Random::new(seed);
        let origin = Store::new(ground.repo.url().as_ref());
        let good = Id::parse(&ground.repo.head());
        let before = origin.branch("hostile").unwrap_or(good);
        let commits = [good, before, Id::parse("00000000000000000000000000000000000000aa")];
        // Each kind has its turn; more than one hide one another, so there are few.
        let mut kinds = vec![usize::try_from(seed).unwrap() % KINDS.len()];
        (0..chance.below(3)).for_each(|_| kinds.push(chance.below(KINDS.len())));
        let base = ground.base().to_str().unwrap().to_owned();
        let mut maker = Maker { chance, base, commits };
        let mut entries = vec![entry("page", file("hostile"))];
        for kind in &kinds {
            entries.extend(KINDS[*kind].1(&mut maker));
        }
        let twice = KINDS[kinds[0]].0 == TWO_SUBDIRS;
        let subdir = if twice { "sub" } else { maker.of(&["", "", "", "sub", "var"]) };
        if subdir == "sub" {
            let (described, inner) = entries.into_iter().partition(|(name, _)| name == b".gitmodules");
            entries = described;
            // Of two trees of one name, git checks out the first, and lists both.
            if twice {
                entries.push(entry("sub", dir([entry("page", file("hostile"))])));
            }
            entries.push(entry("sub", Node::Tree(inner)));
        }
        // Now and then one that is not sorted, as no git would write it.
        if maker.chance.below(8) != 0 {
            sort(&mut entries);
        }
        let commit = commit(&origin, &Node::Tree(entries), good);
        for name in ["main", "hostile"] {
            origin.set_branch(name, commit);
        }
        Draw {
            kinds,
            revision: commit.to_string(),
            subdir,
            submodules: twice || maker.chance.below(3) != 0,
            fetch: maker.of(&["", "", "", "fast", "blobless"]),
            stays: maker.chance.below(3) == 0,
        }
    }
}

fn commit(store: &Store, tree: &Node, parent: Id) -> Id {
    let (_, tree) = write(store, tree);
    let text = format!(
        "tree {tree}\nparent {parent}\nauthor a <a> 1795248902 +0000\ncommitter a <a> 1795248902 +0000\n\nx\n"
    );
    store.write("commit", text.as_bytes())
}

/// What would be seen if it were run by a shell, in names and in texts.
const RUN: [&str; 6] = [
    "$(touch pwned)",
    "`touch pwned`",
    ";touch pwned;",
    "a[$(touch pwned)]",
    "|touch pwned",
    "\ntouch pwned\n",
];

impl Maker {
    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        self.chance.pick(all).clone()
    }

    fn outside(&mut self) -> String {
        let inside = [
            "../../../outside",
            "../../outside",
            "../../shared",
            "../..",
            "..",
            "/",
            "../../.shipit",
            "../../source",
        ];
        if self.chance.below(2) == 0 { format!("{}/outside", self.base) } else { self.of(&inside).to_owned() }
    }

    fn node(&mut self) -> Node {
        match self.chance.below(6) {
            0 => Node::Script(format!("#!/bin/sh\ntouch {}/pwned\n", self.base).into()),
            1 => link(self.outside()),
            2 => Node::Module(self.of(&self.commits.clone())),
            3 => dir([entry("inner", file("x"))]),
            _ => file("x"),
        }
    }

    fn url(&mut self) -> String {
        let base = self.base.clone();
        let all = [
            format!("{base}/origin.git"),
            "./".to_owned(),
            "../origin.git".to_owned(),
            "../../../../../../../../x".to_owned(),
            format!("ext::sh -c touch% {base}/pwned"),
            format!("--upload-pack=touch {base}/pwned"),
            format!("-u./touch {base}/pwned"),
            format!("ssh://-oProxyCommand=touch%20{base}/pwned/x"),
            format!("file://{base}/origin.git"),
            format!("{base}/outside"),
            format!("x\\ny\\tz$(touch {base}/pwned)"),
            "fd::7".to_owned(),
            String::new(),
        ];
        self.of(&all)
    }

    fn gitmodules(&mut self, name: &str, path: &str) -> Entry {
        let url = self.url();
        let update = self.of(&[
            "",
            "update = none\n",
            "update = !touch pwned\n",
            "branch = -x\n",
            "shallow = maybe\n",
        ]);
        let more =
            self.of(&["", "[include]\npath = ../../outside/file\n", "[core]\nfsmonitor = touch pwned\n"]);
        let text = format!("[submodule \"{name}\"]\npath = \"{path}\"\nurl = \"{url}\"\n{update}{more}");
        entry(".gitmodules", file(text))
    }
}

fn parents(m: &mut Maker) -> Vec<Entry> {
    let node = m.node();
    let path = m.of(&[
        &["..", "evil"][..],
        &["..", "..", "evil"],
        &["a", "..", "..", "..", "evil"],
        &[".", "evil"],
        &["var", "..", "..", "..", "outside", "evil"],
        &["..", "..", "current"],
        &["..", "..", ".shipit", "lock"],
        &["...", "evil"],
    ]);
    vec![below(path, node)]
}

fn dot_git(m: &mut Maker) -> Vec<Entry> {
    let name = m.of(&[
        ".git",
        ".GIT",
        ".Git",
        "git~1",
        ".git ",
        ".git.",
        ".g\u{200c}it",
        ".git::$INDEX_ALLOCATION",
        ".git\\hooks",
    ]);
    let run = format!("#!/bin/sh\ntouch {}/pwned\n", m.base);
    let config = "[core]\nrepositoryformatversion = 0\nfsmonitor = touch pwned\nhooksPath = hooks\n";
    let git = dir([
        entry("HEAD", file("ref: refs/heads/main\n")),
        entry("config", file(config)),
        entry("hooks", dir([entry("post-checkout", Node::Script(run.into()))])),
        entry("objects", dir([entry("x", file("x"))])),
        entry("refs", dir([entry("x", file("x"))])),
    ]);
    let git = match m.chance.below(4) {
        0 => file("gitdir: ../../source\n"),
        1 => link("../../source"),
        _ => git,
    };
    vec![if m.chance.below(2) == 0 { entry(name, git) } else { below(&["var", name], git) }]
}

fn slashes(m: &mut Maker) -> Vec<Entry> {
    let absolute = format!("{}/outside/evil", m.base);
    let name = m.of(&[
        "../evil",
        "../../evil",
        "a/b",
        "/",
        "//",
        "a//b",
        "var/../../../evil",
        "./x",
        "a/",
        absolute.as_str(),
    ]);
    let name = name.to_owned();
    vec![entry(name, m.node())]
}

fn links_out(m: &mut Maker) -> Vec<Entry> {
    let to = m.outside();
    let path = m.of(&[
        &["var"][..],
        &["var", "log"],
        &["config"],
        &["log"],
        &["var", "log", "app"],
        &["config", "local.yml"],
    ]);
    vec![below(path, link(to))]
}

fn chains(m: &mut Maker) -> Vec<Entry> {
    match m.chance.below(4) {
        0 => vec![entry("var", link("var"))],
        1 => vec![entry("var", link("b")), entry("b", link("c")), entry("c", link(m.outside()))],
        2 => vec![entry("var", link("b/..")), entry("b", dir([entry("..", dir([entry("x", file("x"))]))]))],
        _ => vec![
            entry("config", link("sub/../../..")),
            below(&["sub", "x"], file("x")),
            entry("log", link(".")),
        ],
    }
}

fn modules_alone(m: &mut Maker) -> Vec<Entry> {
    let id = m.of(&m.commits.clone());
    vec![below(
        m.of(&[&["mod"][..], &["var", "mod"], &["$(touch pwned)"], &["log", "mod"]]),
        Node::Module(id),
    )]
}

fn modules_lie(m: &mut Maker) -> Vec<Entry> {
    let id = m.of(&m.commits.clone());
    let name = m.of(&["mod", "../../evil", "a.path", "a\\\"b", "$(touch pwned)", "", "x\ty.url"]);
    let path = m.of(&["mod", "mod/", "./mod", "../mod", "mod/../mod", "", "/mod"]);
    let described = match m.chance.below(8) {
        0 => entry(".gitmodules", link(format!("{}/outside/file", m.base))),
        1 => entry(".gitmodules", dir([entry("x", file("x"))])),
        2 => entry(".gitmodules", file("[submodule \"mod\n\0\u{7f}")),
        3 => entry(".gitmodules", file("[a]\nb = c\n".repeat(200_000))),
        4 => entry(".gitmodules", Node::Module(id)),
        _ => m.gitmodules(name, path),
    };
    vec![described, entry("mod", Node::Module(id))]
}

fn modules_out(m: &mut Maker) -> Vec<Entry> {
    let id = m.of(&[m.commits[0], m.commits[1]]);
    let path = m.of(&[
        &["..", "evil"][..],
        &["a", "..", "..", "evil"],
        &["a", "..", "..", "..", "..", "evil"],
        &["a", "..", "..", "..", "..", "..", "evil"],
        &["var", "evil"],
        &["REVISION"],
        &[".git", "modules"],
        &["a", ".", "b"],
    ]);
    let path_is = path.join("/");
    let text = format!(
        "[submodule \"m\"]\npath = {path_is}\nurl = {0}/origin.git\n[submodule \"n\"]\npath = sub/{path_is}\nurl = {0}/origin.git\n",
        m.base
    );
    let mut all = vec![entry(".gitmodules", file(text)), below(path, Node::Module(id))];
    if m.chance.below(2) == 0 {
        all.push(entry("var", link(m.outside())));
    }
    all
}

fn placeholders(m: &mut Maker) -> Vec<Entry> {
    let at = m.of(&[&["log"][..], &["var", "log", "app"]]);
    let inner = match m.chance.below(7) {
        0 => entry(".gitkeep", dir([entry("precious", file("x"))])),
        1 => entry(".gitkeep", link(m.outside())),
        2 => entry(".keep", Node::Module(m.commits[0])),
        3 => entry(
            "deeper",
            dir([entry(".gitkeep", file("")), entry("more", dir([entry(".gitignore", file("*"))]))]),
        ),
        4 => entry("deeper", dir([entry("out", link(m.outside()))])),
        5 => entry("\n", file("x")),
        _ => entry(".gitkeep", file("")),
    };
    vec![below(at, Node::Tree(vec![inner]))]
}

fn revision(m: &mut Maker) -> Vec<Entry> {
    vec![entry("REVISION", m.node())]
}

fn deep(m: &mut Maker) -> Vec<Entry> {
    let levels = m.of(&[100, 1000, 2100]);
    let name = m.of(&["a", "$(touch pwned)", ".."]);
    vec![below(&vec![name; levels], m.node())]
}

fn long(m: &mut Maker) -> Vec<Entry> {
    let name = "n".repeat(m.of(&[254, 255, 256, 5000, 70_000]));
    vec![entry(name, m.node())]
}

fn code(m: &mut Maker) -> Vec<Entry> {
    let plain = [
        "-rf",
        "--help",
        "*",
        "\"",
        "'",
        "\\",
        "a\tb",
        "\r",
        " ",
        "~",
        "#",
        "=x",
        "!",
        "?",
        "[a]",
        "{a,b}",
        "\u{1b}[2J",
    ];
    let name = m.of(&[&RUN[..], &plain].concat());
    let node = m.node();
    let at = m.of(&["", "log", "var"]);
    vec![if at.is_empty() { entry(name, node) } else { entry(at, Node::Tree(vec![entry(name, node)])) }]
}

fn modes(m: &mut Maker) -> Vec<Entry> {
    let mode = m.of(&[
        "0", "644", "100664", "100666", "104755", "020000", "060000", "140000", "777777", "040000", "160755",
    ]);
    vec![entry("odd", Node::Odd(mode, Box::new(m.node())))]
}

fn attributes(m: &mut Maker) -> Vec<Entry> {
    let text = m.of(&[
        "*.bin filter=lfs diff=lfs -text\n",
        "* filter=$(touch pwned)\n",
        "* filter=a.b=c\n",
        "[attr]secret filter=git-crypt\n*.bin secret\n",
        "* text eol=crlf\n",
        "* ident working-tree-encoding=UTF-16\n",
        "\"a\\nb\" filter=x\n",
    ]);
    let attributes = match m.chance.below(4) {
        0 => link(format!("{}/outside/file", m.base)),
        1 => dir([entry("x", file("x"))]),
        _ => file(text),
    };
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
    vec![entry(".gitattributes", attributes), entry("a\n.bin", file(pointer)), entry("b.bin", file(pointer))]
}

fn twice(m: &mut Maker) -> Vec<Entry> {
    let to = m.outside();
    let name = m.of(&["log", "var", "twice"]);
    let mut all =
        vec![entry(name, link(to)), entry(name, dir([entry("log", dir([entry("app", file("x"))]))]))];
    if m.chance.below(2) == 0 {
        all.reverse();
    }
    all
}

fn carried(m: &mut Maker) -> Vec<Entry> {
    let to = m.of(&["../../../outside/new", "../../../outside", "nowhere"]);
    let path = m.of(&[&["node_modules"][..], &["var", "cache"], &["var"]]);
    vec![below(path, link(to))]
}

fn ours(m: &mut Maker) -> Vec<Entry> {
    let name = m.of(&[".shipit", "shared", "releases", "current", "source", ".shipit-probe"]);
    vec![entry(name, m.node())]
}

fn bare(m: &mut Maker) -> Vec<Entry> {
    let config = format!("[core]\nbare = true\nfsmonitor = touch {}/pwned\n", m.base);
    vec![
        entry("HEAD", file("ref: refs/heads/main\n")),
        entry("config", file(config)),
        entry("objects", dir([entry("x", file("x"))])),
        entry("refs", dir([entry("x", file("x"))])),
    ]
}

fn empty(m: &mut Maker) -> Vec<Entry> {
    let name = m.of(&["log", "var", "REVISION", ""]);
    vec![entry(name, dir([]))]
}

fn bytes(m: &mut Maker) -> Vec<Entry> {
    let name = m.of(&[&b"\xff\xfe"[..], b"\xc3", b"\x01", b"\x7f", b"\xe2\x80\xae"]);
    vec![entry(name, m.node())]
}
