"""Runs `smolwatt measure` on a terminal of its own and presses Ctrl-C and Ctrl-Z: the command must
see each interrupt once, and stop and go on with its parent."""
import json
import os
import pty
import signal
import sys
import time

COMMAND = r"""
import os, signal, sys, time
n = 0
def count(*_):
    global n
    n += 1
signal.signal(signal.SIGINT, count)
open("up", "w").write(str(os.getpid()))
end = time.monotonic() + 20
while not os.path.exists("finish") and time.monotonic() < end:
    time.sleep(0.02)
sys.exit(10 + n)
"""


def wait_for(what, seconds=10):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            raise SystemExit("timed out")
        time.sleep(0.02)


def state(pid):
    return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0]


pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], [sys.argv[1], "measure", "-o", "json", "--output", "result", "--",
                           sys.executable, "-c", COMMAND])
wait_for(lambda: os.path.exists("up") and open("up").read())
child = int(open("up").read())
os.write(terminal, b"\x03")
time.sleep(0.3)
# The leader of a session without a shell is an orphaned group, which Ctrl-Z cannot stop; the signal
# from a process stops both.
os.kill(pid, signal.SIGTSTP)
time.sleep(0.2)
os.kill(pid, signal.SIGCONT)
wait_for(lambda: state(pid) in "SR" and state(child) in "SR")
open("finish", "w").close()
_, status = os.waitpid(pid, 0)
code = os.waitstatus_to_exitcode(status)
assert code == 11, f"exit code {code}: 11 is one interrupt"
assert json.load(open("result"))["exit_code"] == 11
