# SPDX-License-Identifier: MIT
"""The reference can be made without a warning, and no public name is missing in it.

check_reference.py ROOT OUTPUT VERSION
"""

import pathlib
import re
import subprocess
import sys


def names(root):
    """Functions as the linker knows them, and the table of constants."""
    functions = re.findall(r"^ +(opro_\w+);", (root / "lib" / "opro.map").read_text(), re.M)
    table = (root / "tests" / "abi" / "constants.txt").read_text()
    return functions, re.findall(r"^(OPRO_\w+) ", table, re.M)


def words(texts):
    return {word for text in texts for word in re.findall(r"\w+", text)}


def main(root, output, version):
    command = [sys.executable, "-B", root / "include" / "reference" / "build.py"]
    command += ["--source", root, "--output", output, "--version", version, "--doxygen", "doxygen"]
    made = subprocess.run(command, check=False).returncode
    functions, constants = names(root)
    if len(functions) < 300 or len(constants) < 300:
        sys.exit("opro.map or constants.txt is not understood any more")
    pages = {path.stem: path.read_text() for path in (output / "man3").glob("*.3")}
    missing = [name for name in functions if name not in pages]
    missing += sorted(set(constants) - words(pages.values()))
    if made == 0:
        html = (path.read_text() for path in (output / "html").glob("*_8h.html"))
        missing += [f"{name} (HTML)" for name in {*functions, *constants} - words(html)]
    print("\n".join(f"not in the reference: {name}" for name in missing) or f"{len(pages)} pages")
    return made or bool(missing)


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]))
