"""What the checkers of the program's output share: a difference ends them with exit code 1."""
import math
import sys

COMPONENTS = ("cpu", "gpu", "ram", "machine")
RANK = {"measured": 0, "sampled": 1, "modelled": 2, "absent": 3}


def fail(text):
    print(f"FAIL {text}")
    sys.exit(1)


def closeness(rel_tol, abs_tol):
    """A function that fails unless two values are close, or both are null."""

    def close(a, b, what):
        if a is None or b is None:
            if a is not b:
                fail(f"{what}: {a} is not {b}")
        elif not math.isclose(a, b, rel_tol=rel_tol, abs_tol=abs_tol):
            fail(f"{what}: {a} is not {b}")

    return close
