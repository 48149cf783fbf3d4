"""Digests of safetensors files: every bit of the data counts, and how files are cut does not."""

import hashlib
import itertools
import json
import os
import struct
import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from freegvc.errors import PriorUnavailableError
from freegvc.priors import weights as module
from freegvc.priors.weights import cache_folder, read_header, weights_digest


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("FREEGVC_CACHE", str(folder))
    return folder


@pytest.fixture
def hashed(monkeypatch):
    """The files whose bytes were really hashed."""
    files = []
    real = module._hash_tensors

    def spy(path, entries):
        files.append(path.name)
        return real(path, entries)

    monkeypatch.setattr(module, "_hash_tensors", spy)
    return files


@pytest.fixture
def file(tmp_path):
    """A small safetensors file that is old enough to be cached."""
    path = tmp_path / "model.safetensors"
    generator = torch.Generator().manual_seed(0)
    tensors = {
        "a": torch.randn(300, 5, generator=generator),
        "b": torch.arange(7),
        "empty": torch.zeros(0, 4),
    }
    tensors["half"] = torch.ones(4, dtype=torch.bfloat16)
    tensors["scalar"] = torch.tensor(2.5)
    save_file(tensors, path)
    age(path)
    return path


def age(path, seconds=100):
    then = time.time_ns() - seconds * 10**9
    os.utime(path, ns=(then, then))


def test_the_digest_is_what_it_says(file):
    """An independent computation, with the library's own reader."""
    names = {"a": "F32", "b": "I64", "empty": "F32", "half": "BF16", "scalar": "F32"}
    expected = {}
    for name, tensor in load_file(file).items():
        raw = bytes(tensor.reshape(-1).view(torch.uint8).tolist()) if tensor.numel() else b""
        expected[name] = [names[name], list(tensor.shape), hashlib.sha256(raw).hexdigest()]
    text = json.dumps(expected, sort_keys=True, separators=(",", ":"))
    assert weights_digest([file]) == hashlib.sha256(text.encode()).digest()


