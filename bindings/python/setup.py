# SPDX-License-Identifier: MIT
"""Wheels with the library inside: "py3-none-<platform>", one for all versions of Python.

The library is built by meson from the checkout that this folder is in. Its model client needs the
development files of libcurl and jansson, its journal a POSIX system; without them it is built
without these parts, and this build says so.

OPRO_HTTP=enabled or disabled: the client is required, or left out.
OPRO_BUNDLE=/path/to/libopro.so.0: put this library into the wheel, and build none.
OPRO_BUNDLE=none: a wheel without a library ("py3-none-any"), for systems that have one.
"""

import atexit
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:  # before setuptools 70.1
    from wheel.bdist_wheel import bdist_wheel

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUNDLE = os.environ.get("OPRO_BUNDLE", "")

# Nothing is built inside the checkout: what lies there from last time would get into wheels.
SCRATCH = Path(tempfile.mkdtemp(prefix="opro-"))
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)


def meson(*arguments):
    """Run meson; its output is shown when it fails."""
    program = shutil.which("meson")
    command = [program] if program else [sys.executable, "-m", "mesonbuild.mesonmain"]
    done = subprocess.run(
        [*command, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        raise SystemExit(
            f"{done.stdout}\nopro: building the C library failed. It needs a C compiler, "
            "and with OPRO_HTTP=enabled the development files of libcurl and jansson (Debian: "
            "pkgconf libcurl4-openssl-dev libjansson-dev)."
        )
    return done.stdout


def loaded():
    """What opro/_load.py says of the library: its EPOCH and NAME."""
    text = (HERE / "opro/_load.py").read_text()
    names = {"sys": sys}
    exec(re.search(r"^EPOCH = .*?^NAME = .*?$", text, re.M | re.S).group(), names)
    return names


def built(folder):
    """Build the library; returns its file."""
    if not (ROOT / "lib/core").is_dir():
        raise SystemExit(
            f"opro: there are no sources of the C library in {ROOT}. Install from a checkout: "
            "pip install ./bindings/python"
        )
    http = os.environ.get("OPRO_HTTP", "auto")
    said = meson(
        "setup",
        *("--buildtype=release", "--default-library=shared", "--strip", f"-Dhttp={http}"),
        *("-Dtests=false", "-Dexamples=false", "-Dbench=false"),
        *(folder, ROOT),
    )
    if re.search(r"model client\s*: NO", said):
        print("opro: no libcurl or jansson: the library is built without its model client.")
    meson("install", "-C", folder, "--destdir", folder / "installed", "--quiet")
    return next((folder / "installed").rglob(loaded()["NAME"]))


class BuildWithLibrary(build_py):
    """Puts the library beside the modules, and its licence."""

    def run(self):
        super().run()
        if BUNDLE == "none" or self.editable_mode:
            return
        library = Path(BUNDLE) if BUNDLE else built(SCRATCH / "library")
        package = Path(self.build_lib) / "opro"
        shutil.copyfile(library, package / loaded()["NAME"])
        shutil.copyfile(ROOT / "COPYING", package / "COPYING")


class PlatformWheel(bdist_wheel):
    """For one platform, and all versions of Python 3."""

    def finalize_options(self):
        super().finalize_options()
        self.root_is_pure = BUNDLE == "none"

    def get_tag(self):
        return "py3", "none", "any" if BUNDLE == "none" else super().get_tag()[2]


class PlatformDistribution(Distribution):
    """One that is not the same on every platform."""

    def has_ext_modules(self):
        return BUNDLE != "none"


setup(
    cmdclass={"build_py": BuildWithLibrary, "bdist_wheel": PlatformWheel},
    distclass=PlatformDistribution,
    options={"build": {"build_base": str(SCRATCH)}, "egg_info": {"egg_base": str(SCRATCH)}},
)
