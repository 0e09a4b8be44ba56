"""Says which commit it was made of."""
import http.server
import os
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
REVISION = open(os.path.join(HERE, "REVISION")).read().strip()


class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"shop {REVISION}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Shop).serve_forever()
