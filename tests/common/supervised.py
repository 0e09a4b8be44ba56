"""A service for tests: serves the name of its release, or its page, on a port. `behave` in the release says how it goes wrong.

boot       it ends at once (see supervised.sh)
dies S     it ends after S seconds (see supervised.sh)
lingers S  it leaves a child behind that keeps its port for S seconds more
slow S     it takes S seconds to end when it is told to
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
if behave[0] == "slow":
    signal.signal(signal.SIGTERM, end_slowly)
version = os.path.basename(os.getcwd()).encode()
if os.path.exists("page"):
    version = open("page", "rb").read().strip()
while True:
    client, _ = listener.accept()
    client.recv(4096)
    client.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(version), version))
    client.close()
