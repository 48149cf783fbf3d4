"""Files of embeddings: nothing in them is trusted."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from freegvc.errors import PriorUnavailableError
from freegvc.priors.diffusers.embedding_file import (
    MAX_BYTES,
    Embedding,
    Origin,
    read_embedding,
    write_embedding,
)

DIGEST = hashlib.sha256(b"").hexdigest()
ORIGIN = Origin("a cat", (5, 3, 1), 8, DIGEST, "zai-org/CogVideoX-2b", "0" * 40, DIGEST)
ROWS = np.linspace(-3, 3, 12, dtype=np.float32).reshape(3, 4)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "embedding.safetensors"
    write_embedding(path, Embedding(ROWS, ORIGIN))
    return path


def rewrite(path, tensors=None, **metadata):
    """Write a file with other tensors or metadata, and a checksum that fits."""
    with safe_open(path, framework="numpy") as opened:
        old = opened.metadata()
    save_file(tensors or {"embedding": ROWS}, path, old | metadata)


@pytest.mark.parametrize("origin", [ORIGIN, replace(ORIGIN, hub_id="", commit="", prompt="é\n")])
@pytest.mark.parametrize("num_rows", [3, 8])
def test_what_is_read_is_what_was_written(tmp_path, origin, num_rows):
    rows = np.zeros((num_rows, 4), np.float32)
    path = tmp_path / "e.safetensors"
    write_embedding(path, Embedding(rows, origin))
    again = read_embedding(path)
    assert again.origin == origin
    assert again.origin.identity == origin.identity
    assert np.array_equal(again.rows, rows)


def test_the_identity_is_over_encoder_tokens_and_rows():
    same = [replace(ORIGIN, prompt="a  cat"), replace(ORIGIN, hub_id="", commit="")]
    assert {origin.identity for origin in same} == {ORIGIN.identity}
    others = [
        replace(ORIGIN, tokens=(5, 4, 1)),
        replace(ORIGIN, num_rows=9),
        replace(ORIGIN, text_encoder="0" * 64),
    ]
    assert len({origin.identity for origin in (ORIGIN, *others)}) == 4


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"format": "freegvc embedding 2"}, "is no file of an embedding"),
        ({"tokens": "[["}, "is damaged"),
        ({"tokens": "[" * 100_000}, "is damaged"),
        ({"tokens": "[]"}, "0 tokens"),
        ({"tokens": "[1.5]"}, "list of numbers"),
        ({"tokens": "[true]"}, "list of numbers"),
        ({"tokens": "[-1]"}, "list of numbers"),
        ({"tokens": '{"1": 2}'}, "list of numbers"),
        ({"tokens": json.dumps([1] * 9)}, "9 tokens and 8 rows"),
        ({"num_rows": "many"}, "is damaged"),
        ({"num_rows": "999999999"}, "the limit is 4096"),
        ({"num_rows": "2"}, "3 tokens and 2 rows"),
        ({"prompt": "x" * 9000}, "more than 8192 bytes"),
        ({"prompt": "a dog"}, "checksum"),
        ({"text_encoder": "abc"}, "text_encoder is 'abc'"),
        ({"text_encoder": "1" * 64}, "checksum"),
        ({"hub_id": "../../secrets"}, "hub_id is"),
        ({"hub_id": "a/b/c"}, "hub_id is"),
        ({"hub_id": "a--b/c"}, "hub_id is"),
        ({"hub_id": "someone/else"}, "checksum"),
        ({"commit": "../x"}, "commit is"),
        ({"text_encoder_files": "x"}, "text_encoder_files is"),
        ({"checksum": ""}, "checksum"),
    ],
)
def test_metadata_that_is_refused(file, metadata, message):
    rewrite(file, **metadata)
    with pytest.raises(PriorUnavailableError, match=message) as error:
        read_embedding(file)
    assert str(file) in str(error.value)


@pytest.mark.parametrize("key", ["format", "prompt", "tokens", "hub_id", "checksum"])
def test_metadata_that_is_missing(file, key):
    with safe_open(file, framework="numpy") as opened:
        metadata = opened.metadata()
    del metadata[key]
    save_file({"embedding": ROWS}, file, metadata)
    with pytest.raises(PriorUnavailableError):
        read_embedding(file)


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"embedding": ROWS, "more": ROWS}, "other tensors"),
        ({"rows": ROWS}, "other tensors"),
        ({"embedding": ROWS.astype(np.float16)}, "F16 and not F32"),
        ({"embedding": ROWS[0]}, "shape"),
        ({"embedding": ROWS[:0]}, "shape"),
        ({"embedding": ROWS[:2]}, "2 rows for 3 tokens of at most 8"),
        ({"embedding": np.full_like(ROWS, np.inf)}, "finite"),
        ({"embedding": ROWS + 1}, "checksum"),
    ],
)
def test_tensors_that_are_refused(file, tensors, message):
    rewrite(file, tensors)
    with pytest.raises(PriorUnavailableError, match=message):
        read_embedding(file)


@pytest.mark.parametrize(
    "content", [b"", b"x" * 100, b"\xff" * 8 + b"{}", b"\2" + b"\0" * 7 + b"{}"]
)
def test_what_is_no_safetensors_file(file, content):
    file.write_bytes(content)
    with pytest.raises(PriorUnavailableError):
        read_embedding(file)


def test_every_cut_and_every_flipped_bit_is_found(file):
    content = file.read_bytes()
    for length in range(0, len(content), 7):
        file.write_bytes(content[:length])
        with pytest.raises(PriorUnavailableError):
            read_embedding(file)
    for position in range(8, len(content), 5):
        flipped = bytearray(content)
        flipped[position] ^= 1
        file.write_bytes(flipped)
        try:
            again = read_embedding(file)
        except PriorUnavailableError:
            continue
        assert again.origin == ORIGIN  # a space of the header
        assert np.array_equal(again.rows, ROWS)


def test_a_huge_file_is_not_read(file):
    with file.open("r+b") as opened:
        opened.truncate(MAX_BYTES + 1)
    with pytest.raises(PriorUnavailableError, match="the limit is 67108864"):
        read_embedding(file)


def test_a_missing_file_and_a_folder(tmp_path):
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(PriorUnavailableError, match="cannot be read"):
            read_embedding(path)