@settings(deadline=None)
@given(bit=st.integers(0, 8 * (300 * 5 * 4 + 7 * 8 + 4 * 2 + 4) - 1))
def test_every_bit_of_the_data_matters(tmp_path_factory, bit):
    path = tmp_path_factory.mktemp("bits") / "model.safetensors"
    tensors = {"a": torch.zeros(300, 5), "b": torch.zeros(7, dtype=torch.int64)}
    tensors["half"] = torch.zeros(4, dtype=torch.bfloat16)
    tensors["scalar"] = torch.zeros(())
    save_file(tensors, path)
    before = weights_digest([path])
    raw = bytearray(path.read_bytes())
    data = 8 + int.from_bytes(raw[:8], "little")
    assert 8 * (len(raw) - data) > bit
    raw[data + bit // 8] ^= 1 << bit % 8
    path.write_bytes(raw)
    assert weights_digest([path]) != before


def test_names_dtypes_and_shapes_matter(tmp_path):
    digests = set()
    for i, (name, tensor) in enumerate(
        [
            ("a", torch.zeros(2, 3)),
            ("b", torch.zeros(2, 3)),
            ("a", torch.zeros(3, 2)),
            ("a", torch.zeros(2, 3, dtype=torch.int32)),
        ]
    ):
        save_file({name: tensor}, tmp_path / f"{i}.safetensors")
        digests.add(weights_digest([tmp_path / f"{i}.safetensors"]))
    assert len(digests) == 4


def test_a_tensor_in_two_files_is_an_error(file, tmp_path):
    save_file({"b": torch.zeros(2)}, tmp_path / "more.safetensors")
    with pytest.raises(PriorUnavailableError, match="'b', which another file"):
        weights_digest([file, tmp_path / "more.safetensors"])


def test_bytes_are_hashed_once_for_each_file(file, hashed):
    first = weights_digest([file])
    assert weights_digest([file]) == first
    assert hashed == [file.name]


def test_a_link_to_a_file_shares_its_digest(file, hashed, tmp_path):
    first = weights_digest([file])
    (tmp_path / "link.safetensors").symlink_to(file)
    assert weights_digest([tmp_path / "link.safetensors"]) == first
    assert hashed == [file.name]


@pytest.mark.parametrize("how", ["size", "time", "inode"])
def test_another_file_under_the_same_name_is_hashed_again(file, how, tmp_path):
    first = weights_digest([file])
    status = file.stat()
    tensors = load_file(file)
    tensors["a"][0, 0] += 1
    if how == "size":
        tensors["a"] = torch.cat([tensors["a"], tensors["a"]])
    target = tmp_path / "new.safetensors" if how == "inode" else file
    save_file(tensors, target)
    later = status.st_mtime_ns + (10**9 if how == "time" else 0)
    os.utime(target, ns=(later, later))
    target.replace(file)
    assert weights_digest([file]) != first


def test_a_file_that_was_just_written_is_not_cached(file, cache, hashed):
    os.utime(file)
    weights_digest([file])
    weights_digest([file])
    assert len(hashed) == 2
    assert not cache.exists()


def forge(content):
    """A digest changed by someone who left the checksum alone."""
    body = content["body"]
    body["digests"]["a"] = "0" * 64
    return content


def drop_name(content):
    del content["body"]["digests"]["a"]
    return sign(content)


def other_version(content):
    content["body"]["version"] += 1
    return sign(content)


def sign(content):
    text = json.dumps(content["body"], sort_keys=True, separators=(",", ":"))
    content["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    return content


@pytest.mark.parametrize(
    "damage",
    [
        forge,
        drop_name,
        other_version,
        lambda c: {},
        lambda c: [],
        lambda c: {"body": 3, "sha256": 4},
    ],
)
def test_a_damaged_cache_is_computed_again(file, cache, hashed, damage):
    first = weights_digest([file])
    (entry,) = (cache / "digests").iterdir()
    entry.write_text(json.dumps(damage(json.loads(entry.read_text()))))
    assert weights_digest([file]) == first
    assert len(hashed) == 2


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe", b"[" * 200_000, b"{"])
def test_a_cache_that_is_not_json_is_computed_again(file, cache, hashed, raw):
    first = weights_digest([file])
    (entry,) = (cache / "digests").iterdir()
    entry.write_bytes(raw)
    assert weights_digest([file]) == first
    assert len(hashed) == 2


def test_a_cache_that_cannot_be_written_costs_only_time(file, cache, hashed):
    cache.write_text("a file, not a folder")
    assert weights_digest([file]) == weights_digest([file])
    assert len(hashed) == 2


def test_where_the_cache_is(monkeypatch, cache, tmp_path):
    assert cache_folder() == cache
    monkeypatch.delenv("FREEGVC_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "freegvc"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "freegvc"


def test_headers_say_what_the_library_says(file):
    entries = read_header(file)
    for name, tensor in load_file(file).items():
        assert entries[name].shape == tuple(tensor.shape)
        assert entries[name].end - entries[name].start == tensor.numel() * tensor.element_size()


def header(fields, data=b"\0" * 8, length=None):
    text = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


TENSOR = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0\0\0",
        header({"a": TENSOR}, length=10**6),
        header({"a": TENSOR}, length=2**63),
        header(b"[1]"),
        header(b"{"),
        header(b"\xff\xff"),
        header(b"[" * 100_000),
        header({"a": 3}),
        header({"a": TENSOR | {"data_offsets": [0, 4]}}),
        header({"a": TENSOR | {"data_offsets": [8, 0]}}),
        header({"a": TENSOR | {"data_offsets": [-8, 8]}}),
        header({"a": TENSOR | {"data_offsets": [0, 8.0]}}),
        header({"a": TENSOR | {"data_offsets": [0]}}),
        header({"a": TENSOR | {"shape": [0]}}),
        header({"a": TENSOR | {"shape": [-2, -1]}}),
        header({"a": TENSOR | {"shape": 2}}),
        header({"a": TENSOR | {"dtype": 4}}),
        header({"a": {"dtype": "F32", "shape": [2]}}),
        header({"a": TENSOR, "b": TENSOR}),
        header({"a": TENSOR}, data=b"\0" * 7),
        header({"a": TENSOR}, data=b"\0" * 9),
        header({}),
    ],
    ids=itertools.count(),
)
def test_damaged_headers_are_typed_errors(tmp_path, raw):
    path = tmp_path / "model.safetensors"
    path.write_bytes(raw)
    with pytest.raises(PriorUnavailableError, match=r"model\.safetensors is damaged"):
        weights_digest([path])


@settings(deadline=None)
@given(at=st.integers(0, 500), value=st.integers(0, 255), cut=st.integers(0, 40))
def test_no_byte_of_a_header_can_break_the_reader(tmp_path_factory, at, value, cut):
    path = tmp_path_factory.mktemp("fuzz") / "model.safetensors"
    save_file({"a": torch.zeros(3), "b": torch.zeros(2, 2)}, path)
    raw = bytearray(path.read_bytes())
    raw[at % len(raw)] = value
    path.write_bytes(raw[: len(raw) - cut])
    try:
        weights_digest([path])
    except PriorUnavailableError:
        return
    assert cut == 0


def test_a_missing_file_is_a_typed_error(tmp_path):
    with pytest.raises(PriorUnavailableError, match="No such file"):
        read_header(tmp_path / "nothing.safetensors")
