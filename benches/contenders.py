"""Who is measured: one hand-written `ssh` per host, all at once, and shipit; each knows setup, update and exec.

The floor does what a careful engineer's script would: fetch, a new release directory from the commit, the switch by
rename, the oldest releases beyond five removed. One ssh, one script, per host.
"""
import os
import pathlib
import shlex
import subprocess

from farm.place import CLIENT, ORIGIN, SRV, SSH_CONFIG, host_dir, host_name

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROBE = "hostname"

UPDATE = r"""set -e
cd {path}
export GIT_COMMITTER_NAME=deploy GIT_COMMITTER_EMAIL=deploy@example.org
git -C source fetch -q origin main
revision=$(git -C source rev-parse FETCH_HEAD)
release=releases/$(date -u +%Y%m%dT%H%M%SZ)-$(echo $revision | cut -c 1-7)
mkdir $release
git -C source archive $revision | tar -x -C $release
echo $revision >$release/REVISION
ln -s $release current.new
mv -T current.new current
ls -d releases/* | head -n -5 | xargs -r rm -rf
"""


def environment():
    return {
        "HOME": str(CLIENT), "PATH": os.environ["PATH"], "LANG": "C.UTF-8",
        "GIT_SSH_COMMAND": f"ssh -F {SSH_CONFIG}",
    }


class Floor:
    """`xargs -P` over `ssh host 'whole script'`."""

    name = "floor"
    path = SRV / "floor"

    def __init__(self, hosts, rtt, repo, ssh_options):
        self.repo, self.count = repo, hosts
        self.names = [host_name(n, rtt) for n in range(hosts)]
        self.options = [part for option in ssh_options for part in ("-o", option)]

    def on_every_host(self, script):
        ssh = ["ssh", "-F", str(SSH_CONFIG), *self.options, "{}", script]
        return ["sh", "-c", 'names=$1; shift; echo "$names" | xargs -P "$(echo "$names" | wc -l)" -I "{}" "$@"',
                "sh", "\n".join(self.names), *ssh]

    def setup(self):
        path, repo = shlex.quote(str(self.path)), shlex.quote(self.repo)
        return self.on_every_host(
            f"cd {path} 2>/dev/null || {{ mkdir -p {path}/releases && git clone -q --no-checkout {repo} {path}/source; }}"
        )

    def update(self):
        return self.on_every_host(UPDATE.format(path=shlex.quote(str(self.path))))

    def exec(self):
        return self.on_every_host(f"cd {shlex.quote(str(self.path))}/current && {PROBE}")


class Shipit:
    """The release binary."""

    name = "shipit"
    path = SRV / "shipit"

    def __init__(self, hosts, rtt, repo, binary):
        self.count, self.binary = hosts, binary
        self.file = CLIENT / f"bench-{hosts}-{rtt:g}.toml"
        names = ", ".join(f'"{host_name(n, rtt)}"' for n in range(hosts))
        self.file.write_text(
            f'[deploy.production]\nhost = [{names}]\nrepo = "{repo}"\nref = "main"\npath = "{self.path}"\n'
        )

    def command(self, *args):
        return [str(self.binary), "-c", str(self.file), "production", *args]

    def setup(self):
        return self.command("setup", "--output", "plain")

    def update(self):
        return self.command("--output", "plain")

    def exec(self):
        return self.command("exec", PROBE)


def serving(contender):
    """The versions that the hosts serve, as a set: one, when all is well."""
    versions = set()
    for n in range(contender.count):
        current = host_dir(n) / "srv" / contender.path.name / "current"
        try:
            versions.add(int((current / "VERSION").read_text()))
        except OSError as error:
            versions.add(str(error))
    return versions


def build():
    """Builds and returns the release binary."""
    subprocess.run(["cargo", "build", "--release", "--locked", "-q"], cwd=ROOT, check=True)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
    return target / "release" / "shipit"


def repo_url(origin, git_server):
    """What hosts clone: a path that all see, or the same over SSH from the farm's git server."""
    return str(ORIGIN) if origin == "file" else f"ssh://{host_name(git_server)}{ORIGIN}"
