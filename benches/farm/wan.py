"""A real sshd behind a line with a delay, in two network namespaces, and what is run on the other side of it."""
import os
import pathlib
import pwd
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
GIT = "git -c user.name=bench -c user.email=bench@example.com"


def shell(command):
    return subprocess.run(command, shell=True, check=True, capture_output=True, text=True).stdout


class Wan:
    """One sshd that answers on as many addresses as there are hosts. `login` is the home that sessions see."""

    def __init__(self, place, hosts):
        self.place, self.children = place, []
        self.client, self.server = f"bench-a{os.getpid()}", f"bench-b{os.getpid()}"
        self.addresses = [f"10.203.1.{n + 1}" for n in range(hosts)]
        self.login, self.home, self.work = place / "login", place / "home", place / "work"
        self.login.mkdir(mode=0o700)
        (self.home / ".ssh").mkdir(parents=True)
        os.makedirs("/run/sshd", exist_ok=True)
        shell(f"rustc --edition 2024 -O -o {place}/wan_link {HERE}/wan_link.rs")
        self._keys()
        self._repository()

    def _keys(self):
        key, ssh = self.place / "host_key", self.home / ".ssh"
        shell(f"ssh-keygen -q -t ed25519 -N '' -f {key}; ssh-keygen -q -t ed25519 -N '' -f {ssh}/id_ed25519")
        (self.place / "sshd_config").write_text(
            f"Port 2222\nListenAddress 0.0.0.0\nHostKey {key}\nAuthorizedKeysFile {ssh}/id_ed25519.pub\n"
            "StrictModes no\nPidFile none\nMaxStartups 500\nUseDNS no\nPermitRootLogin yes\n")
        public = " ".join((self.place / "host_key.pub").read_text().split()[:2])
        (ssh / "known_hosts").write_text("".join(f"[{one}]:2222 {public}\n" for one in self.addresses))
        (ssh / "config").write_text(
            f"Host *\n Port 2222\n User root\n IdentityFile {ssh}/id_ed25519\n"
            f" UserKnownHostsFile {ssh}/known_hosts\n BatchMode yes\n")

    def _repository(self):
        origin = self.place / "origin.git"
        shell(f"{GIT} init -q --bare -b main {origin}; {GIT} clone -q {origin} {self.work} 2>&1; cd {self.work};"
              f" git checkout -q -b main; for n in $(seq 20); do echo $n >file$n; done; git add -A;"
              f" {GIT} commit -qm first; git push -q origin main")
        hosts = ", ".join(f'"{one}"' for one in self.addresses)
        self.config = self.place / "shipit.toml"
        self.config.write_text(
            f'[deploy.production]\nhosts = [{hosts}]\nrepo = "{origin}"\nref = "main"\n'
            f'path = "{self.place}/srv/{{host}}"\nsupervisor = {{ reload = "true" }}\ntimeout = {{ connect = "60s" }}\n')

    def commit(self):
        shell(f"cd {self.work}; date +%N >file1; {GIT} commit -qam next; git push -q origin main")

    def up(self, rtt):
        shell(f"ip netns add {self.client}; ip netns add {self.server}")
        link = subprocess.Popen([self.place / "wan_link", self.client, self.server, str(rtt / 2)],
                                stdout=subprocess.PIPE, text=True)
        self.children.append(link)
        assert link.stdout.readline() == "up\n"
        for namespace, own, other in ((self.client, "10.203.0.1/24", "10.203.1.0/24"),
                                      (self.server, "10.203.1.254/24", "10.203.0.0/24")):
            shell(f"ip -n {namespace} link set lo up; ip -n {namespace} addr add {own} dev wan0;"
                  f" ip -n {namespace} link set wan0 up mtu 1500; ip -n {namespace} route add {other} dev wan0")
        for one in self.addresses:
            shell(f"ip -n {self.server} addr add {one}/32 dev wan0")
        account = pwd.getpwuid(os.getuid()).pw_dir
        start = f"mount --bind {self.login} {account} && exec /usr/sbin/sshd -D -e -f {self.place}/sshd_config"
        self.children.append(subprocess.Popen(
            ["ip", "netns", "exec", self.server, "unshare", "--mount", "--propagation", "private", "sh", "-c", start],
            stderr=subprocess.DEVNULL))
        time.sleep(0.5)

    def down(self):
        for child in self.children:
            child.kill()
            child.wait()
        self.children.clear()
        for namespace in (self.client, self.server):
            subprocess.run(["ip", "netns", "del", namespace], capture_output=True)

    def timed(self, command):
        """Seconds that a command takes on the client's side; its failure ends the bench."""
        env = {"PATH": os.environ["PATH"], "HOME": str(self.home), "USER": "root", "LANG": "C.UTF-8"}
        start = time.monotonic()
        run = subprocess.run(["ip", "netns", "exec", self.client, *map(str, command)], env=env, capture_output=True,
                             text=True, stdin=subprocess.DEVNULL, cwd=self.work)
        took = time.monotonic() - start
        if run.returncode:
            raise SystemExit(f"{command}: exit {run.returncode}\n{run.stdout}{run.stderr}")
        return took
