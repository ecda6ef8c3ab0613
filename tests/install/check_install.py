# SPDX-License-Identifier: MIT
"""Programs of others build against a staged install with what pkg-config says, and run.

check_install.py BUILD HOSTS MESON CC [CXX]
"""

import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

WARNINGS = "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror".split()


def run(command, **more):
    print("+", shlex.join(map(str, command)), flush=True)
    return subprocess.run(command, check=True, text=True, **more)


def stage_install(build, meson, stage):
    install = [meson, "install", "-C", build, "--no-rebuild", "--destdir", stage]
    run(install, stdout=subprocess.DEVNULL)
    (pc,) = stage.rglob("libopro.pc")
    (shared,) = stage.rglob("libopro.so")
    return pc.parent, shared.parent


def pkg_config(folder, stage, *options):
    env = {**os.environ, "PKG_CONFIG_LIBDIR": str(folder), "PKG_CONFIG_SYSROOT_DIR": str(stage)}
    env.pop("PKG_CONFIG_PATH", None)
    command = ["pkg-config", "--cflags", "--libs", *options, "libopro"]
    return shlex.split(run(command, capture_output=True, env=env).stdout)


def main(build, hosts, meson, cc, cxx=None):
    hosts = pathlib.Path(hosts)
    languages = [(shlex.split(cc), "c99", "host_c99.c"), (shlex.split(cc), "c11", "host_c11.c")]
    if cxx:
        languages.append((shlex.split(cxx), "c++11", "host_cpp11.cpp"))
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        stage = folder / "stage"
        pc, libdir = stage_install(build, meson, stage)
        shared = pkg_config(pc, stage)
        static = pkg_config(pc, stage, "--static")
        at = static.index("-lopro")
        static[at : at + 1] = ["-Wl,-Bstatic", "-lopro", "-Wl,-Bdynamic"]
        plain = {key: value for key, value in os.environ.items() if key != "LD_LIBRARY_PATH"}
        for command, standard, source in languages:
            for kind, flags, env in (
                ("shared", shared, {**plain, "LD_LIBRARY_PATH": str(libdir)}),
                ("static", static, plain),
            ):
                program = folder / f"{kind}_{standard}"
                source_and_program = [hosts / source, "-o", program]
                run([*command, f"-std={standard}", *WARNINGS, *source_and_program, *flags])
                run([program], env=env, cwd=folder)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error}\n{error.stderr or ''}")
