#!/usr/bin/env python3
"""Run conformance on cases that are not part of the project: on_shared.py CONFORMANCE SUBCOMMAND PATH

PATH is relative to the directory in OPRO_SHARED. Where that is missing the test is skipped (exit code 77), but fails when
CI=true: nobody would notice.
"""

import os
import pathlib
import subprocess
import sys

conformance, subcommand, path = sys.argv[1:]
shared = pathlib.Path(os.environ.get("OPRO_SHARED", ""))
if not os.environ.get("OPRO_SHARED") or not shared.is_dir():
    print(f"there is no directory OPRO_SHARED={shared}: {subcommand} not compared with {path}")
    sys.exit(1 if os.environ.get("CI") == "true" else 77)
sys.exit(subprocess.run([conformance, subcommand, shared / path]).returncode)
