from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.training.prepare.snapshot import snapshot
from training.data.configuration import read_config, read_list, write_config
from training.data.labels import DataError


def test_the_original_s_configuration(tmp_path: Path) -> None:
    path = tmp_path / "data.json"
    content = {
        "root": "/data",
        "train": {"b": "./b.train", "a": "/lists/a"},
        "test_emb": {"c": "c"},
        "test": {"d": "d"},
    }
    path.write_text(json.dumps(content))
    config = read_config(path)
    assert config.root == Path("/data")
    assert list(config.lists["train"].items()) == [("a", Path("/lists/a")), ("b", tmp_path / "b.train")]
    assert config.lists["test"] == {"d": tmp_path / "d"}


def test_a_list_by_line(tmp_path: Path) -> None:
    config = read_config(write_config(tmp_path, {}))
    listing = tmp_path / "a.train"
    listing.write_text("a/images/1.jpg\n\n /else/images/2.jpg \n")
    assert read_list(config, "a", listing) == {1: tmp_path / "a/images/1.jpg", 3: Path("/else/images/2.jpg")}
    with pytest.raises(DataError, match=r"gone: cannot be read: No such file.*data\.json names it for data set 'a'"):
        read_list(config, "a", tmp_path / "gone")


def test_data_sets_are_added_replaced_and_taken_out(tmp_path: Path) -> None:
    one, two = tmp_path / "a/images/1.jpg", tmp_path / "a/images/2.jpg"
    config = write_config(tmp_path, {"b": [two, one]})
    assert json.loads(config.read_text()) == {"root": ".", "train": {"b": "b.train"}}
    assert (tmp_path / "b.train").read_text() == "a/images/1.jpg\na/images/2.jpg\n"
    write_config(tmp_path, {"a": [one]}, {"a": [two]})
    content = {"root": ".", "train": {"a": "a.train", "b": "b.train"}, "test": {"a": "a.test"}}
    assert json.loads(config.read_text()) == content
    assert (tmp_path / "a.test").read_text() == "a/images/2.jpg\n"
    write_config(tmp_path, {"a": [one, two]}, {"a": []})  # now all of it is for training
    assert json.loads(config.read_text()) == {"root": ".", "train": {"a": "a.train", "b": "b.train"}}
    before = snapshot(tmp_path)
    write_config(tmp_path, {"a": [one, two]}, {"a": []})
    assert snapshot(tmp_path) == before


def test_other_keys_stay(tmp_path: Path) -> None:
    config = tmp_path / "data.json"
    config.write_text('{"root": ".", "train": {}, "test_emb": {"c": "c"}}')
    write_config(tmp_path, {"a": [tmp_path / "images/1.jpg"]})
    assert json.loads(config.read_text()) == {"root": ".", "train": {"a": "a.train"}, "test_emb": {"c": "c"}}


def test_a_configuration_of_another_root_is_not_extended(tmp_path: Path) -> None:
    config = tmp_path / "data.json"
    config.write_text('{"root": "elsewhere", "train": {}}')
    with pytest.raises(DataError, match=r"data\.json: its root is .*elsewhere; choose another --output"):
        write_config(tmp_path, {"a": [tmp_path / "images/1.jpg"]})
    assert not (tmp_path / "a.train").exists()


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"root": "."}',
        '{"root": ".", "train": ["a.train"]}',
        '{"root": 3, "train": {}}',
        '{"root": ".", "train": {"a": 1}}',
        '{"root": ".", "train": {}, "test": []}',
    ],
)
def test_what_is_no_configuration(tmp_path: Path, content: str) -> None:
    config = tmp_path / "data.json"
    config.write_text(content)
    with pytest.raises(DataError, match=r"data\.json: not a data configuration"):
        read_config(config)


def test_a_missing_configuration(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"data\.json: cannot be read: No such file.*mot-train data"):
        read_config(tmp_path / "data.json")


@pytest.mark.parametrize("name", ["a\u2028b", "a\x85b", "a\x0cb", "a b", "東"])
def test_any_name_in_a_line_is_read_back(tmp_path: Path, name: str) -> None:
    image = tmp_path / f"a/images/{name}.jpg"
    config = read_config(write_config(tmp_path, {"a": [image]}))
    assert read_list(config, "a", tmp_path / "a.train") == {1: image}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_list_that_windows_has_written(tmp_path: Path, encoding: str) -> None:
    """datvuthanh/HybridNets issue 113: PowerShell's > writes UTF-16."""
    config = read_config(write_config(tmp_path, {}))
    (tmp_path / "a.train").write_bytes("a/images/1.jpg\r\na/images/2.jpg\r\n".encode(encoding))
    assert list(read_list(config, "a", tmp_path / "a.train")) == [1, 2]


@pytest.mark.parametrize("name", [r"\ud800", r"crowd\u0000", "/dev/zero"])
def test_a_list_whose_name_is_none(tmp_path: Path, name: str) -> None:
    """Found by fuzzing: UnicodeEncodeError, ValueError, all of the memory."""
    path = tmp_path / "data.json"
    path.write_text(f'{{"root": "", "train": {{"mot17": "mot17.train", "crowd": "{name}"}}, "test": {{"": ""}}}}')
    config = read_config(path)
    with pytest.raises(DataError, match=r"cannot be read: (no name|is a device).*data\.json names it for data set"):
        read_list(config, "crowd", config.lists["train"]["crowd"])
