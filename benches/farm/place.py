"""Where the farm lies and which addresses its hosts have; nothing here starts or changes anything."""
import os
import pathlib
import pwd
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
STATE = pathlib.Path(
    os.environ.get("SHIPIT_BENCH_DIR") or pathlib.Path(tempfile.gettempdir()) / "shipit-bench"
).resolve()
ACCOUNT_HOME = pathlib.Path(pwd.getpwuid(os.getuid()).pw_dir)
PORT = 2222
DIRECT = "127.1"                    # the sshds themselves; 127.2, 127.3, ... are delayed views
SRV = STATE / "srv"                 # every host sees a directory of its own here
ORIGIN = STATE / "origin" / "app.git"
CLIENT = STATE / "client"           # the operator's home
SSH_CONFIG = CLIENT / ".ssh" / "config"


def ip(prefix, n):
    return f"{prefix}.{n // 250}.{n % 250 + 1}"


def host_dir(n):
    """What host n has of its own: home, srv, key and log."""
    return STATE / "hosts" / f"h{n:03d}"


def host_name(n, rtt=0):
    """The name by which clients know host n, seen from `rtt` ms away."""
    return f"h{n:03d}.r{rtt:g}" if rtt else f"h{n:03d}"
