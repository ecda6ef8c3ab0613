# SPDX-License-Identifier: MIT
"""Every block of code in a document compiles, runs, and prints what the document says.

check_documents.py ROOT BUILD CC CXX DOCUMENT...     CXX may be "", for no compiler
check_documents.py --self-test

In a document, by the language of a block:
    c, cpp     compiled with all warnings; with main() it is linked and run
    python     run
    sh         run, from the root of a checkout that has been built in build/
    console    the lines that begin with "$ " are run as above; what stands under one is what it
               prints; under which nothing stands may print anything
    output     what the block before it prints
A line "..." of what is printed stands for any lines. A program whose first line is a comment with
the name of a file is put there, for commands that follow, and not run by itself. A block that
cannot be run has <!-- not run: REASON --> on the line above it; these are listed. All commands of a
document run in one folder of their own, in which the files of tests/data/documents are.
"""

import collections
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

WARNINGS = "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror".split()
SECONDS = 120  # for one command
MOST = 4000  # letters of what a failed one printed

# reason: why it is not run, or ""
Block = collections.namedtuple("Block", "line language text reason")


class Fault(Exception):
    """What is wrong with a block."""


def blocks(text):
    """The fenced blocks of a document."""
    fence = r"^(?:<!-- not run: ([^\n]*) -->\n)?```(\w*)\n(.*?)^```$"
    for match in re.finditer(fence, text, re.M | re.S):
        line = text.count("\n", 0, match.start(3))
        yield Block(line, match[2], match[3], match[1] or "")


def same(printed, said):
    """Whether a text is what a document says, in which "..." stands for any lines."""
    printed, said = (
        [line.rstrip() for line in text.strip().split("\n")] for text in (printed, said)
    )
    pattern = "".join("(.*\n)*" if line == "..." else re.escape(line) + "\n" for line in said)
    return re.fullmatch(pattern, "".join(line + "\n" for line in printed)) is not None


def commands(text):
    """The commands of a console, each with what it prints."""
    found = []
    for line in text.replace("\\\n", "").splitlines(keepends=True):
        if line.startswith("$ "):
            found.append([line[2:], ""])
        elif found:
            found[-1][1] += line
        else:
            raise Fault('a console begins with a line "$ ..."')
    return found


