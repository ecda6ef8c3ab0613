# SPDX-License-Identifier: MIT
"""What workers do in tests. They find it as a module, and it does not take the package."""

import os
import sys
import time


def sphere(x):
    """What all find the same."""
    return sum((value - 1) ** 2 for value in x)


def slowly(x):
    """As sphere(), not in the order of the questions."""
    time.sleep(abs(hash(x)) % 5 / 1000)
    return sphere(x)


def recorded(x):
    """As sphere(); beginning and end are lines of a file, each of them whole."""
    record("begin", x)
    time.sleep(0.02)
    record("end", x)
    return sphere(x)


def record(what, x):
    """Add "what process time x" to the file."""
    line = f"{what} {os.getpid()} {time.monotonic()} {x!r}\n"
    file = os.open(os.environ["OPRO_TEST_FILE"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, line.encode())
    os.close(file)


def score(request):
    """The scores of a request, where the library is not."""
    if "opro._load" in sys.modules and os.environ["OPRO_TEST_PID"] != str(os.getpid()):
        raise AssertionError("the library was loaded")
    return [len(request.text) / 100 + instance / 1000 for instance in request.instances]


def propose(request):
    """Replies, of a length that depends on the request alone."""
    return [
        f"<INS>{'x' * ((request.seed + at) % 40 + 1)} {at}</INS>" for at in range(request.samples)
    ]


def dies_once(x):
    """As sphere(), but the first process that gets here is lost."""
    try:
        os.close(os.open(os.environ["OPRO_TEST_FILE"], os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return sphere(x)
    os.kill(os.getpid(), 9)
    return None


def dies(x):
    """Nobody comes back from here."""
    os.kill(os.getpid(), 9)


def refuses(x):
    """A failure for some, a score for others."""
    if x[0] > 0:
        raise ArithmeticError(f"no idea of {x[0]:.1f}")
    return sphere(x)
