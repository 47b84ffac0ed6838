"""Fails if a kernel object could leak code built for one instruction set into other parts.

    python check_objects.py ISA OBJECT... [ISA OBJECT...]

The linker merges weak symbols (inline functions, templates) of the same name and keeps one of the
copies. If that copy was built with wider instructions, an older CPU fails with an illegal
instruction in an unrelated function. So an object compiled for an ISA may define no weak, unique or
common symbol, and its global symbols must live in `fastdl::ISA` or be its table,
`kernel_table_ISA`. Needs `nm` (binutils or LLVM).
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

# nm's letters: V v W w weak, u unique, C c common, i indirect function. Upper case alone is global.
LEAKING = set("VvWwuCci")


def defined_symbols(nm: str, path: str) -> list[tuple[str, str]]:
    """The (letter, demangled name) of every symbol that the object defines."""
    command = [nm, "--defined-only", "--demangle", path]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = (re.match(r"[0-9a-fA-F]*\s+(\S)\s+(.*)", line) for line in text.splitlines())
    return [(m.group(1), m.group(2)) for m in found if m]


def violations(isa: str, symbols: list[tuple[str, str]]) -> list[str]:
    """What is wrong with the symbols of one object of `isa`."""
    wrong = []
    for letter, name in symbols:
        owned = name.startswith(f"fastdl::{isa}::") or name == f"fastdl::kernel_table_{isa}"
        if letter in LEAKING:
            wrong.append(f"weak or merged symbol ({letter}): {name}")
        elif letter.isupper() and not owned:
            wrong.append(f"global symbol outside fastdl::{isa} ({letter}): {name}")
    return wrong


def main(arguments: list[str]) -> int:
    nm = shutil.which("nm") or shutil.which("llvm-nm")
    if nm is None:
        sys.exit("check_objects.py needs nm or llvm-nm on the PATH")
    isa, objects, failed, tables = None, 0, False, set()
    wanted = set()
    for argument in arguments:
        if not argument.endswith((".o", ".obj")):
            isa = argument
            wanted.add(isa)
            continue
        if isa is None:
            sys.exit(f"{argument}: expected the name of an instruction set first")
        symbols = defined_symbols(nm, argument)
        objects += 1
        tables |= {isa} & {name.removeprefix("fastdl::kernel_table_") for _, name in symbols}
        for problem in violations(isa, symbols):
            print(f"{argument}: {problem}")
            failed = True
    for missing in sorted(wanted - tables):
        print(f"{missing}: no object defines fastdl::kernel_table_{missing}")
        failed = True
    print(
        f"{objects} objects of {len(wanted)} instruction sets: {'leaking' if failed else 'clean'}"
    )
    return 1 if failed or not objects else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
