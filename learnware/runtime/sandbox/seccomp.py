"""The system calls that code of strangers may not make, as a filter program for the kernel.

The filter refuses known ways to the kernel's less tried parts and to other processes, and lets all others pass: a model
may use any library. It is one layer of several. The namespaces, the user id and the limits hold without it.
"""

from __future__ import annotations

import errno
import struct

from learnware.errors import IsolationUnavailable

# Numbers on x86_64 and on aarch64; None where that machine does not have the call.
_Numbers = tuple[int | None, int | None]

_REFUSED: dict[str, _Numbers] = {
    # Other namespaces and other roots, where what was hidden could be mounted again.
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    # Other processes.
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    # Parts of the kernel that attacks start from and numerical code never needs.
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "fanotify_init": (300, 262),
    "fanotify_mark": (301, 263),
    "modify_ldt": (154, None),
    "uselib": (134, None),
    "ustat": (136, None),
    "sysfs": (139, None),
    "_sysctl": (156, None),
    "lookup_dcookie": (212, 18),
    # Keys of the user.
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # The machine as a whole.
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "create_module": (174, None),
    "get_kernel_syms": (177, None),
    "query_module": (178, None),
    "nfsservctl": (180, 42),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "acct": (163, 89),
    "syslog": (103, 116),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "vhangup": (153, 58),
    "iopl": (172, None),
    "ioperm": (173, None),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "settimeofday": (164, 170),
    # Message queues and semaphores hold memory that no limit of a process counts.
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "semget": (64, 190),
}

# Answered as by a kernel that lacks them, so that libraries fall back on older calls: `clone3` hides its flags behind a
# pointer, `io_uring` makes calls past this filter, and the others hold memory that no limit of a process counts.
_ABSENT: dict[str, _Numbers] = {
    "clone3": (435, 435),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
}

# Refused for some arguments only.
_CLONE, _SOCKET, _SOCKETPAIR, _IOCTL, _PERSONALITY = (56, 220), (41, 198), (53, 199), (16, 29), (135, 92)
# CLONE_NEWTIME cannot be asked for by `clone`, where its bit is part of the signal.
_CLONE_NEW = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
_AF_UNIX = 1
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_PERSONALITY_QUERY = 0xFFFFFFFF

# Later calls than futex_requeue are unknown here and answered as absent.
_NEWEST = 456
_X32 = 0x40000000

_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "amd64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_ARCHITECTURES["arm64"] = _ARCHITECTURES["aarch64"]

_LOAD, _EQUAL, _GREATER, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x25, 0x35, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT = 0, 4
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_REFUSE = _ERROR | errno.EPERM


def seccomp_program(machine: str) -> bytes:
    """Assemble the filter for one kind of processor.

    Parameters
    ----------
    machine : str
        As ``platform.machine()`` names it.

    Returns
    -------
    bytes
        Instructions of classic BPF, eight bytes each, as ``bwrap --seccomp`` takes them.

    Raises
    ------
    IsolationUnavailable
        No table of system calls is known for this processor.
    """
    if machine.lower() not in _ARCHITECTURES:
        raise IsolationUnavailable(
            f"The sandbox filters system calls on {' and '.join(('x86_64', 'aarch64'))} only, and this machine is "
            f"{machine!r}. Run this model on such a machine, or see the isolation parameter for less protection."
        )
    column, architecture = _ARCHITECTURES[machine.lower()]
    program = [_step(_LOAD, _ARCHITECTURE_AT), _step(_EQUAL, architecture, 1, 0), _step(_RETURN, _KILL)]
    program.append(_step(_LOAD, _NUMBER_AT))
    if column == 0:
        program += [_step(_AT_LEAST, _X32, 0, 1), _step(_RETURN, _KILL)]
    program += [_step(_GREATER, _NEWEST, 0, 1), _step(_RETURN, _ERROR | errno.ENOSYS)]
    program += _answer(_REFUSED, column, _REFUSE) + _answer(_ABSENT, column, _ERROR | errno.ENOSYS)
    program += _by_argument(column)
    program.append(_step(_RETURN, _ALLOW))
    return b"".join(program)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """Return one instruction; jumps count the instructions that they skip."""
    return struct.pack("<HBBI", code, if_true, if_false, value)


def _answer(table: dict[str, _Numbers], column: int, result: int) -> list[bytes]:
    """Return the steps that end calls of a table with one result."""
    steps: list[bytes] = []
    for numbers in table.values():
        number = numbers[column]
        if number is not None:
            steps += [_step(_EQUAL, number, 0, 1), _step(_RETURN, result)]
    return steps


def _by_argument(column: int) -> list[bytes]:
    """Return the steps for calls whose first or second argument decides."""
    family = [_step(_EQUAL, _AF_UNIX, 1, 0), _step(_RETURN, _REFUSE)]
    kinds = [
        (_CLONE, 0, [_step(_ANY_BIT, _CLONE_NEW, 0, 1), _step(_RETURN, _REFUSE)]),
        (_SOCKET, 0, family),
        (_SOCKETPAIR, 0, family),
        (_IOCTL, 1, [_step(_EQUAL, _TIOCSTI, 1, 0), _step(_EQUAL, _TIOCLINUX, 0, 1), _step(_RETURN, _REFUSE)]),
        (_PERSONALITY, 0, [_step(_EQUAL, 0, 2, 0), _step(_EQUAL, _PERSONALITY_QUERY, 1, 0), _step(_RETURN, _REFUSE)]),
    ]
    steps: list[bytes] = []
    for numbers, argument, decide in kinds:
        # The kernel reads these arguments as 32-bit numbers, so that the upper half must not hide a value from us.
        block = [_step(_LOAD, 16 + 8 * argument), *decide, _step(_RETURN, _ALLOW)]
        steps += [_step(_EQUAL, numbers[column], 0, len(block)), *block]
    return steps
