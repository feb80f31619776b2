"""The memory that a process keeps."""

from __future__ import annotations

import ctypes
import os
from functools import cache

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
LARGEST = 32 * 2**20
"""Bytes up to which glibc may take a block from its heap."""


@cache
def keep_memory() -> bool:
    """Let this process keep the memory that it frees on the CPU, as torch does on a GPU; whether it does.

    glibc gives memory back as soon as the top of its heap is free, so that each training step fetches it again page by
    page, which takes a quarter of its time. Where the user has set glibc's own variables, these hold; where the C
    library is another, nothing changes. `malloc_trim` gives all back.
    https://man7.org/linux/man-pages/man3/mallopt.3.html
    """
    if os.environ.keys() & {"MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TOP_PAD_"}:
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # musl, macOS, Windows
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, LARGEST) and mallopt(M_TRIM_THRESHOLD, -1))
