"""The oblivious function: RFC 9497's own vectors (appendix A.1.2), and both sides against the library's."""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from voprf import ristretto

from cardscreen.exchange.oblivious import rfc9497
from cardscreen.exchange.oblivious.rfc9497 import ELEMENT, WrongProof

SEED, INFO = bytes([0xA3]) * 32, b"test key"
PUBLIC = "c803e2cc6b05fc15064549b5920659ca4a77b2cca6f04f6b357009335476ad4e"
INPUTS = ["00", "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"]
BLIND = "64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706"
SECOND_BLIND = "222a5e897cf59db8145db8d16e597e8facb80ae7d4e26d9881aa6f61d645fc0e"
FIRST = "863f330cc1a1259ed5a5998a23acfd37fb4351a793a5b3c090b642ddc439b945"
OUTPUTS = [
    "b58cfbe118e0cb94d79b5fd6a6dafb98764dff49c14e1770b566e42402da1a7d"
    "a4d8527693914139caee5bd03903af43a491351d23b430948dd50cde10d32b3c",
    "8a9a2f3c7f085b65933594309041fc1898d42d0858e59f90814ae90571a6df60"
    "356f4610bf816f27afdd84f47719e480906d27ecd994985890e5f539e7ea74b6",
]
#: Inputs, blinds, blinded elements, evaluations, proof.
VECTORS = {
    "one": (
        INPUTS[:1],
        [BLIND],
        [FIRST],
        ["aa8fa048764d5623868679402ff6108d2521884fa138cd7f9c7669a9a014267e"],
        "ddef93772692e535d1a53903db24367355cc2cc78de93b3be5a8ffcc6985dd06"
        "6d4346421d17bf5117a2a1ff0fcb2a759f58a539dfbe857a40bce4cf49ec600d",
    ),
    "another": (
        INPUTS[1:],
        [BLIND],
        ["cc0b2a350101881d8a4cba4c80241d74fb7dcbfde4a61fde2f91443c2bf9ef0c"],
        ["60a59a57208d48aca71e9e850d22674b611f752bed48b36f7a91b372bd7ad468"],
        "401a0da6264f8cf45bb2f5264bc31e109155600babb3cd4e5af7d181a2c9dc0a"
        "67154fabf031fd936051dec80b0b6ae29c9503493dde7393b722eafdf5a50b02",
    ),
    "two": (
        INPUTS,
        [BLIND, SECOND_BLIND],
        [FIRST, "90a0145ea9da29254c3a56be4fe185465ebb3bf2a1801f7124bbbadac751e654"],
        [
            "aa8fa048764d5623868679402ff6108d2521884fa138cd7f9c7669a9a014267e",
            "cc5ac221950a49ceaa73c8db41b82c20372a4c8d63e5dded2db920b7eee36a2a",
        ],
        "cc203910175d786927eeb44ea847328047892ddf8590e723c37205cb74600b0a"
        "5ab5337c8eb4ceae0494c2cf89529dcf94572ed267473d567aeed6ab873dee08",
    ),
}
VALUES = st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=5)


def raw(texts: list[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


def evaluations(done: bytes) -> list[bytes]:
    return [done[start : start + ELEMENT] for start in range(0, len(done), ELEMENT)]


@pytest.mark.parametrize("name", VECTORS)
def test_each_step_is_that_of_the_vectors(name: str) -> None:
    inputs, blinds, elements, done = map(raw, VECTORS[name][:4])
    proof, outputs = bytes.fromhex(VECTORS[name][4]), [OUTPUTS[INPUTS.index(text)] for text in VECTORS[name][0]]
    library = ristretto.Evaluator.from_seed(SEED, INFO)
    assert library.public_key.serialize().hex() == PUBLIC
    made = [rfc9497.blinded_with(blind, value) for blind, value in zip(blinds, inputs, strict=True)]
    assert made == elements
    asked = [ristretto.BlindedInput.deserialize(element) for element in elements]
    assert library.evaluate_batch(asked).serialize()[rfc9497.PROOF :] == b"".join(done)
    assert [library.evaluate_known_input(value).hex() for value in inputs] == outputs
    finished = rfc9497.finished(bytes.fromhex(PUBLIC), inputs, blinds, elements, done, proof)
    assert [output.hex() for output in finished] == outputs


@given(VALUES)
@settings(max_examples=15)
def test_what_is_finished_is_what_the_holder_makes_of_the_value(values: list[bytes]) -> None:
    seed = secrets.token_bytes(32)
    blinds, elements = zip(*rfc9497.blinded(values), strict=True)
    done, proof = rfc9497.evaluated(seed, elements)
    finished = rfc9497.finished(rfc9497.public_key(seed), values, blinds, elements, evaluations(done), proof)
    assert finished == rfc9497.outputs(seed, values)


@given(st.binary(min_size=1, max_size=60))
@settings(max_examples=15)
def test_the_librarys_own_client_finds_the_same_output(value: bytes) -> None:
    seed = secrets.token_bytes(32)
    client, asked = ristretto.Client.blind(value)
    done, proof = rfc9497.evaluated(seed, [asked.serialize()])
    key = ristretto.PublicKey.deserialize(rfc9497.public_key(seed))
    theirs = client.finalize(ristretto.VerifiableOutput.deserialize(proof + done), key)
    assert theirs == rfc9497.outputs(seed, [value])[0]


@given(VALUES, st.data())
@settings(max_examples=25)
def test_what_was_not_evaluated_under_the_key_is_refused(values: list[bytes], data: st.DataObject) -> None:
    seed, other = secrets.token_bytes(32), secrets.token_bytes(32)
    blinds, elements = zip(*rfc9497.blinded(values), strict=True)
    done, proof = rfc9497.evaluated(seed, elements)
    key = rfc9497.public_key(seed)
    wrong_done, wrong_proof = rfc9497.evaluated(other, elements)
    strange, _ = rfc9497.evaluated(seed, [rfc9497.blinded([b"another"])[0][1]])
    at = data.draw(st.integers(0, len(proof) - 1))
    altered = proof[:at] + bytes([proof[at] ^ data.draw(st.integers(1, 255))]) + proof[at + 1 :]
    wrong = [
        (rfc9497.public_key(other), done, proof),
        (key, wrong_done, wrong_proof),
        (key, wrong_done, proof),
        (key, strange + done[ELEMENT:], proof),
        (key, done, altered),
        (key, bytes(ELEMENT) + done[ELEMENT:], proof),
        (key, b"\xff" * ELEMENT + done[ELEMENT:], proof),
        (key, done, bytes(64)),
    ]
    for wrong_key, answers, shown in wrong:
        with pytest.raises(WrongProof):
            rfc9497.finished(wrong_key, values, blinds, elements, evaluations(answers), shown)


@pytest.mark.parametrize("element", [bytes(32), b"\xff" * 32, b"x" * 31])
def test_nothing_is_evaluated_that_is_no_element(element: bytes) -> None:
    with pytest.raises(WrongProof):
        rfc9497.evaluated(bytes(32), [element])


def test_a_value_is_blinded_another_way_each_time() -> None:
    assert len({element for _, element in rfc9497.blinded([b"phone:+8613800138000"] * 20)}) == 20


def test_the_groups_library_leaves_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess
    import sys

    code = "from cardscreen.exchange.oblivious import rfc9497; rfc9497.require_libraries()"
    subprocess.run([sys.executable, "-c", code], env={"TMPDIR": str(tmp_path), "PATH": ""}, check=True)
    assert list(tmp_path.iterdir()) == []
    assert Path(tempfile.gettempdir()) != tmp_path
