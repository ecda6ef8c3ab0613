# SPDX-License-Identifier: MIT
"""The reference of the public headers: HTML by Doxygen, and manual pages.

build.py --source ROOT --output DIRECTORY --version VERSION --doxygen PROGRAM

Leaves DIRECTORY/html and DIRECTORY/man3. Fails, with a line for each, when something public is not
documented or Doxygen warns of anything in what it was given; of what another version of it thinks
of its settings, it may warn. Without Doxygen there is no HTML, and it returns 77.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys

import doxygen
import headers
import man

SKIPPED = 77
PAGES = ("tutorial", "which_system")  # of examples/
HERE = pathlib.Path(__file__).resolve().parent


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def write_html(found, arguments):
    """What Doxygen reads, beside what it makes of it."""
    given = fresh(arguments.output / "input")
    (given / "opro").mkdir()
    writer = doxygen.Writer(found)
    for header in found:
        (given / "opro" / header.name).write_text(writer.header(header))
    for name in PAGES:
        text = (arguments.source / "examples" / f"{name}.md").read_text()
        (given / f"{name}.md").write_text(doxygen.page(name, text))
    (given / "overview.dox").write_text(writer.overview(found))
    configuration = (HERE / "Doxyfile.in").read_text()
    for name, value in {
        "VERSION": arguments.version,
        "INPUT": given,
        "OUTPUT": arguments.output,
        "SOURCE": HERE,
    }.items():
        configuration = configuration.replace(f"@{name}@", str(value))
    fresh(arguments.output / "html")
    done = subprocess.run(
        [arguments.doxygen, "-"],
        input=configuration,
        text=True,
        stderr=subprocess.PIPE,
        check=False,
    )
    print(done.stderr, end="", file=sys.stderr)
    return done.returncode or int(str(given) in done.stderr)


def write_man(found, arguments):
    folder = fresh(arguments.output / "man3")
    writer = man.Writer(arguments.version)
    for header in found:
        for name, text in writer.pages(header, found):
            (folder / f"{name}.3").write_text(text)


def main():
    parser = argparse.ArgumentParser()
    for option in ("--source", "--output"):
        parser.add_argument(option, type=pathlib.Path, required=True)
    for option in ("--version", "--doxygen"):
        parser.add_argument(option, required=True)
    arguments = parser.parse_args()
    arguments.output = arguments.output.resolve()
    found = headers.read(
        arguments.source / "include" / "opro", arguments.source / "lib" / "core" / "options.def"
    )
    problems = list(headers.undocumented(found))
    if problems:
        sys.exit("\n".join(problems))
    write_man(found, arguments)
    if not shutil.which(arguments.doxygen):
        print(f"{arguments.doxygen} is not there: manual pages only")
        sys.exit(SKIPPED)
    sys.exit(write_html(found, arguments))


if __name__ == "__main__":
    main()
