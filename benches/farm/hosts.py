"""Brings the farm up and down: an sshd per host in namespaces of its own, and proxies that delay.

Each sshd has its own mount and UTS namespace: the account's home and STATE/srv are private to the host, so one and
the same path is a different directory on every host. One host more than asked for is the git server. Processes are
ended by pid, after a look at what the pid is now.
"""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

from .place import ACCOUNT_HOME, CLIENT, DIRECT, HERE, PORT, SRV, STATE, host_dir, host_name, ip

RECORD = STATE / "farm.json"


def up(count, rtts):
    """Starts `count` hosts and a git server, seen from each of `rtts` ms away; what ran before is ended."""
    if os.geteuid() != 0:
        sys.exit("the farm needs root, for its mount namespaces")
    if STATE.is_relative_to(ACCOUNT_HOME):
        sys.exit("the farm cannot lie inside the home directory: set SHIPIT_BENCH_DIR")
    down()
    for directory in (SRV, CLIENT / ".ssh", STATE / "hosts", pathlib.Path("/run/sshd")):
        directory.mkdir(parents=True, exist_ok=True)
    (CLIENT / ".ssh").chmod(0o700)
    keygen(CLIENT / ".ssh" / "id_ed25519", "bench")
    started = []
    RECORD.write_text("[]")
    for n in range(count + 1):
        started.append(start_host(n))
        RECORD.write_text(json.dumps(started))
    views = {0: DIRECT}
    for at, rtt in enumerate(rtt for rtt in rtts if rtt):
        views[rtt] = f"127.{2 + at}"
        started.append(start_proxy(views[rtt], rtt, count + 1))
        RECORD.write_text(json.dumps(started))
    write_client(count, views)
    for n in range(count + 1):
        wait_for(n)
        shutil.copytree(CLIENT / ".ssh", host_dir(n) / "home" / ".ssh", dirs_exist_ok=True)


def down():
    """Ends what `up` started and removes the hosts' disks; repository and delay proxy stay for the next time."""
    if RECORD.exists():
        for process in json.loads(RECORD.read_text()):
            if process["mark"] in command_of(process["pid"]):
                end_tree(process["pid"])
        RECORD.unlink()
    shutil.rmtree(STATE / "hosts", ignore_errors=True)


def start_host(n):
    mine = host_dir(n)
    for name in ("home", "srv"):
        (mine / name).mkdir(parents=True, exist_ok=True)
    keygen(mine / "host_key", mine.name)
    (mine / "sshd_config").write_text(
        f"ListenAddress {ip(DIRECT, n)}:{PORT}\nHostKey {mine}/host_key\nPidFile none\nUsePAM no\nStrictModes no\n"
        f"AuthorizedKeysFile {CLIENT}/.ssh/id_ed25519.pub\nPasswordAuthentication no\nPrintMotd no\nLogLevel VERBOSE\n"
    )
    (mine / "sshd.log").write_text("")
    # git asks for the host's full name when it writes a reflog: without this it goes to DNS
    (mine / "hosts").write_text(f"127.0.0.1 localhost\n{ip(DIRECT, n)} {mine.name}.example.org {mine.name}\n")
    script = (
        'mount --bind "$1/home" "$2" && mount --bind "$1/srv" "$3" && mount --bind "$1/hosts" /etc/hosts && '
        'hostname "${1##*/}" && cd / && exec /usr/sbin/sshd -D -f "$1/sshd_config" -E "$1/sshd.log"'
    )
    with open(mine / "stderr", "w") as errors:
        process = subprocess.Popen(
            ["unshare", "--mount", "--uts", "--propagation", "private",
             "sh", "-c", script, "sh", str(mine), str(ACCOUNT_HOME), str(SRV)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True,
            env={"PATH": os.environ["PATH"]},
        )
    return {"pid": process.pid, "mark": f"{mine}/sshd_config"}


def start_proxy(prefix, rtt, count):
    binary, source = STATE / "delay_proxy", HERE / "delay_proxy.rs"
    if not binary.exists() or binary.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(["rustc", "-O", "--edition", "2024", "-o", str(binary), str(source)], check=True)
    with open(STATE / f"proxy-{rtt:g}.err", "w") as errors:
        process = subprocess.Popen(
            [str(binary), "--from", prefix, "--to", DIRECT, "--port", str(PORT),
             "--hosts", str(count), "--rtt-ms", str(rtt)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, start_new_session=True,
        )
    if process.stdout.readline().strip() != b"ready":
        sys.exit(f"the {rtt:g} ms proxy did not start: see {STATE}/proxy-{rtt:g}.err")
    return {"pid": process.pid, "mark": str(binary)}


def write_client(count, views):
    known, config = [], []
    for n in range(count + 1):
        key = " ".join((host_dir(n) / "host_key.pub").read_text().split()[:2])
        for rtt, prefix in views.items():
            known.append(f"[{ip(prefix, n)}]:{PORT} {key}\n")
            config.append(f"Host {host_name(n, rtt)}\n  HostName {ip(prefix, n)}\n")
    ssh = CLIENT / ".ssh"
    config.append(
        f"Host *\n  User root\n  Port {PORT}\n  IdentityFile {ssh}/id_ed25519\n  IdentitiesOnly yes\n"
        f"  UserKnownHostsFile {ssh}/known_hosts\n  StrictHostKeyChecking yes\n  BatchMode yes\n"
    )
    (ssh / "known_hosts").write_text("".join(known))
    (ssh / "config").write_text("".join(config))


def wait_for(n):
    for _ in range(400):
        try:
            socket.create_connection((ip(DIRECT, n), PORT), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    logs = (host_dir(n) / "stderr").read_text() + (host_dir(n) / "sshd.log").read_text()
    sys.exit(f"host {n} does not come up:\n{logs}")


def keygen(file, comment):
    if not file.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(file)], check=True)


def command_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
    except OSError:
        return ""


def tree(pid):
    """`pid` and all its descendants."""
    children = {}
    for name in os.listdir("/proc"):
        try:
            stat = pathlib.Path(f"/proc/{name}/stat").read_text() if name.isdigit() else ""
        except OSError:
            continue
        if stat:
            children.setdefault(int(stat.rsplit(")", 1)[1].split()[1]), []).append(int(name))
    found = [pid]
    for at in found:
        found += children.get(at, [])
    return found


def end_tree(pid):
    for one in tree(pid):
        try:
            os.kill(one, signal.SIGTERM)
        except OSError:
            pass
