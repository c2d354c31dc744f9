"""A small disk that can be filled and freed: a tmpfs where one may be mounted, else a limit on the size of files."""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MB = 1_000_000


class Mounted:
    """A file takes up all the room there is: whoever writes gets ENOSPC."""

    def __init__(self, folder: Path, size_mb: int) -> None:
        self.how, self.folder = f"a tmpfs of {size_mb} MB, filled by a file", folder
        self._filler, self.is_full = folder / "filler", False
        command = ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m,mode=755", "tmpfs", str(folder)]
        subprocess.run(command, check=True, capture_output=True)

    def fill(self) -> None:
        self.is_full = True
        with self._filler.open("wb", buffering=0) as filler, suppress(OSError):
            while filler.write(bytes(MB)):
                pass

    def free(self) -> None:
        self._filler.unlink(missing_ok=True)
        self.is_full = False

    def close(self) -> None:
        subprocess.run(["umount", "--lazy", str(self.folder)], check=False)


class Limited:
    """Files of these processes may not grow beyond where a log's segment begins: whoever writes gets EFBIG."""

    def __init__(self, folder: Path) -> None:
        self.how, self.folder = "a limit on the size of files, which gives EFBIG", folder
        self.pids: Callable[[], list[int]] = list
        self.is_full = False

    def fill(self) -> None:
        self.is_full = True
        self._limit(8192)

    def free(self) -> None:
        self._limit(resource.RLIM_INFINITY)
        self.is_full = False

    def _limit(self, size: int) -> None:
        for pid in self.pids():
            with suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@contextmanager
def small_disk(size_mb: int) -> Iterator[Mounted | Limited]:
    """Says in `how` which of the two it became."""
    with tempfile.TemporaryDirectory(prefix="phasegate-disk-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        try:
            disk = Mounted(Path(name), size_mb) if os.geteuid() == 0 else None
        except (OSError, subprocess.CalledProcessError):
            disk = None
        if disk is None:
            yield Limited(Path(name))
            return
        try:
            yield disk
        finally:
            disk.close()
