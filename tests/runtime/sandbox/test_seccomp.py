"""The filter, judged by an interpreter of its instructions that was written from the kernel's manual."""

from __future__ import annotations

import errno
import re
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learnware.errors import IsolationUnavailable
from learnware.runtime.sandbox import seccomp
from learnware.runtime.sandbox.seccomp import seccomp_program

X86_64, AARCH64, I386 = 0xC000003E, 0xC00000B7, 0x40000003
ALLOW, KILL = 0x7FFF0000, 0x80000000
REFUSED, ABSENT = 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS
MACHINES = {"x86_64": X86_64, "aarch64": AARCH64}
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


def judge(program: bytes, number: int, arguments: tuple[int, ...] = (), *, architecture: int = X86_64) -> int:
    """Run a program of classic BPF on a system call, as seccomp(2) describes its data."""
    numbers = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("<IIQ6Q", number & 0xFFFFFFFF, architecture, 0, *numbers)
    at, value = 0, 0
    while True:
        code, if_true, if_false, k = struct.unpack_from("<HBBI", program, at * 8)
        at += 1
        if code == 0x20:  # BPF_LD | BPF_W | BPF_ABS
            assert k % 4 == 0, "seccomp refuses loads that are not aligned"
            (value,) = struct.unpack_from("<I", data, k)
        elif code == 0x06:  # BPF_RET | BPF_K
            return int(k)
        else:
            met = {0x15: value == k, 0x25: value > k, 0x35: value >= k, 0x45: bool(value & k)}[code]
            at += if_true if met else if_false


@pytest.fixture(params=sorted(MACHINES))
def machine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def run(machine: str):
    """Return a function that judges a call by its name's numbers on one machine."""
    program = seccomp_program(machine)
    column = ["x86_64", "aarch64"].index(machine)

    def judged(numbers, *arguments):
        if numbers[column] is None:
            return None
        return judge(program, numbers[column], arguments, architecture=MACHINES[machine])

    return judged


@pytest.mark.parametrize("name", sorted(seccomp._REFUSED))
def test_refused(run, name):
    assert run(seccomp._REFUSED[name], 1, 2, 3) in (REFUSED, None)


@pytest.mark.parametrize("name", sorted(seccomp._ABSENT))
def test_answered_as_absent(run, name):
    assert run(seccomp._ABSENT[name]) == ABSENT


@pytest.mark.parametrize(
    "numbers",
    [(0, 63), (1, 64), (9, 222), (59, 221), (57, None), (202, 98), (105, 146), (157, 167), (302, 261), (435 - 1, 434)],
    ids=["read", "write", "mmap", "execve", "fork", "futex", "setuid", "prctl", "prlimit64", "pidfd_open"],
)
def test_allowed(run, numbers):
    assert run(numbers) in (ALLOW, None)


@pytest.mark.parametrize("bit", [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000])
def test_clone_makes_no_namespace(run, bit):
    assert run((56, 220), bit | 17) == REFUSED
    assert run((56, 220), 0x3D0F00 | bit) == REFUSED


def test_clone_makes_processes_and_threads(run):
    assert run((56, 220), 17) == ALLOW
    assert run((56, 220), 0x3D0F00) == ALLOW


@given(family=st.integers(0, 2**64 - 1))
def test_sockets_are_local_only(family):
    """The kernel takes the family for a number of 32 bits, so the upper ones must not hide it."""
    program = seccomp_program("x86_64")
    expected = ALLOW if family % 2**32 == 1 else REFUSED
    assert judge(program, 41, (family, 1)) == judge(program, 53, (family, 1)) == expected


@pytest.mark.parametrize("command", [0x5412, 0x541C, 0x5412 | 1 << 32])
def test_nothing_is_typed_into_a_terminal(run, command):
    assert run((16, 29), 0, command) == REFUSED


def test_other_commands_to_devices(run):
    assert run((16, 29), 0x5412, 0x5401) == ALLOW


def test_personality_can_be_asked_for_only(run):
    assert run((135, 92), 0xFFFFFFFF) == ALLOW
    assert run((135, 92), 0) == ALLOW
    assert run((135, 92), 0x0040000) == REFUSED


def test_other_architectures_are_ended(machine):
    program = seccomp_program(machine)
    for architecture in {X86_64, AARCH64, I386} - {MACHINES[machine]}:
        assert judge(program, 0, architecture=architecture) == KILL


@given(number=st.integers(0x40000000, 0xFFFFFFFF))
def test_x32_is_ended(number):
    assert judge(seccomp_program("x86_64"), number) == KILL


@given(number=st.integers(457, 0x3FFFFFFF))
def test_calls_of_later_kernels_are_absent(number):
    assert judge(seccomp_program("x86_64"), number) == ABSENT
    assert judge(seccomp_program("aarch64"), number, architecture=AARCH64) == ABSENT


@given(number=st.integers(0, 2**32 - 1), arguments=st.tuples(*[st.integers(0, 2**64 - 1)] * 3))
def test_every_call_gets_one_of_four_answers(number, arguments):
    for machine, architecture in MACHINES.items():
        answer = judge(seccomp_program(machine), number, arguments, architecture=architecture)
        assert answer in (ALLOW, KILL, REFUSED, ABSENT)


def test_program_is_one_that_the_kernel_takes(machine):
    program = seccomp_program(machine)
    steps = [struct.unpack_from("<HBBI", program, at) for at in range(0, len(program), 8)]
    assert 0 < len(steps) <= 4096
    assert steps[-1][0] == 0x06
    for position, (code, if_true, if_false, _) in enumerate(steps):
        if code in (0x15, 0x25, 0x35, 0x45):
            assert position + 1 + max(if_true, if_false) < len(steps)


def test_numbers_are_those_of_the_kernel(machine):
    if not HEADERS[machine].is_file():
        pytest.skip(f"needs the kernel's headers: {HEADERS[machine]}")
    text = HEADERS[machine].read_text()
    known = {name: int(number) for name, number in re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", text)}
    column = sorted(MACHINES, reverse=True).index(machine)
    checked = seccomp._REFUSED | seccomp._ABSENT
    checked |= {"clone": seccomp._CLONE, "socket": seccomp._SOCKET, "socketpair": seccomp._SOCKETPAIR}
    checked |= {"ioctl": seccomp._IOCTL, "personality": seccomp._PERSONALITY}
    for name, numbers in checked.items():
        # Older headers lack the later calls.
        assert known.get(name, numbers[column]) == numbers[column], name


@pytest.mark.parametrize("machine", ["riscv64", "i686", "ppc64le", ""])
def test_unknown_processors(machine):
    with pytest.raises(IsolationUnavailable, match="x86_64 and aarch64"):
        seccomp_program(machine)
