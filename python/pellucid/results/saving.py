"""One .npz file per result: stored arrays and a JSON header; numpy.load reads it too, without pickle.

A reader trusts nothing it finds. Members are stored, not compressed, so that what is read can never be
larger than the file. The header says shapes and types; each array member must then be, byte for byte, the
.npy header that `save` writes for them followed by exactly that many bytes, so no foreign .npy header is
ever parsed.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import zipfile
from contextlib import suppress
from math import prod
from pathlib import Path
from typing import IO, Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError, SaveFormatError
from pellucid.results.attribution import Attribution
from pellucid.results.interactions import Interactions
from pellucid.results.report import Report

SCHEMA = 1
_HEADER = "header.json"


class _Form(NamedTuple):
    """What a file of one kind of result holds; `kinds` says of each array whether it is floats, integers or text."""

    result: type[Attribution] | type[Interactions]
    format: str
    named: str
    kinds: dict[str, str]
    optional: tuple[str, ...]


_SHARED = {"base_values": "f", "predictions": "f", "std_err": "f", "data": "f", "display": "U", "selected": "i"}
_OPTIONAL = ("std_err", "data", "display", "selected")
_ATTRIBUTION = _Form(Attribution, "pellucid attribution", "an attribution", {"values": "f", **_SHARED}, _OPTIONAL)
_INTERACTIONS = _Form(
    Interactions,
    "pellucid interactions",
    "interactions",
    {"values": "f", **_SHARED, "shapley_std_err": "f"},
    (*_OPTIONAL, "shapley_std_err"),
)
_DTYPES = {"f": re.compile("<f8"), "i": re.compile("<i8"), "U": re.compile("<U[1-9][0-9]{0,7}")}
_LAST_CHARACTER = 0x10FFFF
_FIELDS = {"format", "schema", "arrays", "parts", "outputs", "selected_names", "report"}


def save(result: Attribution | Interactions, path: str | os.PathLike[str]) -> None:
    """Write the file beside its place and move it there: the old one is there or the new one, whole."""
    target = _path(path)
    form = _INTERACTIONS if isinstance(result, Interactions) else _ATTRIBUTION
    arrays = {name: _little_endian(getattr(result, name)) for name in form.kinds if getattr(result, name) is not None}
    header = {
        "format": form.format,
        "schema": SCHEMA,
        "arrays": {name: {"dtype": array.dtype.str, "shape": list(array.shape)} for name, array in arrays.items()},
        "parts": list(result.parts),
        "outputs": list(result.outputs),
        "selected_names": list(result.selected_names),
        "report": result.report.to_dict(),
    }
    beside = target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}.tmp")
    try:
        with open(beside, "xb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                archive.writestr(_member(_HEADER), json.dumps(header, allow_nan=False, indent=1))
                for name, array in arrays.items():
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


def load(path: str | os.PathLike[str]) -> Attribution:
    """Read a file of `save`; see there. OSError when it cannot be opened, SaveFormatError for all else."""
    found = _load(path, _ATTRIBUTION)
    assert isinstance(found, Attribution)
    return found


def load_interactions(path: str | os.PathLike[str]) -> Interactions:
    """The same for `Interactions`."""
    found = _load(path, _INTERACTIONS)
    assert isinstance(found, Interactions)
    return found


def _load(path: str | os.PathLike[str], form: _Form) -> Attribution | Interactions:
    target = _path(path)
    with open(target, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        try:
            return _result(_members(file, size, form), form)
        except SaveFormatError as error:
            raise SaveFormatError(f"{target} cannot be loaded: {error}") from error.__cause__
        except _DAMAGE as error:
            raise SaveFormatError(
                f"{target} cannot be loaded: the file is damaged or is no .npz file of "
                f"{form.result.__name__}.save ({type(error).__name__}: {str(error)[:200]})"
            ) from error


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


def _members(file: IO[bytes], size: int, form: _Form) -> dict[str, bytes]:
    known = {_HEADER} | {f"{name}.npy" for name in form.kinds}
    found: dict[str, bytes] = {}
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            if info.filename not in known or info.filename in found:
                _refuse(f"it holds an unknown or repeated member {info.filename[:60]!r}")
            if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
                _refuse(
                    f"its member {info.filename!r} is compressed, which files of {form.result.__name__}.save never are"
                )
            if info.file_size > size:
                _refuse(f"its member {info.filename!r} claims {info.file_size} bytes in a file of {size}")
            with archive.open(info) as member:
                found[info.filename] = member.read(info.file_size + 1)  # past the end: makes zipfile check the CRC
    return found


def _no_constant(name: str) -> NoReturn:
    _refuse(f"its header holds {name}, which is no JSON number")


def _header(members: dict[str, bytes], form: _Form) -> dict[str, Any]:
    if _HEADER not in members:
        _refuse(f"it has no {_HEADER}; was it written by {form.result.__name__}.save?")
    header = json.loads(members[_HEADER].decode("utf-8"), parse_constant=_no_constant)
    if not isinstance(header, dict) or header.get("format") != form.format:
        _refuse(f"its header is not one of {form.named}")
    schema = header.get("schema")
    if isinstance(schema, bool) or not isinstance(schema, int) or schema < 1:
        _refuse(f"its header gives no valid schema version (got {str(schema)[:40]})")
    if schema > SCHEMA:
        _refuse(f"it has schema version {schema} and this pellucid reads up to {SCHEMA}; install a newer pellucid")
    if set(header) != _FIELDS:
        _refuse(f"its header must hold {sorted(_FIELDS)}, got {sorted(header)[:12]}")
    return header


def _result(members: dict[str, bytes], form: _Form) -> Attribution | Interactions:
    header = _header(members, form)
    claims = header["arrays"]
    if not isinstance(claims, dict) or {f"{name}.npy" for name in claims} | {_HEADER} != set(members):
        _refuse("the arrays named in its header are not the arrays it holds")
    missing = [name for name in form.kinds if name not in claims and name not in form.optional]
    if missing:
        _refuse(f"it lacks the arrays {missing}")
    arrays = {name: _array(name, claim, members[f"{name}.npy"], form) for name, claim in claims.items()}
    for name in ("parts", "outputs", "selected_names"):
        if not isinstance(header[name], list):
            _refuse(f"{name} in its header must be a list")
    try:
        held: dict[str, Any] = {"std_err": None, **arrays}
        return form.result(
            **held,
            parts=tuple(header["parts"]),
            outputs=tuple(header["outputs"]),
            selected_names=tuple(header["selected_names"]),
            report=Report.from_dict(header["report"]),
        )
    except InputError as error:
        raise SaveFormatError(f"what it holds is not {form.named}: {error}") from error


def _array(name: str, claim: Any, member: bytes, form: _Form) -> NDArray[Any]:
    if not isinstance(claim, dict) or set(claim) != {"dtype", "shape"}:
        _refuse(f"its header must give dtype and shape of {name}")
    dtype, shape = claim["dtype"], claim["shape"]
    if not isinstance(dtype, str) or not _DTYPES[form.kinds[name]].fullmatch(dtype):
        _refuse(f"{name} has dtype {str(dtype)[:40]!r}, which it never has")
    if (
        not isinstance(shape, list)
        or not all(isinstance(m, int) and not isinstance(m, bool) and 0 <= m < 2**62 for m in shape)
        or len(shape) > 4
    ):
        _refuse(f"{name} has an impossible shape {str(shape)[:60]}")
    head = _npy_header(dtype, tuple(shape))
    width = 4 * int(dtype[2:]) if dtype[1] == "U" else 8
    if len(member) != len(head) + prod(shape) * width:
        _refuse(f"{name} claims {prod(shape) * width} bytes and has {len(member) - len(head)}")
    if not member.startswith(head):
        _refuse(f"the array header of {name} is not the one {form.result.__name__}.save writes")
    if dtype[1] == "U" and (np.frombuffer(member, "<u4", offset=len(head)) > _LAST_CHARACTER).any():
        _refuse(f"{name} holds numbers that are no characters")
    flat: NDArray[Any] = np.frombuffer(member, dtype, count=prod(shape), offset=len(head))
    return flat.reshape(shape)
