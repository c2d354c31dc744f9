"""A form with one file, read no further than it may be long. The file lies on disk while it is used, and is gone then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory

from anyio.to_thread import run_sync
from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from console.web.problems import Problem

FIELDS_MAX = 8
FIELD_BYTES_MAX = 8192
READ_WITHIN_S = 300.0


@dataclass(frozen=True, slots=True)
class Uploaded:
    """The texts of a form by name, and its file, if one was chosen, under a name of ours."""

    texts: dict[str, str]
    file: Path | None


@asynccontextmanager
async def uploaded(request: Request, field: str, bytes_max: int) -> AsyncIterator[Uploaded]:
    """What was sent. Raises Problem for what is no such form, is too large, or does not come in time."""
    form = await _read(request, bytes_max)
    try:
        with TemporaryDirectory(prefix="phasegate-upload-") as folder:
            texts = {name: value for name, value in form.items() if isinstance(value, str)}
            file = form.get(field)
            place = await run_sync(_kept, file, Path(folder)) if isinstance(file, UploadFile) else None
            yield Uploaded(texts, place)
    finally:
        await form.close()


def _kept(file: UploadFile, folder: Path) -> Path | None:
    """None for the empty part without a name that browsers send where no file was chosen."""
    if not file.filename and not file.size:
        return None
    place = folder / "uploaded"
    with place.open("xb") as target:
        copyfileobj(file.file, target)
    return place


async def _read(request: Request, bytes_max: int) -> FormData:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise Problem("unsupported-media-type", f"content-type is {kind[:100]!r}; send multipart/form-data")
    parser = MultiPartParser(
        request.headers,
        _bounded(request, bytes_max),
        max_files=1,
        max_fields=FIELDS_MAX,
        max_part_size=FIELD_BYTES_MAX,
    )
    try:
        async with asyncio.timeout(READ_WITHIN_S):
            return await parser.parse()
    except MultiPartException as error:
        raise Problem("malformed-request", error.message) from None
    except ClientDisconnect:
        raise Problem("malformed-request", "the sender went away before the end of the form") from None
    except TimeoutError:
        raise Problem("too-slow", f"no end came within {READ_WITHIN_S:g} s", {"connection": "close"}) from None


async def _bounded(request: Request, bytes_max: int) -> AsyncGenerator[bytes, None]:
    length, said = 0, request.headers.get("content-length", "")
    if said.isascii() and said.isdigit() and int(said[:20]) > bytes_max:
        length = bytes_max + 1
    async for part in request.stream():
        length += len(part)
        if length > bytes_max:
            raise Problem("too-large", f"at most {bytes_max} bytes are read", {"connection": "close"})
        yield part
