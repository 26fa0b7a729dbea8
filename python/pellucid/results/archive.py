"""One .npz file per result: stored arrays and a JSON header; numpy.load reads it too, without pickle.

A reader trusts nothing it finds. Members are stored, not compressed, so that what is read can never be
larger than the file. The header says shapes and types; each array member must then be, byte for byte, the
.npy header that `write` writes for them followed by exactly that many bytes, so no foreign .npy header is
ever parsed.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any, NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError, SaveFormatError

T = TypeVar("T")

SCHEMA = 1
_HEADER = "header.json"
_DTYPES = {"f": re.compile("<f8"), "i": re.compile("<i8"), "U": re.compile("<U[1-9][0-9]{0,7}")}
_LAST_CHARACTER = 0x10FFFF
_MOST_DIMENSIONS = 4


@dataclass(frozen=True)
class Format:
    """What files of one class hold.

    Attributes
    ----------
    name : the noun of the class, "attribution", as the header says it.
    owner : the method that writes such files, for messages.
    arrays : name -> "f" (float64), "i" (int64) or "U" (text).
    optional : those that may be absent.
    fields : what the header holds beside format, schema and arrays.
    """

    name: str
    owner: str
    arrays: Mapping[str, str]
    optional: frozenset[str]
    fields: frozenset[str]


def write(
    path: str | os.PathLike[str], form: Format, *, arrays: Mapping[str, NDArray[Any] | None], fields: dict[str, Any]
) -> None:
    """Write the file beside its place and move it there: the old one is there or the new one, whole."""
    target = _path(path)
    held = {name: _little_endian(array) for name, array in arrays.items() if array is not None}
    header = {
        "format": f"pellucid {form.name}",
        "schema": SCHEMA,
        "arrays": {name: {"dtype": array.dtype.str, "shape": list(array.shape)} for name, array in held.items()},
        **fields,
    }
    beside = target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}.tmp")
    try:
        with open(beside, "xb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                archive.writestr(_member(_HEADER), json.dumps(header, allow_nan=False, indent=1))
                for name, array in held.items():
                    archive.writestr(
                        _member(f"{name}.npy"), _npy_header(array.dtype.str, array.shape) + array.tobytes()
                    )
            file.flush()
            os.fsync(file.fileno())
        if target.is_file() and not target.is_symlink():
            shutil.copymode(target, beside)
        os.replace(beside, target)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise


def read(path: str | os.PathLike[str], form: Format, *, make: Callable[[dict[str, Any], dict[str, Any]], T]) -> T:
    """What `make(arrays, fields)` makes of a file of `write`; an optional array that is absent is None.

    OSError when the file cannot be opened, SaveFormatError for all else, an InputError of `make` included.
    """
    target = _path(path)
    with open(target, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        try:
            arrays, fields = _content(_members(file, size, form), form)
            return _made(make, arrays, fields, form)
        except SaveFormatError as error:
            raise SaveFormatError(f"{target} cannot be loaded: {error}") from error.__cause__
        except _DAMAGE as error:
            raise SaveFormatError(
                f"{target} cannot be loaded: the file is damaged or is no .npz file of "
                f"{form.owner} ({type(error).__name__}: {str(error)[:200]})"
            ) from error


def _made(
    make: Callable[[dict[str, Any], dict[str, Any]], T], arrays: dict[str, Any], fields: dict[str, Any], form: Format
) -> T:
    try:
        return make(arrays, fields)
    except InputError as error:
        raise SaveFormatError(f"what it holds is no {form.name}: {error}") from error


# What zipfile and json raise for bytes that are not theirs; EOFError and RuntimeError are documented by
# zipfile, the others are how its arithmetic on hostile offsets ends.
_DAMAGE = (
    zipfile.BadZipFile,
    EOFError,
    RuntimeError,
    NotImplementedError,
    ValueError,
    ArithmeticError,
    LookupError,
    OSError,
    MemoryError,
    TypeError,
)


def _path(path: Any) -> Path:
    if not isinstance(path, (str, os.PathLike)) or isinstance(path, bytes):
        raise InputError(f"path must be a path, got {type(path).__name__}")
    target = Path(path)
    if not target.name:
        raise InputError(f"path must name a file, got {str(path)!r}")
    return target


def _little_endian(array: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))


def _member(name: str) -> zipfile.ZipInfo:
    """With the oldest date a zip file knows, so that the same content gives the same bytes."""
    info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    info.external_attr = 0o644 << 16
    return info


def _npy_header(dtype: str, shape: tuple[int, ...]) -> bytes:
    """Magic, version 1.0, and the literal of the array format, padded to 64 bytes."""
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape!r}, }}"
    padding = -(len(text) + 11) % 64
    body = (text + " " * padding + "\n").encode("latin1")
    return b"\x93NUMPY\x01\x00" + len(body).to_bytes(2, "little") + body


def _refuse(sentence: str) -> NoReturn:
    raise SaveFormatError(sentence)


def _members(file: IO[bytes], size: int, form: Format) -> dict[str, bytes]:
    known = {_HEADER} | {f"{name}.npy" for name in form.arrays}
    found: dict[str, bytes] = {}
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            if info.filename not in known or info.filename in found:
                _refuse(f"it holds an unknown or repeated member {info.filename[:60]!r}")
            if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
                _refuse(f"its member {info.filename!r} is compressed, which files of {form.owner} never are")
            if info.file_size > size:
                _refuse(f"its member {info.filename!r} claims {info.file_size} bytes in a file of {size}")
            with archive.open(info) as member:
                found[info.filename] = member.read(info.file_size + 1)  # past the end: makes zipfile check the CRC
    return found


def _no_constant(name: str) -> NoReturn:
    _refuse(f"its header holds {name}, which is no JSON number")


def _header(members: dict[str, bytes], form: Format) -> dict[str, Any]:
    if _HEADER not in members:
        _refuse(f"it has no {_HEADER}; was it written by {form.owner}?")
    header = json.loads(members[_HEADER].decode("utf-8"), parse_constant=_no_constant)
    if not isinstance(header, dict) or header.get("format") != f"pellucid {form.name}":
        _refuse(f"its header is not that of a file of {form.owner}")
    schema = header.get("schema")
    if isinstance(schema, bool) or not isinstance(schema, int) or schema < 1:
        _refuse(f"its header gives no valid schema version (got {str(schema)[:40]})")
    if schema > SCHEMA:
        _refuse(f"it has schema version {schema} and this pellucid reads up to {SCHEMA}; install a newer pellucid")
    expected = {"format", "schema", "arrays"} | form.fields
    if set(header) != expected:
        _refuse(f"its header must hold {sorted(expected)}, got {sorted(header)[:12]}")
    return header


def _content(members: dict[str, bytes], form: Format) -> tuple[dict[str, Any], dict[str, Any]]:
    header = _header(members, form)
    claims = header["arrays"]
    if not isinstance(claims, dict) or {f"{name}.npy" for name in claims} | {_HEADER} != set(members):
        _refuse("the arrays named in its header are not the arrays it holds")
    missing = [name for name in form.arrays if name not in claims and name not in form.optional]
    if missing:
        _refuse(f"it lacks the arrays {missing}")
    arrays: dict[str, Any] = dict.fromkeys(form.optional)
    for name, claim in claims.items():
        arrays[name] = _array(name, claim, members[f"{name}.npy"], form)
    return arrays, {name: header[name] for name in form.fields}


def listed(fields: dict[str, Any], *names: str) -> list[tuple[Any, ...]]:
    """Fields of a header that must be lists, as tuples."""
    for name in names:
        if not isinstance(fields[name], list):
            _refuse(f"{name} in its header must be a list")
    return [tuple(fields[name]) for name in names]


def _array(name: str, claim: Any, member: bytes, form: Format) -> NDArray[Any]:
    if not isinstance(claim, dict) or set(claim) != {"dtype", "shape"}:
        _refuse(f"its header must give dtype and shape of {name}")
    dtype, shape = claim["dtype"], claim["shape"]
    if not isinstance(dtype, str) or not _DTYPES[form.arrays[name]].fullmatch(dtype):
        _refuse(f"{name} has dtype {str(dtype)[:40]!r}, which it never has")
    if (
        not isinstance(shape, list)
        or not all(isinstance(m, int) and not isinstance(m, bool) and 0 <= m < 2**62 for m in shape)
        or len(shape) > _MOST_DIMENSIONS
    ):
        _refuse(f"{name} has an impossible shape {str(shape)[:60]}")
    head = _npy_header(dtype, tuple(shape))
    width = 4 * int(dtype[2:]) if dtype[1] == "U" else 8
    if len(member) != len(head) + prod(shape) * width:
        _refuse(f"{name} claims {prod(shape) * width} bytes and has {len(member) - len(head)}")
    if not member.startswith(head):
        _refuse(f"the array header of {name} is not the one {form.owner} writes")
    if dtype[1] == "U" and (np.frombuffer(member, "<u4", offset=len(head)) > _LAST_CHARACTER).any():
        _refuse(f"{name} holds numbers that are no characters")
    flat: NDArray[Any] = np.frombuffer(member, dtype, count=prod(shape), offset=len(head))
    return flat.reshape(shape)
