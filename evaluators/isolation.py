"""Walls around one process, made of the Linux kernel's own: namespaces, a minimal root, limits, dropped rights.

Guarantees for what runs inside: its own user, mount, pid, ipc, uts and network namespaces; no file of the machine but the
interpreter, its libraries and what it is given; no rights, no new ones, no dangerous system calls; and it ends when its
parent does. Works for root and, where the kernel allows user namespaces, for any other user. Linux 5.12 or newer.
"""

import contextlib
import ctypes
import os
import platform
import resource
import signal
import struct
import sys
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)

NEWNS, NEWCGROUP, NEWUTS, NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
NEWUSER, NEWPID, NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 24, 38
_SYSTEM = {  # numbers that have no function in the C library everywhere: mount_setattr, pivot_root, capset
    "x86_64": {"mount_setattr": 442, "pivot_root": 155, "capset": 126},
    "aarch64": {"mount_setattr": 442, "pivot_root": 41, "capset": 91},
}
_ARCHITECTURE = platform.machine()


class Impossible(OSError):
    """This machine does not allow the walls; the message says which and what the operator can do."""


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise Impossible(number, f"{what}: {os.strerror(number)}")
    return result


def _system_call(name: str, *arguments) -> None:
    number = _SYSTEM.get(_ARCHITECTURE, {}).get(name)
    if number is None:
        raise Impossible(0, f"the sandbox is not written for {_ARCHITECTURE} processors")
    _check(_libc.syscall(ctypes.c_long(number), *arguments), name)


def _mount(source, target, kind=None, flags=0, options=None) -> None:
    encoded = [os.fsencode(item) if item is not None else None for item in (source, target, kind)]
    _check(
        _libc.mount(*encoded, ctypes.c_ulong(flags), options.encode() if options else None),
        f"mount {source} on {target}",
    )


def _bind(source: str, target: str, attributes: int) -> None:
    """Bind a file or folder and set attributes on it and everything mounted below it."""
    _mount(source, target, None, MS_BIND | MS_REC)
    attr = struct.pack("QQQQ", attributes, 0, 0, 0)
    _system_call(
        "mount_setattr",
        ctypes.c_int(-100),
        os.fsencode(target),
        ctypes.c_uint(0x8000),
        attr,
        ctypes.c_size_t(len(attr)),
    )


def end_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when the one that forked it ends; end now if it already has."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def dumpable(allowed: bool) -> None:
    """Whether other processes of the same user may look into this one's memory."""
    _libc.prctl(PR_SET_DUMPABLE, int(allowed), 0, 0, 0)


