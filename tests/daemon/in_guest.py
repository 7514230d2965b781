#!/usr/bin/python3
"""in_guest.py FILE [unittest names]: runs a file of unittests in the guest, all in one boot, and prints their TAP.

Environment: GUEST_RUN (tests/guest/run), VISAGED, VISAGED_PRELOAD, VISAGED_BUILD (where compiled shaders are kept from run to run).
"""
import os
import subprocess
import sys

import support

TIMEOUT = 1100


def main():
    cache, model = f"{os.environ['VISAGED_BUILD']}/guest-cache", support.model()
    os.makedirs(cache, exist_ok=True)
    env = {"MODEL": model, "XDG_CACHE_HOME": cache, **{name: os.environ[name] for name in ("VISAGED", "VISAGED_PRELOAD")}}
    done = subprocess.run([os.environ["GUEST_RUN"], "--timeout", str(TIMEOUT), "--rw", cache,
                           *(word for item in env.items() for word in ("--env", "=".join(item))),
                           "--", "/usr/bin/python3", f"{support.ROOT}/tests/tap.py", *sys.argv[1:]],
                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    sys.stderr.buffer.write(done.stderr)
    if done.returncode == 77:
        print("1..0 # SKIP", done.stderr.decode(errors="replace").strip().splitlines()[-1])
        return 0
    if done.returncode != 0:
        print(f"# the guest's exit status is {done.returncode}")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
