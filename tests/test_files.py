"""Files that belong together are replaced together or not at all."""

from pathlib import Path

import pytest

from leadscore.files import replace_file, replace_files


def test_files_are_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    """New content, no temporary files, readable by others, folders made on the way."""
    folder = tmp_path / "new" / "folder"
    replace_files(folder, {"a": b"1", "b": b"2"})
    replace_file(folder / "a", b"3")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"a": b"3", "b": b"2"}
    assert (folder / "a").stat().st_mode & 0o444 == 0o444


def test_failure_while_writing_keeps_every_old_file(tmp_path: Path) -> None:
    """A disk that fills up (here: content that cannot be written) changes nothing."""
    replace_files(tmp_path, {"a": b"old", "b": b"old"})
    with pytest.raises(TypeError):
        replace_files(tmp_path, {"a": b"new", "b": "not bytes"})  # type: ignore[dict-item]
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"old", "b": b"old"}
