"""Small TOML files that the user's programs share: read when they changed, written as a whole."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import filelock
import tomli_w
from pydantic import BaseModel, ValidationError

from pastiche_daemon.packs.files import part_file, storage_errors

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ModelT = TypeVar("ModelT", bound=BaseModel)

_LARGEST = 1 << 20
_LOCK_SECONDS = 30.0


class FileProblemError(Exception):
    """The file cannot be read or makes no sense; the message names it and says what is wrong."""


class _Stamp(NamedTuple):
    modified_ns: int
    size: int
    inode: int


class ListFile(Generic[ModelT]):
    """A TOML file of one pydantic model. Without a file, the model's defaults count."""

    def __init__(self, path: Path, model: type[ModelT]) -> None:
        self.path = path
        self._model = model
        self._seen: tuple[_Stamp | None, ModelT | FileProblemError] | None = None

    def read(self) -> ModelT:
        """What the file says now; it is read again only after it changed.

        Raises `FileProblemError`.
        """
        try:
            status = self.path.stat()
            stamp = _Stamp(status.st_mtime_ns, status.st_size, status.st_ino)
        except FileNotFoundError:
            stamp = None
        except OSError as error:
            raise self._problem(error.strerror or str(error)) from error
        seen = self._seen
        if seen is None or seen[0] != stamp:
            seen = self._seen = (stamp, self._load(stamp))
        if isinstance(seen[1], FileProblemError):
            raise FileProblemError(*seen[1].args)
        return seen[1]

    @contextmanager
    def changing(self) -> Iterator[Callable[[ModelT], None]]:
        """Hold the file's lock, and give what writes another model in its place.

        Raises `StorageError` or `StorageFullError` where it cannot be written, and leaves the
        file as it was.
        """
        with storage_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = filelock.FileLock(self.path.with_name(f".{self.path.name}.lock"))
            try:
                lock.acquire(timeout=_LOCK_SECONDS)
            except filelock.Timeout as error:
                raise OSError(None, "another program holds its lock") from error
        try:
            yield self._write
        finally:
            lock.release()

    def _write(self, value: ModelT) -> None:
        data = tomli_w.dumps(value.model_dump(mode="json", exclude_none=True)).encode()
        with part_file(self.path, private=True) as part:
            part.file.write(data)
            part.finish()
            part.move_to(self.path)

    def _load(self, stamp: _Stamp | None) -> ModelT | FileProblemError:
        if stamp is None:
            return self._model()
        try:
            with self.path.open("rb") as file:
                data = file.read(_LARGEST + 1)
            if len(data) > _LARGEST:
                return self._problem(f"it has more than {_LARGEST} bytes")
            return self._model.model_validate(tomllib.loads(data.decode("utf-8")))
        except FileNotFoundError:
            return self._model()
        except OSError as error:
            return self._problem(error.strerror or str(error))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = ".".join(str(part) for part in first["loc"])[:100]
            return self._problem(f"{field}: {first['msg'][:200]}")
        except (ValueError, RecursionError) as error:
            return self._problem(f"it is not TOML: {error!s:.200}")

    def _problem(self, what: str) -> FileProblemError:
        return FileProblemError(f"{self.path} cannot be used ({what}); correct or delete it")
