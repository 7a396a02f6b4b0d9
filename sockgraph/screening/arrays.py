"""Between Arrow and NumPy without pandas, which pyarrow's own conversions import.

That import is a fifth of what a small wiki takes. Only numbers without nulls pass, and uncopied.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa


def plain(column: Any) -> Any:  # noqa: ANN401 - pyarrow is untyped
    """Return an Arrow array of numbers, without nulls, as NumPy sees it.

    >>> plain(pa.array([1.5, 2.5])).tolist()
    [1.5, 2.5]
    """
    kind = np.dtype(str(column.type).replace("double", "float64"))
    if not len(column):
        return np.empty(0, kind)
    return np.frombuffer(column.buffers()[1], kind, len(column), column.offset * kind.itemsize)


def arrow(values: Any) -> Any:  # noqa: ANN401 - pyarrow is untyped
    """Return a NumPy array of numbers as Arrow sees it.

    >>> arrow(np.array([3, 4], np.int32)).type
    DataType(int32)
    """
    whole = np.ascontiguousarray(values)
    kind = pa.from_numpy_dtype(whole.dtype)
    return pa.Array.from_buffers(kind, len(whole), [None, pa.py_buffer(whole)])
