"""Files of meters: a path, a folder, a pattern, or several; grouped by what their columns are."""

from __future__ import annotations

import difflib
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from varme.data.meters import sql
from varme.data.tabular import TableFile, open_table
from varme.ground.errors import Collector, VarmeError

SUFFIXES = (".csv", ".txt", ".tsv", ".csv.gz", ".txt.gz", ".tsv.gz", ".parquet")


@dataclass(frozen=True)
class FileGroup:
    """Files with the same columns: read in one go.

    Attributes:
        files: The files, sorted by name.
        table: How they are read, found out from the first one.
    """

    files: tuple[Path, ...]
    table: TableFile

    @property
    def parquet(self) -> bool:
        """Whether these are Parquet files."""
        return self.files[0].suffix == ".parquet"


def find_files(files: str | Sequence[str], base: Path, where: str, problems: Collector) -> list[Path]:
    """Return the files that paths, folders and patterns name, each once, sorted within each of them.

    Args:
        files: One or several paths.
        base: Folder that relative paths start from.
        where: Field that names them, for messages.
        problems: Takes P200 for everything that names no file.
    """
    found: dict[Path, None] = {}
    for entry in [files] if isinstance(files, str) else files:
        path = base / entry
        if path.is_file():
            chosen = [path]
        elif path.is_dir():
            chosen = _in_folder(path)
            if not chosen:
                kinds = ", ".join(SUFFIXES)
                problems.add(
                    "P200", f"{where}.files", "the folder holds no file of readings", value=entry, limit=kinds
                )
        else:
            chosen = _matching(base, entry)
            if not chosen:
                near = _nearest(path)
                remedy = f"Did you mean {near}?" if near else ""
                problems.add("P200", f"{where}.files", "no such file", value=str(path), remedy=remedy)
        found |= dict.fromkeys(chosen)
    return list(found)


def _usable(path: Path) -> bool:
    return path.is_file() and path.name.lower().endswith(SUFFIXES) and not path.name.startswith(".")


def _in_folder(folder: Path) -> list[Path]:
    direct = sorted(p for p in folder.iterdir() if _usable(p))
    return direct or sorted(p for p in folder.rglob("*") if _usable(p))


def _matching(base: Path, pattern: str) -> list[Path]:
    if not any(sign in pattern for sign in "*?["):
        return []
    if Path(pattern).is_absolute():
        base, pattern = Path(Path(pattern).anchor), str(Path(pattern).relative_to(Path(pattern).anchor))
    return sorted(p for p in base.glob(pattern) if p.is_file())


def _nearest(path: Path) -> str:
    if not path.parent.is_dir():
        near = _nearest(path.parent) if path.parent != path.parent.parent else ""
        return f"folder {near}" if near and not near.startswith("folder ") else near
    match = difflib.get_close_matches(path.name, [p.name for p in path.parent.iterdir()], n=1)
    return match[0] if match else ""


def grouped(files: Sequence[Path], where: str, problems: Collector) -> list[FileGroup]:
    """Return the files in groups of equal columns; what cannot be opened becomes a problem."""
    groups: dict[tuple[str, ...], list[Path]] = {}
    for path in files:
        try:
            groups.setdefault(_columns(path, where), []).append(path)
        except VarmeError as error:
            problems.problems += error.problems
    opened = []
    for paths in groups.values():
        try:
            table = open_table(paths[0], f"{where}.files")
        except VarmeError as error:
            problems.problems += error.problems
            continue
        if table.header_line and not any(any(c.strip() for c in cells) for cells in table.first.values()):
            if len(paths) == 1 or all(p.stat().st_size == paths[0].stat().st_size for p in paths):
                names = ", ".join(p.name for p in paths[:3])
                problems.add("P220", f"{where}.files, {names}", "holds a header and no rows")
                continue
            table = open_table(max(paths, key=lambda p: p.stat().st_size), f"{where}.files")
        opened.append(FileGroup(tuple(paths), table))
    return opened


def _columns(path: Path, where: str) -> tuple[str, ...]:
    """Return what tells files of different columns apart: the header, or names and types of a Parquet file."""
    if path.suffix == ".parquet":
        table = open_table(path, f"{where}.files")
        return ("parquet", *(f"{c} {table.types[c]}" for c in table.columns))
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as file:
            for raw in file:
                line: bytes = raw
                if line.strip() and not line.startswith(b"#"):
                    return (path.suffix, line.strip().decode("utf-8", "replace"))
    except (OSError, EOFError):
        pass  # open_table says what is wrong
    return (path.suffix, str(path))


def described(path: Path, base: Path) -> str:
    """Return a file's name relative to the study, or whole if it lies elsewhere."""
    try:
        return str(path.relative_to(base))
    except ValueError:
        return str(path)


def scan_of(group: FileGroup, types: dict[str, str], options: Sequence[str], *, named: bool) -> str:
    """Return SQL that yields the rows of a group.

    Args:
        group: The files.
        types: Column -> DuckDB type, for those that are not read as text (CSV).
        options: Format options of ``read_csv``.
        named: Whether the rows are to have a column ``filename``.
    """
    paths = sql.texts([str(p) for p in group.files])
    extra = ", filename=true" if named else ""
    if group.parquet:
        return f"read_parquet({paths}, hive_partitioning=false{extra})"
    table = group.table
    columns = ", ".join(f"{sql.text(c)}: {sql.text(types.get(c, 'VARCHAR'))}" for c in table.columns)
    scan = table.scan
    dialect = scan[scan.index("skip=") : scan.index(", null_padding")]
    given = "".join(f", {o}" for o in options if o)
    return (
        f"read_csv({paths}, columns={{{columns}}}, auto_detect=false, header=true, {dialect}, "
        f"hive_partitioning=false{extra}{given})"
    )