def stranger() -> int:
    """A user id that nobody has, for root to become; one per process, so that limits count each run alone."""
    first, _, count = map(int, Path("/proc/self/uid_map").read_text().splitlines()[-1].split())
    return first + count - 2 - os.getpid() % max(count // 2, 1)


def unshare(user: int | None) -> None:
    """Leave the machine's namespaces. Afterwards this process has every right over its own, and none outside."""
    ours, flags = os.getpid(), NEWUSER | NEWNS | NEWPID | NEWIPC | NEWNET | NEWUTS | NEWCGROUP
    if user is None:
        uid, gid = os.geteuid(), os.getegid()
        _check(_libc.unshare(ctypes.c_int(flags)), "user namespaces are not allowed here")
        _write(f"/proc/{ours}/setgroups", "deny")
        _write(f"/proc/{ours}/uid_map", f"{uid} {uid} 1")
        _write(f"/proc/{ours}/gid_map", f"{gid} {gid} 1")
        return
    # Two ids are mapped, which only a process outside can do: root, for the mounts, and the stranger, for the work.
    ready, go = os.pipe()
    helper = os.fork()
    if helper == 0:
        code = 1
        with contextlib.suppress(OSError):
            os.close(go)
            if os.read(ready, 1):
                for name in ("uid_map", "gid_map"):
                    _write(f"/proc/{ours}/{name}", f"0 0 1\n{user} {user} 1")
                code = 0
        os._exit(code)
    os.close(ready)
    result = _libc.unshare(ctypes.c_int(flags))
    number = ctypes.get_errno()
    if result == 0:
        os.write(go, b"x")
    os.close(go)
    _, status = os.waitpid(helper, 0)
    if result or status:
        raise Impossible(
            number, "namespaces or their user ids are not allowed here (in a container: seccomp=unconfined)"
        )


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def interpreter_paths(package: Path) -> list[str]:
    """What Python and its libraries need to see: prefixes, system libraries, and the code of `package` alone."""
    wanted = ["/usr", "/lib", "/lib64", "/lib32", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d"]
    libraries = [path for path in sys.path if "-packages" in path]
    # Where an environment is reached by a link, the link and what it leads to.
    wanted += [
        *map(os.path.realpath, (sys.base_prefix, sys.prefix, *libraries)),
        sys.base_prefix,
        sys.prefix,
        str(package),
    ]
    wanted += [os.environ["NUMBA_CACHE_DIR"]] if os.environ.get("NUMBA_CACHE_DIR") else []
    wanted += ["/sys"] if os.path.exists("/dev/nvidiactl") else []  # where the driver's library looks its device up
    kept: list[str] = []
    for path in wanted:
        for place in (path, os.path.realpath(path)):  # a link is shown as one, and where it leads too
            if os.path.lexists(place) and not any(Path(place).is_relative_to(other) for other in kept):
                kept.append(place)
    return kept


def build_root(root: str, shown: list[str], given: dict[str, str], work: str) -> None:
    """Mount the minimal root at `root`: `shown` at their own places and `given` {path inside: path} read-only, `work` at /out."""
    _mount(None, "/", None, MS_REC | MS_PRIVATE)
    _mount("root", root, "tmpfs", MS_NOSUID | MS_NODEV, "size=4m,nr_inodes=4096,mode=755")
    for name, size in (("/tmp", "64m"), ("/dev/shm", "64m")):
        os.makedirs(root + name)
        _mount("tmpfs", root + name, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, f"size={size},nr_inodes=1024,mode=1777")
    read_only = MS_RDONLY | MS_NOSUID | MS_NODEV
    for path in shown:  # after /tmp, where an installation may lie too
        if os.path.islink(path):
            os.makedirs(os.path.dirname(root + path), exist_ok=True)
            os.symlink(os.readlink(path), root + path)
        else:
            _bind(path, _place(root + path, path), read_only)
    for inside, path in given.items():
        _bind(os.path.realpath(path), _place(root + inside, path), read_only | MS_NOEXEC)
    _bind(work, _place(root + "/out", work), MS_NOSUID | MS_NODEV | MS_NOEXEC)
    devices = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"]
    for device in devices + [str(path) for path in Path("/dev").glob("nvidia*")]:
        if os.path.exists(device):
            _bind(device, _place(root + device, device), MS_NOSUID)
    os.makedirs(root + "/proc")
    _write(root + "/etc/passwd", f"kensa:x:{os.getuid()}:{os.getgid()}::/tmp:/none\n")


def _place(target: str, source: str) -> str:
    """An empty folder or file at `target`, for `source` to be mounted on."""
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        open(target, "a").close()
    return target


def enter_root(root: str) -> None:
    """Make `root` the only file system there is, read-only. The caller is the first process of its pid namespace."""
    os.chdir(root)
    with contextlib.suppress(Impossible):  # forbidden where the host's own /proc is masked; then there is none
        _mount("proc", root + "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    _system_call("pivot_root", b".", b".")
    _check(_libc.umount2(b".", 2), "umount of the old root")  # MNT_DETACH: the machine's files are gone
    os.chdir("/out")
    attr = struct.pack("QQQQ", MS_RDONLY, 0, 0, 0)
    _system_call("mount_setattr", ctypes.c_int(-100), b"/", ctypes.c_uint(0), attr, ctypes.c_size_t(len(attr)))


def limit(limits: dict) -> None:
    """Resource limits: memory, seconds of CPU, processes (threads count), open files, bytes per file; no core dumps."""
    for name, value in (
        (resource.RLIMIT_DATA, limits["memory"]),
        (resource.RLIMIT_CPU, limits["cpu"]),
        (resource.RLIMIT_NPROC, limits["processes"]),
        (resource.RLIMIT_FSIZE, limits["disk"]),
        (resource.RLIMIT_NOFILE, 512),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_MEMLOCK, 0 if not os.path.exists("/dev/nvidiactl") else resource.RLIM_INFINITY),
    ):
        hard = resource.getrlimit(name)[1]
        soft = min(int(value), hard) if hard != resource.RLIM_INFINITY else int(value)
        last = soft + 2 if name == resource.RLIMIT_CPU and hard == resource.RLIM_INFINITY else soft
        resource.setrlimit(name, (soft, last))  # for CPU first SIGXCPU, then SIGKILL


def drop_rights(user: int | None) -> None:
    """Become `user` if given, give up every capability for good, and close the system calls nobody here needs."""
    for capability in range(64):
        if _libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0):
            break
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    _system_call("capset", struct.pack("Ii", 0x20080522, 0), bytes(24))
    dumpable(True)  # else its own /proc/self belongs to root
    _check(_libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    _filter_system_calls()


# Refused with EPERM: other namespaces and mounts, spying on processes, kernel doors, sockets of any kind (the network
# namespace is empty anyway). Numbers per architecture: (x86_64, aarch64).
_REFUSED = {
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41),
    "chroot": (161, 51), "fsopen": (430, 430), "fsmount": (432, 432), "open_tree": (428, 428), "move_mount": (429, 429),
    "mount_setattr": (442, 442), "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "add_key": (248, 217),
    "request_key": (249, 218), "keyctl": (250, 219), "io_uring_setup": (425, 425), "kexec_load": (246, 104),
    "init_module": (175, 105), "finit_module": (313, 273), "socket": (41, 198), "execve": (59, 221),
    "execveat": (322, 281), "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "personality": (135, 92),
}  # fmt: skip
_ABSENT = {"clone3": (435, 435)}  # ENOSYS: the C library then uses clone, whose flags a filter can read
_CLONE = (56, 220)


def _filter_system_calls() -> None:
    """A seccomp filter, installed for good. Its program is a list of (code, jump if true, jump if false, value)."""
    column = {"x86_64": 0, "aarch64": 1}[_ARCHITECTURE]
    load, jump_equal, jump_any, jump_more, give = 0x20, 0x15, 0x45, 0x35, 0x06
    allow, refuse, absent, kill = 0x7FFF0000, 0x00050000 | 1, 0x00050000 | 38, 0x80000000
    audit = (0xC000003E, 0xC00000B7)[column]
    program = [(load, 0, 0, 4), (jump_equal, 1, 0, audit), (give, 0, 0, kill), (load, 0, 0, 0)]
    if column == 0:  # the x32 numbers, a second door to the same calls
        program += [(jump_more, 0, 1, 0x40000000), (give, 0, 0, refuse)]
    for numbers, answer in [(n, refuse) for n in _REFUSED.values()] + [(n, absent) for n in _ABSENT.values()]:
        program += [(jump_equal, 0, 1, numbers[column]), (give, 0, 0, answer)]
    namespaces = NEWUSER | NEWNS | NEWPID | NEWIPC | NEWNET | NEWUTS | NEWCGROUP
    program += [
        (jump_equal, 0, 3, _CLONE[column]),
        (load, 0, 0, 16),
        (jump_any, 0, 1, namespaces),
        (give, 0, 0, refuse),
    ]
    program += [(give, 0, 0, allow)]
    code = b"".join(struct.pack("HBBI", *step) for step in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("HxxxxxxP", len(program), ctypes.addressof(buffer))
    _check(_libc.prctl(PR_SET_SECCOMP, 2, header, 0, 0), "seccomp")
