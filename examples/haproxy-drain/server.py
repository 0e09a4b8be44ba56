# Answers with its revision. It ends at once when it is told to, whatever it is asked just then: drained, it is asked nothing.
import http.server
import os
import time

HERE = os.path.dirname(os.path.realpath(__file__))
REVISION = open(os.path.join(HERE, "REVISION")).read().strip()


class Shop(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        time.sleep(0.1)
        self.send_response(200)
        self.send_header("X-Release", REVISION)
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"hello\n")


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128             # of connections that are not accepted yet


address = (os.environ.get("HOST", ""), int(os.environ.get("PORT", "3000")))
Server(address, Shop).serve_forever()
