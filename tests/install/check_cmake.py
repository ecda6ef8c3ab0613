# SPDX-License-Identifier: MIT
"""find_package(opro CONFIG) finds a staged install wherever it lies, of a version that fits alone.

check_cmake.py BUILD HOSTS MESON
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from check_install import run, stage_install

# No other library is to be found, such as one that is installed on this machine.
ALONE = "-DCMAKE_FIND_USE_CMAKE_SYSTEM_PATH=OFF"

# What a host asks for, and whether that is what there is, for a library {0}.{1}.{2}.
VERSIONS = {
    "": True,
    "{0}.{1}": True,
    "{0}.{1}.{2};EXACT": True,
    "{0}.{1}...<{0}.99": True,
    "{0}.{1}.99": False,
    "{0}.99": False,
    "99": False,
    "{0}.{1}.99...{0}.99": False,
}


def configure(project, build, prefix, version="", *options):
    """Whether CMake finds the library of a prefix, and what it says."""
    command = ["cmake", "-S", project, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}"]
    command += [f"-DVERSION={version}", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stdout + done.stderr


def check(condition, what, said):
    if not condition:
        sys.exit(f"{what}:\n{said}")


def builds_and_runs(project, build, prefix):
    found, said = configure(project, build, prefix)
    check(found, "not found", said)
    run(["cmake", "--build", build], stdout=subprocess.DEVNULL)
    programs = sorted(path for path in build.glob("host_*") if path.is_file())
    env = {key: value for key, value in os.environ.items() if key != "LD_LIBRARY_PATH"}
    for program in programs:
        run([program], env=env, cwd=build)
    return [program.name for program in programs]


def main(build, hosts, meson):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        project = folder / "hosts" / "cmake"
        shutil.copytree(hosts, folder / "hosts")
        pc, libdir = stage_install(build, meson, folder / "stage")
        text = (pc / "libopro.pc").read_text()
        prefix = re.search(r"^prefix=/(.*)$", text, re.M).group(1)
        numbers = re.search(r"^Version: (.*)$", text, re.M).group(1).split(".")

        # As it was installed, moved, and with the static library alone.
        both = ["host_opro", "host_opro_static"]
        names = builds_and_runs(project, folder / "build", folder / "stage" / prefix)
        check(names == both, "targets", names)
        moved = (folder / "stage" / prefix).rename(folder / "moved")
        libdir = folder / "moved" / libdir.relative_to(folder / "stage" / prefix)
        names = builds_and_runs(project, folder / "build_moved", moved)
        check(names == both, "targets after the move", names)

        for version, fits in VERSIONS.items():
            version = version.format(*numbers)
            found, said = configure(project, folder / "build_version", moved, version, ALONE)
            check(found == fits, f"version {version!r} should{'' if fits else ' not'} fit", said)

        for library in libdir.glob("libopro.so*"):
            library.unlink()
        names = builds_and_runs(project, folder / "build_static", moved)
        check(names == both, "targets without a shared library", names)
        (libdir / "libopro.a").unlink()
        found, said = configure(project, folder / "build_none", moved, "", ALONE)
        check(not found and "There is no libopro.so" in said, "found though there is none", said)


if __name__ == "__main__":
    if not shutil.which("cmake"):
        print("skipped: there is no cmake")
        sys.exit(77)
    try:
        main(*sys.argv[1:])
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error}\n{error.stderr or ''}")
