"""A service for tests: serves the name of its release, or its page, on a port. `behave` in the release says how it goes wrong.

boot       it ends at once (see supervised.sh)
dies S     it ends after S seconds (see supervised.sh)
lingers S  it leaves a child behind that keeps its port for S seconds more
slow S     it takes S seconds to end when it is told to
mute       it does not tell systemd that it is ready
busy       a child of it uses the processor now and then

What is asked for below /say/ it prints. On SIGHUP it becomes the release that is live then, and stays the same process.
"""
import os
import signal
import socket
import sys
import time

behave = open("behave").read().split()
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", int(sys.argv[1])))
listener.listen(50)


def end_slowly(*_):
    time.sleep(float(behave[1]))
    os._exit(0)


if behave[0] == "lingers" and os.fork() == 0:
    os.setsid()
    os.set_inheritable(listener.fileno(), True)
    until = f"while [ -d /proc/{os.getppid()} ]; do sleep 0.1; done; exec sleep {behave[1]}"
    os.execv("/bin/sh", ["sh", "-c", until])
if behave[0] == "busy" and (parent := os.getpid()) and os.fork() == 0:
    listener.close()
    while os.getppid() == parent:
        until = time.monotonic() + 0.005
        while time.monotonic() < until:
            pass
        time.sleep(0.03)
    os._exit(0)
if behave[0] == "slow":
    signal.signal(signal.SIGTERM, end_slowly)


def reload(*_):
    os.chdir("../../current")
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


signal.signal(signal.SIGHUP, reload)
if behave[0] != "mute" and "NOTIFY_SOCKET" in os.environ:
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"].replace("@", "\0", 1))
version = os.path.basename(os.getcwd()).encode()
if os.path.exists("page"):
    version = open("page", "rb").read().strip()
while True:
    client, _ = listener.accept()
    asked = client.recv(4096).decode()
    if asked.startswith("GET /say/"):
        print(asked[9:].split(" ")[0], flush=True)
    client.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(version), version))
    client.close()
