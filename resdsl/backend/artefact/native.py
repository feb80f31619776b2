"""Runs a package by torch's C library alone: `import torch` takes longer than all else until the first answer.

A package is a shared library with the C interface of AOTInductor, which is stable across versions, and needs
`libtorch_cpu.so` and no Python. What this does not serve, `load` runs with torch itself.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import sys
import zipfile
from ctypes import byref, c_char_p, c_int32, c_int64, c_size_t, c_void_p
from pathlib import Path
from typing import TYPE_CHECKING

from resdsl.backend.artefact.about import DAMAGED, BadArtefact, torch_folder

if TYPE_CHECKING:
    import numpy


class NotNative(Exception):
    """A package, or this system, needs torch itself."""


class Native:
    """A package for the CPU, on Linux. Arrays go in and come out, as float32.

    Raises:
        NotNative: only torch itself can run it.
        BadArtefact: the file is damaged.
    """

    def __init__(self, path: str | Path) -> None:
        if sys.platform != "linux":
            raise NotNative
        try:
            self._torch = ctypes.CDLL(str(torch_folder() / "lib" / "libtorch_cpu.so"), ctypes.RTLD_GLOBAL)
            self._net = _library(path)
            self._reason = self._net.AOTInductorGetLastError
            self._container = c_void_p()
            self._check(
                self._net.AOTInductorModelContainerCreateWithDevice(
                    byref(self._container), c_size_t(1), b"cpu", None
                )
            )
            self._outputs = c_size_t()
            self._check(
                self._net.AOTInductorModelContainerGetNumOutputs(self._container, byref(self._outputs))
            )
        except (OSError, AttributeError):  # AttributeError: torch has changed
            raise NotNative from None

    def __call__(self, *arrays: numpy.ndarray) -> list[numpy.ndarray]:
        """The outputs, in order. Raises BadArtefact, with what the package says."""
        inputs = (c_void_p * len(arrays))(*map(self._tensor, arrays))
        outputs = (c_void_p * self._outputs.value)()
        run = self._net.AOTInductorModelContainerRun  # takes the inputs, and gives the outputs, to keep
        sizes = c_size_t(len(inputs)), c_size_t(len(outputs))
        self._check(run(self._container, inputs, sizes[0], outputs, sizes[1], None, None))
        return [self._array(c_void_p(handle)) for handle in outputs]

    def _tensor(self, array: numpy.ndarray) -> int | None:
        dims = c_int64 * array.ndim
        made = c_void_p()
        self._check(
            self._torch.aoti_torch_create_tensor_from_blob(
                c_void_p(array.ctypes.data),
                c_int64(array.ndim),
                dims(*array.shape),
                dims(*(stride // array.itemsize for stride in array.strides)),
                c_int64(0),
                c_int32(self._torch.aoti_torch_dtype_float32()),
                c_int32(self._torch.aoti_torch_device_type_cpu()),
                c_int32(0),
                byref(made),
            )
        )
        return made.value

    def _array(self, tensor: c_void_p) -> numpy.ndarray:
        import numpy

        torch = self._torch
        kind, dims, data = c_int32(), c_int64(), c_void_p()
        shape, strides = ctypes.POINTER(c_int64)(), ctypes.POINTER(c_int64)()
        try:
            self._check(torch.aoti_torch_get_dtype(tensor, byref(kind)))
            if kind.value != torch.aoti_torch_dtype_float32():
                raise BadArtefact("its outputs are not float32")
            self._check(torch.aoti_torch_get_dim(tensor, byref(dims)))
            self._check(torch.aoti_torch_get_sizes(tensor, byref(shape)))
            self._check(torch.aoti_torch_get_strides(tensor, byref(strides)))
            self._check(torch.aoti_torch_get_data_ptr(tensor, byref(data)))
            of, steps = shape[: dims.value], strides[: dims.value]
            size = 1 + sum((n - 1) * step for n, step in zip(of, steps, strict=True)) if all(of) else 0
            values = numpy.ctypeslib.as_array(ctypes.cast(data, ctypes.POINTER(ctypes.c_float)), (size,))
            seen = numpy.lib.stride_tricks.as_strided(values, of, [4 * step for step in steps])
            return seen.copy()
        finally:
            torch.aoti_torch_delete_tensor_object(tensor)

    def _check(self, failed: int) -> None:
        if failed:
            text = c_char_p()
            self._reason(byref(text))
            raise BadArtefact((text.value or b"torch gives no reason").decode(errors="replace").strip())


def _library(path: str | Path) -> ctypes.CDLL:
    """The shared library in a package, loaded from a file in memory."""
    with zipfile.ZipFile(path) as archive:
        parts = [name for name in archive.namelist() if re.search(r"/aotinductor/model/[^/]+$", name)]
        libraries = [name for name in parts if name.endswith(".so")]
        # Other parts are weights, or tables of ops that have no C interface.
        if len(libraries) != 1 or not all(p.endswith((".so", ".cpp", "_metadata.json")) for p in parts):
            raise NotNative
        memory = os.memfd_create("net")  # stays open: the system knows a loaded library by its path
        try:
            with archive.open(libraries[0]) as packed, os.fdopen(memory, "wb", closefd=False) as file:
                shutil.copyfileobj(packed, file, 2**20)
        except BaseException as error:
            os.close(memory)
            if isinstance(error, zipfile.BadZipFile):
                raise BadArtefact(DAMAGED) from None
            raise
    return ctypes.CDLL(f"/proc/self/fd/{memory}")
