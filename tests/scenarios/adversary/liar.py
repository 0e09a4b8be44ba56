"""A hostile host: it stands in place of a login, knows the nonce of the run, and says anything. argv: seed, the true login.

The seed decides what it does: it makes up frames, or lets the true login answer and spoils what that says.
"""
import os
import random
import subprocess
import sys
import threading
import time

seed, login = int(sys.argv[1]), sys.argv[2]
chance = random.Random(seed)
command = os.environ.get("SSH_ORIGINAL_COMMAND", "")
EVIL = [b"\x1b]0;owned\x07", b"\x1b[2J", "\u009b31m\u202e\u2028".encode(), b"\xff\xfe\0", b"A" * 5000, b"$(touch canary)",
        b"../../../etc/passwd", b"-1", b"99999999999999999999", b"", b"'\"`;", b"\r", b"\n\t"]


def put(to, data):
    try:
        to.write(data)
        to.flush()
    except (BrokenPipeError, ValueError, OSError):
        os._exit(0)


out, err, inp = sys.stdout.buffer, sys.stderr.buffer, sys.stdin.buffer


def evil():
    return b"".join(chance.choice(EVIL) for _ in range(chance.randint(1, 3)))


def endless(make, to):
    until = time.time() + 600
    while time.time() < until:
        put(to, make())


if len(command) < 100 or "shipit_program" not in command:
    os.execv(login, [login])
kind = chance.choice(["noise", "false", "unending", "flood", "payload", "hang", "spoil", "spoil", "spoil", "end"])
print("liar", seed, kind, file=open(os.path.join(os.path.dirname(login), "told"), "a"))
if kind == "noise":
    # Before the first word, without end: fast or slow, on either stream.
    to, pause = chance.choice([out, err]), chance.choice([0, 0.5])
    text = evil() + b"\n" * chance.randint(0, 1) + b"x" * chance.choice([0, 100, 30000])

    def noise():
        time.sleep(pause)
        return text

    endless(noise, to)
    os._exit(0)
length = int(command.split()[-1])
if kind != "spoil":
    inp.read(length)
    nonce = inp.readline().strip()
    put(out, nonce + b"\t0\thello\n")
    number = chance.choice([b"0", b"1", b"2"])

    def frame(*fields):
        return nonce + b"\t" + number + b"\t" + b"\t".join(fields) + b"\n"

    FLOODS = [
        lambda: frame(b"fact", chance.choice([b"live", b"known", b"holder", b"hold", b"ending", b"names", b"health"]), evil()),
        lambda: frame(b"entry", b"100001", chance.choice([b"done", b"open", evil()]), b"release",
                      b"20260101T000000Z-1234567", b"revision", b"a" * 40, b"action", evil(), b"who", evil() * 50),
        lambda: frame(b"attempt", evil(), b"action", evil(), b"step", b"0 " + evil(), b"who", evil() * 50),
        lambda: frame(b"found", evil(), evil(), evil()),
        lambda: frame(b"notice", evil()),
        lambda: frame(b"step", evil(), b"0"),
        lambda: frame(b"end", b"build", b"1", b"exit", b"5"),
        lambda: frame(b"fail", chance.choice([b"step-failed", b"git-access", evil()]), evil(), evil(), evil()),
        lambda: frame(b"ask", chance.choice([b"drain", b"undrain", evil()])),
        lambda: frame(b"switched", evil()),
        lambda: frame(b"code", b"0"),
        lambda: frame(b"done", chance.choice([b"0", b"1", b"x"])),
    ]
if kind == "false":
    endless(lambda: chance.choice([frame(b"nonsense", evil()), nonce + b"\t", nonce + b"\n\t", frame(b"done")]) * 20, out)
elif kind == "unending":
    put(out, nonce + b"\t1\tfact\tholder\t")
    endless(lambda: b"x" * 65536, out)
elif kind == "flood":
    some = chance.sample(FLOODS, 3)
    endless(lambda: b"".join(chance.choice(some)() for _ in range(50)), out)
elif kind == "payload":
    size = chance.choice([1, 1 << 20, (1 << 20) + 1, 1 << 40])
    endless(lambda: frame(chance.choice([b"piece", b"tail"]), b"x", b"0", str(size).encode()) + b"y" * min(size, 1 << 20), out)
elif kind == "hang":
    # It answers beats, and no script.
    for line in inp:
        if line.endswith(b" beat\n"):
            put(err, nonce + b"\tbeat\n")
    time.sleep(600)
elif kind == "end":
    for _ in range(chance.randint(0, 30)):
        put(out, chance.choice(FLOODS)())
    os._exit(chance.choice([0, 1, 9, 141, 255]))
else:
    true = subprocess.Popen([login], stdin=0, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    rate = chance.choice([0.02, 0.2, 0.7])

    def spoil(data, to):
        if chance.random() < rate:
            way = chance.choice(["cut", "twice", "flip", "insert", "late", "swap", "drop", "many"])
            at = chance.randrange(len(data)) if data else 0
            if way == "cut":
                data = data[:at]
            elif way == "twice":
                data += data
            elif way == "flip":
                data = data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1:]
            elif way == "insert":
                data = data[:at] + evil() + data[at:]
            elif way == "late":
                time.sleep(chance.choice([0.2, 1.5]))
            elif way == "swap":
                fields = data.split(b"\t")
                chance.shuffle(fields)
                data = b"\t".join(fields)
            elif way == "drop":
                data = b""
            else:
                data *= 500
        put(to, data)

    def pump(of, to):
        while data := of.readline():
            spoil(data, to)

    others = threading.Thread(target=pump, args=(true.stderr, err), daemon=True)
    others.start()
    pump(true.stdout, out)
    code = true.wait()
    others.join(2)
    os._exit(code if code >= 0 else 255)
