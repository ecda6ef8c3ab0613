# SPDX-License-Identifier: MIT
"""A project with libopro under subprojects/ configures, builds the library alone, and runs.

check_subproject.py ROOT MESON
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile


def main(root, meson):
    root = pathlib.Path(root)
    with tempfile.TemporaryDirectory() as folder:
        host = pathlib.Path(folder, "host")
        build = host / "build"
        shutil.copytree(root / "tests" / "install" / "subproject", host)
        (host / "subprojects").mkdir()
        (host / "subprojects" / "opro").symlink_to(root)
        # "opro" under subprojects/, not one that is installed on this machine.
        setup = ["setup", build, host, "--force-fallback-for=opro", "--buildtype=plain"]
        for command in (setup, ["compile", "-C", build], ["test", "-C", build]):
            subprocess.run([meson, *command], check=True)
        targets = json.loads((build / "meson-info" / "intro-targets.json").read_text())
        names = {target["name"] for target in targets if target["build_by_default"]}
        if names != {"host", "opro"}:
            sys.exit(f"a subproject should build the library alone, not {sorted(names)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
