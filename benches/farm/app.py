"""The app to deploy: a bare git repository with 2,000 files and 300 commits.

Content is pseudo-random words from a fixed seed, about 5 KB a file, so it compresses as source text does. VERSION
in the root holds the number of the commit, which the bench checks on every host after every deploy.
"""
import random
import shutil
import subprocess

from .place import ORIGIN

FILES, COMMITS = 2000, 300
WORDS = (
    "let mut self impl struct enum match return await async config deploy server path release symlink fetch branch "
    "remote commit error result option string vec hash map iter collect fn pub mod use crate where for in if else "
    "while loop break true false none some ok err the of and a to is that it with as on by an be this which or"
).split()


def create():
    """Makes the repository, unless it is there."""
    if ORIGIN.exists():
        return
    ORIGIN.parent.mkdir(parents=True, exist_ok=True)
    new = ORIGIN.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    git("init", "-q", "--bare", "-b", "main", str(new))
    rng = random.Random(20)
    have, stream = 0, []
    for n in range(1, COMMITS + 1):
        want = FILES * 3 // 4 + FILES // 4 * (n - 1) // (COMMITS - 1)
        changes = [blob(path(i), text(rng)) for i in range(have, want)]
        if n > 1:
            changes += [blob(path(rng.randrange(have)), text(rng)) for _ in range(4)]
        have = want
        stream.append(commit(n, None, changes))
    git("-C", str(new), "fast-import", "--quiet", input=b"".join(stream))
    git("-C", str(new), "gc", "-q")
    new.rename(ORIGIN)


def add_commit():
    """One commit more on main: ten files and VERSION. Returns the number of the version."""
    n = int(at_origin("show", "main:VERSION")) + 1
    rng = random.Random(n)
    files = at_origin("ls-tree", "-r", "--name-only", "main", "src").decode().split()
    changes = [blob(file, text(rng)) for file in rng.sample(files, 10)]
    at_origin("fast-import", "--quiet", input=commit(n, "refs/heads/main^0", changes))
    return n


def path(i):
    return f"src/{i % 20:02d}/{i // 20 % 10}/file_{i:04d}.txt"


def text(rng):
    lines = (
        " " * rng.choice((0, 4, 4, 8)) + " ".join(rng.choices(WORDS, k=rng.randint(3, 9))) + f" {rng.getrandbits(32):08x}"
        for _ in range(rng.randint(40, 220))
    )
    return "\n".join(lines) + "\n"


def blob(name, content):
    data = content.encode()
    return f"M 100644 inline {name}\ndata {len(data)}\n".encode() + data + b"\n"


def commit(n, parent, changes):
    message = f"commit {n}\n".encode()
    head = b"commit refs/heads/main\n"
    head += f"committer Bench <bench@example.org> {1_600_000_000 + n * 3600} +0000\n".encode()
    head += f"data {len(message)}\n".encode() + message
    if parent:
        head += f"from {parent}\n".encode()
    return head + b"".join(changes) + blob("VERSION", f"{n}\n") + b"\n"


def at_origin(*args, **more):
    return git("-C", str(ORIGIN), *args, **more)


def git(*args, **more):
    return subprocess.run(["git", *args], check=True, stdout=subprocess.PIPE, **more).stdout
