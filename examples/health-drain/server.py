# Answers with its revision, and ends at once when it is told to, whatever it is asked just then.
#
#   /up       the balancer's check: 503 while the file `drained` exists
#   /quiet    200 when no client has asked for 3 seconds and none waits for an answer, else 503
#   /healthz  shipit's check
#   others    clients; they are answered while it is drained, too
import http.server
import os
import threading
import time

HERE = os.path.dirname(os.path.realpath(__file__))
REVISION = open(os.path.join(HERE, "REVISION")).read().strip()
DRAINED = os.path.join(HERE, "../../shared/drained")


class Clients:
    lock = threading.Lock()
    waiting = 0
    last = float("-inf")


class Shop(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/up":
            self.answer(503 if os.path.exists(DRAINED) else 200)
        elif self.path == "/quiet":
            quiet = Clients.waiting == 0 and time.monotonic() - Clients.last > 3
            self.answer(200 if quiet else 503)
        elif self.path == "/healthz":
            self.answer(200)
        else:
            self.count(1)
            try:
                time.sleep(0.1)
                self.answer(200)
            finally:
                self.count(-1)

    def answer(self, status):
        self.send_response(status)
        self.send_header("X-Release", REVISION)
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"hello\n")

    def count(self, change):
        with Clients.lock:
            Clients.waiting += change
            Clients.last = time.monotonic()


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128             # of connections that are not accepted yet


address = (os.environ.get("HOST", ""), int(os.environ.get("PORT", "3000")))
Server(address, Shop).serve_forever()
