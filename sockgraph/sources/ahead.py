"""Working ahead: one thread makes what another uses, a few pieces before they are wanted."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

T = TypeVar("T")
_END = object()


def ahead(items: Iterator[T], depth: int = 4) -> Generator[T]:
    """Yield the items in their order, made in a thread of their own, at most `depth` ahead.

    Unpacking and parsing leave Python's lock free, so that two cores work at once; memory stays at
    a few pieces. Whatever making them raises is raised here, in its place. If nobody wants the
    rest, the thread ends.
    """
    made: queue.Queue[object] = queue.Queue(maxsize=depth)
    unwanted = threading.Event()
    thread = threading.Thread(target=_make, args=(items, made, unwanted), daemon=True)
    thread.start()
    try:
        while (item := made.get()) is not _END:
            if isinstance(item, _Raised):
                raise item.error
            yield cast("T", item)
    finally:
        unwanted.set()
        while thread.is_alive():  # it may be waiting for a place
            _empty(made)
            thread.join(0.05)


class _Raised:
    def __init__(self, error: BaseException) -> None:
        self.error = error


def _make(items: Iterator[T], made: queue.Queue[object], unwanted: threading.Event) -> None:
    try:
        for item in items:
            made.put(item)
            if unwanted.is_set():
                return
        made.put(_END)
    except BaseException as error:  # noqa: BLE001 - handed over, and raised where it is wanted
        made.put(_Raised(error))


def _empty(made: queue.Queue[object]) -> None:
    while not made.empty():
        made.get_nowait()
