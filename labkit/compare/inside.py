"""What is in a guest: seen from within where it has a shell, and in its image where it has none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from labkit.build.image import Image
from labkit.compare.figures import Figure
from labkit.errors import LabError

if TYPE_CHECKING:
    from labkit.guest import Guest
    from labkit.guest.shell import Shell

__all__ = ["linux_inside", "system_calls_in", "unikernel_inside"]

# `mov $N, %eax` shortly before `syscall`, in x86-64's machine code: how musl and the runtime make system calls.
_SYSTEM_CALL: Final = re.compile(rb"\xb8(?P<number>..\x00\x00)[^\xb8]{0,24}?\x0f\x05", re.DOTALL)
_MOST_CALL: Final = 512
_BY_SSH: Final = "asked of the running guest, by SSH"
_FROM_IMAGE: Final = "read from the image file"


def system_calls_in(image: Image) -> tuple[int, ...]:
    """The numbers of the system calls that a program's code makes, found in its machine code.

    Raises:
        ImageError: the file is gone or damaged.
    """
    from labkit.build import elf

    found: set[int] = set()
    with elf.opened(image.path) as program:
        for section in program.iter_sections():
            if section["sh_flags"] & 0x4:  # SHF_EXECINSTR
                for match in _SYSTEM_CALL.finditer(section.data()):
                    found.add(int.from_bytes(match["number"], "little"))
    return tuple(sorted(number for number in found if number < _MOST_CALL))


def unikernel_inside(image: Image) -> dict[str, Figure]:
    """The figures of a unikernel, which holds one program."""
    nothing = "there is no shell, and no other program that could be started"
    return {
        "processes": Figure(
            "processes", 1, how=_FROM_IMAGE, note="one program is all that there is: it is not even a process"
        ),
        "kernel_threads": Figure("threads of the kernel", 0, how=_FROM_IMAGE),
        "programs": Figure("programs on board", 1, how=_FROM_IMAGE),
        "libraries": Figure(
            "libraries on board", list(image.libraries), how="the linker's map of the image", note="linked in"
        ),
        "system_calls": Figure(
            "system calls",
            len(system_calls_in(image)),
            how="found in the image's machine code",
            note="those that its libraries make; they are calls within one program, and cross no border",
        ),
        "intruder": Figure("commands after a break-in", 0, how=_FROM_IMAGE, note=nothing),
    }


def linux_inside(guest: Guest) -> dict[str, Figure]:
    """The figures of a Linux guest, asked by SSH; without, they say why there are none."""
    try:
        shell = guest.ssh
    except LabError as error:
        why = error.what
        titles = {
            "processes": "processes",
            "kernel_threads": "threads of the kernel",
            "programs": "programs on board",
            "libraries": "libraries on board",
            "system_calls": "system calls",
            "intruder": "commands after a break-in",
        }
        return {name: Figure(title, None, note=why) for name, title in titles.items()}
    processes, threads = _processes(shell)
    programs = _lines(shell, "for d in /bin /sbin /usr/bin /usr/sbin; do ls $d 2>/dev/null; done | sort -u")
    files = _lines(shell, "find / -xdev -type f -perm -100 ! -path '/proc/*' ! -path '/www/*' 2>/dev/null")
    libraries = _lines(shell, "find / -xdev -name '*.so*' -type f 2>/dev/null; ls /lib/modules 2>/dev/null")
    calls = int(shell.run("grep -c ' [tT] __x64_sys_' /proc/kallsyms").output or 0)
    who = shell.run("id -u").output.strip()
    return {
        "processes": Figure("processes", processes, how=_BY_SSH, note="without the one that asked"),
        "kernel_threads": Figure("threads of the kernel", threads, how=_BY_SSH),
        "programs": Figure(
            "programs on board",
            len(programs),
            how=_BY_SSH,
            note=f"in {len(files)} files that can be executed",
        ),
        "libraries": Figure(
            "libraries on board", libraries, how=_BY_SSH, note="shared libraries, and modules of the kernel"
        ),
        "system_calls": Figure(
            "system calls",
            calls,
            how=f"{_BY_SSH} (/proc/kallsyms)",
            note="that any program may make of the kernel",
        ),
        "intruder": Figure(
            "commands after a break-in",
            len(programs),
            how=_BY_SSH,
            note=f"a shell among them, as user {who}" if "sh" in programs else "",
        ),
    }


def _processes(shell: Shell) -> tuple[int, int]:
    """How many processes there are, without our own, and how many threads of the kernel."""
    # A process of the kernel's own has no memory: field 23 of /proc/PID/stat, proc(5), is 0.
    script = 'for f in /proc/[0-9]*/stat; do read -r l <$f || continue; echo "$l"; done 2>/dev/null'
    sizes = []
    ours: set[int] = set()
    fields = [line for line in shell.run(script).output.splitlines() if ")" in line]
    parents = {}
    for line in fields:
        pid, rest = int(line.split()[0]), line.rpartition(")")[2].split()
        name = line[line.index("(") + 1 : line.rindex(")")]
        parents[pid] = int(rest[1])
        sizes.append((pid, name, int(rest[20])))
    servers = [pid for pid, name, _ in sizes if name in ("dropbear", "sshd")]
    ours |= {pid for pid in servers if parents.get(pid) in servers}  # of our connection
    grown = True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in ours} - ours
        ours |= more
        grown = bool(more)
    users = [pid for pid, _, size in sizes if size and pid not in ours]
    return len(users), sum(1 for _, _, size in sizes if not size)


def _lines(shell: Shell, script: str) -> list[str]:
    return shell.run(script).output.split()
