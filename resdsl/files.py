"""Writing files, whole or not at all, and why one cannot be read or written."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def write_file(path: str | Path, data: str | bytes) -> None:
    """Write next to the target and rename: an interrupted command leaves no partial file."""
    import tempfile  # most commands write nothing, and it takes longer to import than they to start

    path = Path(path)
    content = data.encode("utf-8") if isinstance(data, str) else data
    if path.exists() and not path.is_file():  # a device or a pipe stays one; a folder is refused
        path.write_bytes(content)
        return
    path = path.resolve()  # a link stays a link
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise


def check_target(path: str | Path) -> None:
    """Raise OSError before work that takes long, if no file can be written there."""
    import tempfile

    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "it is a folder", str(path))
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, f"there is no folder `{path.parent}`", str(path))
    if path.exists() and not path.is_file():
        return
    try:
        with tempfile.TemporaryFile(dir=path.resolve().parent):
            pass
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


def reason(error: OSError) -> str:
    """Why a file cannot be read or written, as a clause."""
    if error.errno == errno.ENOENT and error.strerror == os.strerror(errno.ENOENT):
        return "there is no such file"
    if error.errno == errno.EISDIR:
        return "it is a folder"
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        return "it is no folder"
    return (error.strerror or str(error)).lower()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
