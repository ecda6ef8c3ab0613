# SPDX-License-Identifier: MIT
"""lib/base and lib/core need libc and libm, and of them only what is listed here.

check_libc.py OBJECT...
"""

import re
import subprocess
import sys

LIBC = set("""
    malloc calloc realloc free
    memchr memcmp memcpy memmove memset bcmp
    strchr strcmp strcpy strcspn strlen strncmp strnlen strrchr strspn strstr
    snprintf vsnprintf strtod strtoull qsort
    __assert_fail
    sqrt floor ceil fabs fmod round trunc rint nearbyint lrint llrint ldexp frexp modf
    nextafter fmin fmax hypot isfinite copysign
""".split())
# What compilers and sanitizers put in by themselves.
TOOLS = r"_GLOBAL_OFFSET_TABLE_|__stack_chk_fail|__(asan|ubsan|tsan|gcov|llvm|sanitizer)_\w+"


def symbols(objects, *options):
    out = subprocess.run(
        ["nm", *options, *objects], check=True, capture_output=True, text=True
    ).stdout
    return {line.split()[-1] for line in out.splitlines() if " " in line.strip()}


def plain(name):
    """memcpy for __memcpy_chk, strtod for __isoc23_strtod."""
    return re.sub(r"^__(isoc\d+_)?(\w+?)(_chk)?$", lambda m: m[2] if m[1] or m[3] else m[0], name)


if __name__ == "__main__":
    objects = sys.argv[1:]
    missing = symbols(objects, "-u") - symbols(objects, "--defined-only")
    missing = {name for name in missing if not re.fullmatch(TOOLS, name)}
    foreign = {name for name in missing if plain(name) not in LIBC}
    if len(missing) < 5:
        sys.exit("the objects need next to nothing: the check does not see them")
    for name in sorted(foreign):
        print(f"{name}: lib/base and lib/core may not need it (list of check_libc.py)")
    sys.exit(1 if foreign else 0)
