# SPDX-License-Identifier: MIT
"""Programs of others build against a staged install, and run: with what pkg-config says, and with
what anybody would write who has no pkg-config.

check_install.py BUILD HOSTS MESON CC [CXX]
"""

import os
import pathlib
import re
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


def moved(pc, stage):
    """A folder with libopro.pc as it would be if the staged tree were the real place."""
    text = (pc / "libopro.pc").read_text()
    prefix = re.search(r"^prefix=(.*)$", text, re.M).group(1)
    folder = stage.parent / "pkgconfig"
    folder.mkdir()
    (folder / "libopro.pc").write_text(text.replace(f"prefix={prefix}", f"prefix={stage}{prefix}"))
    return folder


def pkg_config(folder, *packages):
    env = {**os.environ, "PKG_CONFIG_PATH": str(folder)}
    command = ["pkg-config", "--cflags", "--libs", *packages]
    return shlex.split(run(command, capture_output=True, env=env).stdout)


def needed(pc):
    """What programs that link the static library name as well."""
    private = re.search(r"^Requires.private:(.*)$", (pc / "libopro.pc").read_text(), re.M)
    words = re.split(r"[\s,]+", private.group(1)) if private else []
    return [word for word in words if re.match(r"[a-z]", word)]


def libraries(pc):
    """The same as flags, by their names alone."""
    return ["-l" + re.sub("^lib", "", word) for word in needed(pc)]


def main(build, hosts, meson, cc, cxx=None):
    hosts = pathlib.Path(hosts)
    languages = [
        (shlex.split(cc), "c99", "host_c99.c"),
        (shlex.split(cc), "c11", "host_c11.c"),
        (shlex.split(cc), "c11", "host_model.c"),
    ]
    if cxx:
        languages.append((shlex.split(cxx), "c++11", "host_cpp11.cpp"))
        languages.append((shlex.split(cxx), "c++17", "host_cpp17.cpp"))
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        stage = folder / "stage"
        pc, libdir = stage_install(build, meson, stage)
        include = next(stage.rglob("opro.h")).parent.parent
        folder_pc = moved(pc, stage)
        shared = pkg_config(folder_pc, "libopro")
        static = pkg_config(folder_pc, "libopro", *needed(pc))
        at = static.index("-lopro")
        static[at : at + 1] = ["-Wl,-Bstatic", "-lopro", "-Wl,-Bdynamic"]
        static += ["-lm", "-lpthread"]
        bare_shared = [f"-I{include}", f"-L{libdir}", "-lopro"]
        bare_static = [f"-I{include}", libdir / "libopro.a", *libraries(pc), "-lm", "-pthread"]
        plain = {key: value for key, value in os.environ.items() if key != "LD_LIBRARY_PATH"}
        for command, standard, source in languages:
            for kind, flags, env in (
                ("shared", shared, {**plain, "LD_LIBRARY_PATH": str(libdir)}),
                ("static", static, plain),
                ("bare_shared", bare_shared, {**plain, "LD_LIBRARY_PATH": str(libdir)}),
                ("bare_static", bare_static, plain),
            ):
                program = folder / f"{kind}_{pathlib.Path(source).stem}"
                source_and_program = [hosts / source, "-o", program]
                run([*command, f"-std={standard}", *WARNINGS, *source_and_program, *flags])
                run([program], env=env, cwd=folder)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error}\n{error.stderr or ''}")
