"""The memory of an index: counts its arrays; beyond a limit they are in files that are mapped into memory."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import numpy.typing as npt

from airflow_provider_ssis.engine.context import RunOptions
from airflow_provider_ssis.engine.data_flow.memory.spilling import spilling
from airflow_provider_ssis.engine.temporary_folders import TemporaryFolder


class IndexMemory:
    """Makes arrays.

    :param options: the bytes that they may take before they are in files, and where the files are.
    :param used: the bytes that something else has taken of them. Default: 0.
    """

    def __init__(self, options: RunOptions, used: int = 0) -> None:
        self._options = options
        self._left = options.memory_limit - used
        self._folder: TemporaryFolder | None = None
        self._files = 0
        self.size = 0
        """The bytes of all arrays."""

    def array(self, count: int, dtype: type[np.generic]) -> npt.NDArray[Any]:
        """Return an array; its values are arbitrary.

        :param count: the number of its values.
        :raises TaskFailure: the disk has too little space for it.
        """
        size = max(count, 1) * np.dtype(dtype).itemsize
        self.size += size
        if size <= self._left:
            self._left -= size
            return np.empty(count, dtype)
        with spilling(self._options.temp_folder, f"an index of {size:,} bytes"):
            return self._mapped(count, dtype, size)

    def _mapped(self, count: int, dtype: type[np.generic], size: int) -> npt.NDArray[Any]:
        if self._folder is None:
            self._folder = TemporaryFolder(self._options.temp_folder)
        self._files += 1
        path = self._folder.path / f"index{self._files}"
        with path.open("wb") as file:
            # A write into a mapped file on a full disk would end the process, so the disk's blocks are taken before.
            os.posix_fallocate(file.fileno(), 0, size)
        # A plain array, because results of numpy's functions have the class of their arguments.
        return np.asarray(np.memmap(path, dtype, "r+", shape=(max(count, 1),))[:count])

    def close(self) -> None:
        """Remove the files; the system frees their blocks when the last array is freed. Can be called twice."""
        if self._folder is not None:
            self._folder.remove()
            self._folder = None
