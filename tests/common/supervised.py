"""A service for tests: serves the name of its release on a port. `behave` in the release says how it goes wrong.

boot       it ends at once
dies S     it ends after S seconds
lingers S  it leaves a child behind that keeps its port for S seconds more
slow S     it takes S seconds to end when it is told to
"""
import os
import signal
import socket
import subprocess
import sys
import threading
import time

port = int(sys.argv[1])
behave = open("behave").read().split()
print("starting", os.getcwd(), flush=True)
if behave[0] == "boot":
    print("fatal: cannot boot", flush=True)
    sys.exit(1)
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", port))
listener.listen(50)


def end_after(seconds):
    time.sleep(seconds)
    print("fatal: dies", flush=True)
    os._exit(1)


if behave[0] == "lingers":
    os.set_inheritable(listener.fileno(), True)
    until = f"while [ -d /proc/{os.getpid()} ]; do sleep 0.1; done; exec sleep {behave[1]}"
    subprocess.Popen(["sh", "-c", until], close_fds=False, start_new_session=True)
if behave[0] == "dies":
    threading.Thread(target=end_after, args=[float(behave[1])], daemon=True).start()
if behave[0] == "slow":
    signal.signal(signal.SIGTERM, lambda *_: end_after(float(behave[1])))
version = os.path.basename(os.getcwd()).encode()
if os.path.exists("page"):
    version = open("page", "rb").read().strip()
while True:
    client, _ = listener.accept()
    client.recv(4096)
    client.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(version), version))
    client.close()
