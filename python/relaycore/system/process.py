"""What this process uses."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

__all__ = ["open_descriptors", "resident_bytes"]


def open_descriptors() -> int:
    """How many files, sockets and pipes the process has open. OSError where the system does not show it."""
    if sys.platform == "win32":
        raise OSError("handles of Windows are more than these")
    folder = Path("/dev/fd" if sys.platform == "darwin" else "/proc/self/fd")
    return sum(1 for _ in folder.iterdir())


def resident_bytes() -> int:
    """Bytes of the process that are in memory. OSError where the system does not show it.

    On Linux the second number of ``statm``: resident pages (proc(5)).
    """
    if sys.platform == "win32":
        return _working_set()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if sys.platform == "win32":

    class _MemoryCounters(ctypes.Structure):
        """``PROCESS_MEMORY_COUNTERS`` of psapi.h."""

        _fields_ = (
            ("size", ctypes.c_uint32),
            ("page_faults", ctypes.c_uint32),
            ("peak_working_set", ctypes.c_size_t),
            ("working_set", ctypes.c_size_t),
            ("rest", ctypes.c_size_t * 6),
        )

    def _working_set() -> int:
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.GetCurrentProcess.restype = ctypes.c_void_p
        ask = kernel.K32GetProcessMemoryInfo
        ask.argtypes = (ctypes.c_void_p, ctypes.POINTER(_MemoryCounters), ctypes.c_uint32)
        counters = _MemoryCounters()
        counters.size = ctypes.sizeof(counters)
        if not ask(kernel.GetCurrentProcess(), ctypes.byref(counters), counters.size):
            raise ctypes.WinError(ctypes.get_last_error())
        return int(counters.working_set)