class Document:
    """Runs the blocks of one document."""

    def __init__(self, root, build, cc, cxx, folder):
        self.root, self.folder = root, folder
        self.compilers = {"c": cc, "cpp": cxx}
        self.printed = None  # by the last block that ran
        self.waiting = set()  # files that no command has used yet
        self.lost = set()  # programs without a compiler
        self.skipped = []
        (folder / "build").symlink_to(build)
        for name in ("bindings", "examples", "include"):
            (folder / name).symlink_to(root / name)
        for path in (root / "tests" / "data" / "documents").glob("*"):
            shutil.copy(path, folder)
        self.env = {
            **os.environ,
            "LD_LIBRARY_PATH": str(build / "lib"),
            "OPRO_LIBRARY": str(build / "lib" / "libopro.so"),
            "PKG_CONFIG_PATH": str(build / "meson-uninstalled"),
            "PYTHONPATH": str(root / "bindings" / "python"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def call(self, command, said=""):
        """Run a command; it has to print what is said, if anything is."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        self.printed = done.stdout
        if done.returncode != 0:
            raise Fault(f"{command[-1]} ended with {done.returncode}:\n{done.stdout[:MOST]}")
        if said.strip() and not same(done.stdout, said):
            raise Fault(f"{command[-1]} printed:\n{done.stdout}")

    def compiled(self, block):
        compiler = self.compilers[block.language]
        whole = "int main(" in block.text
        name = self.file_name(block)
        if not compiler:
            self.waiting.discard(name)
            self.lost.add(name)
            return self.skip(block, "no compiler")
        source = self.folder / (name or f"block{block.line}.{block.language}")
        text = block.text if "#include" in block.text else "#include <opro/opro.h>\n" + block.text
        source.write_text(text)
        command = [*shlex.split(compiler), *WARNINGS, f"-I{self.root}/include"]
        command += ["-std=c++17"] * (block.language == "cpp")
        command += [f"-I{self.root}/bindings/cpp/include", str(source)]
        self.call([*command, "-fsyntax-only"])
        if whole and not name:
            program = str(source.with_suffix(""))
            library = f"-L{self.folder}/build/lib"
            self.call([*command, library, "-lopro", "-pthread", "-o", program])
            self.call([program])
        return None

    def python(self, block):
        name = self.file_name(block)
        source = self.folder / (name or f"block{block.line}.py")
        source.write_text(block.text)
        if not name:
            self.call([sys.executable, str(source)])

    def file_name(self, block):
        """The name in the comment of the first line, if that is all that stands there."""
        named = re.match(r"(?:/\*|//|#) (\w+\.\w+)(?: \*/)?\n", block.text)
        if named:
            self.waiting.add(named[1])
        return named[1] if named else ""

    def shell(self, block):
        pairs = [[block.text, ""]] if block.language == "sh" else commands(block.text)
        for command, said in pairs:
            for program in re.findall(r"build/examples/\w+", command):
                if not (self.folder / program).exists():
                    return self.skip(block, f"{program} is not built")
            if any(name in command for name in self.lost if name):
                return self.skip(block, "no compiler")
            self.waiting = {name for name in self.waiting if name not in command}
            self.call(["sh", "-euc", command], said)
        return None

    def output(self, block):
        if self.printed is None:
            return self.skip(block, "what would print it did not run")
        if not same(self.printed, block.text):
            raise Fault(f"the block before it printed:\n{self.printed}")
        return None

    def skip(self, block, why):
        self.printed = None
        self.skipped.append((block, why))

    def run(self, block):
        if block.reason:
            return self.skip(block, block.reason)
        kinds = {"c": self.compiled, "cpp": self.compiled, "python": self.python}
        kinds |= {"sh": self.shell, "console": self.shell, "output": self.output}
        if block.language not in kinds:
            raise Fault("of no language that can be run; say why: <!-- not run: ... -->")
        return kinds[block.language](block)


def check(path, root, build, cc, cxx):
    """Run all blocks of a document; how many faults."""
    faults = ran = 0
    with tempfile.TemporaryDirectory() as folder:
        document = Document(root, build, cc, cxx, pathlib.Path(folder))
        for block in blocks(path.read_text()):
            try:
                document.run(block)
                ran += 1
            except (Fault, subprocess.TimeoutExpired) as fault:
                faults += 1
                print(f"{path}:{block.line}: {block.language}: {fault}")
        for name in sorted(document.waiting):
            faults += 1
            print(f"{path}: {name} is run by no command")
    for block, why in document.skipped:
        print(f"{path}:{block.line}: not run: {why}")
    print(f"{path}: {ran - len(document.skipped)} blocks ran", flush=True)
    return faults


SAMPLE = """
```python
print("one\\ntwo\\nthree")
```
```output
one
...
three
```
```console
$ echo \\
a
a
$ false || echo b
```
"""
MUTATIONS = (
    ("", "", 0),
    ("```console\n", "```cpp\n// a.cpp\n```\n```console\n$ c++ a.cpp\n", 0),
    ("three\n", "four\n", 1),
    ("...\n", "", 1),
    ("a\na\n", "a\nb\n", 1),
    ("false ||", "false &&", 1),
    ("```python", "```pascal", 1),
    ("```python", "<!-- not run: a reason -->\n```pascal", 0),
    ('print("', '# a.py\nprint("', 1),
    ("echo b", "echo b; exit 3", 1),
)


def self_test():
    for old, new, faults in MUTATIONS:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "sample.md").write_text(SAMPLE.replace(old, new) if old else SAMPLE)
            found = check(root / "sample.md", root, root, "", "")
        if found != faults:
            sys.exit(f"self-test: {old!r} -> {new!r}: {found} faults, not {faults}")


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    root, build = (pathlib.Path(path).resolve() for path in arguments[:2])
    cc, cxx, *documents = arguments[2:]
    return min(1, sum(check(root / name, root, build, cc, cxx) for name in documents))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
