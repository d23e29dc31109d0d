"""Checkpoints: what was killed goes on, and what is not whole is told apart from what is damaged."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import command, ends_within

import factorpool as fp
from factorpool.factoring import checkpoint, large
from factorpool.factoring.checkpoint import Store
from factorpool.factoring.methods import siqs
from factorpool.factoring.methods.flint import Found
from factorpool.factoring.relations import Relations

pytestmark = pytest.mark.usefixtures("workers_left")

P, Q = 2**112 - 75, 2**113 - 133
SECONDS = P * Q
"""What takes some seconds to sieve."""

SMALL = (2**50 - 27) * (2**55 - 55)


def relations_file(directory: Path) -> Path:
    return next(directory.glob("*.relations"))


def test_the_same_command_goes_on_after_it_was_killed(tmp_path: Path) -> None:
    arguments = ["factor", "--checkpoint", str(tmp_path), "15", str(SECONDS)]
    rng, sizes = random.Random(1), [0]
    while not list(tmp_path.glob("*.split")) and len(sizes) < 6:
        with subprocess.Popen([sys.executable, "-m", "factorpool", *arguments], stdout=subprocess.DEVNULL) as program:
            while program.poll() is None and size_of_relations(tmp_path) == sizes[-1]:
                time.sleep(0.02)
            time.sleep(rng.random() / 4)
            program.kill()
        sizes.append(size_of_relations(tmp_path))
    assert len(sizes) > 3
    assert sizes[:-1] == sorted(sizes[:-1])
    ran = command(*arguments)
    assert (ran.stdout.decode(), ran.stderr, ran.returncode) == (f"15: 3 5\n{SECONDS}: {P} {Q}\n", b"", 0)
    assert {file.suffix for file in tmp_path.iterdir()} - {".found"} == {".split"}


HOPELESS = (2**607 - 1) * (2**521 - 1)
"""Too long for the sieve, and for curves."""


def test_curves_go_on_after_they_were_killed(tmp_path: Path) -> None:
    arguments = [sys.executable, "-m", "factorpool", "factor", "--checkpoint", str(tmp_path), str(HOPELESS)]
    tried = [0]
    for _ in range(2):
        with subprocess.Popen(arguments, stdout=subprocess.DEVNULL) as program, ends_within(60):
            while program.poll() is None and Store(tmp_path).curves(HOPELESS) == tried[-1]:
                time.sleep(0.02)
            program.kill()
        tried.append(Store(tmp_path).curves(HOPELESS))
    assert tried[0] < tried[1] < tried[2]
    told: list[int] = []
    found = fp.factor(
        HOPELESS, checkpoint=tmp_path, timeout=0.5, on_error="collect", progress=lambda done, _: told.append(done)
    )
    assert isinstance(found, fp.PartialFactorization)
    assert min(told) == tried[-1]
    assert Store(tmp_path).curves(HOPELESS) >= tried[-1]


def test_curves_that_find_a_factor_leave_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "KEPT_SECONDS", 0.0)
    n = (2**607 - 1) * (2**61 - 1)
    assert fp.factor(n, checkpoint=tmp_path) == {2**61 - 1: 1, 2**607 - 1: 1}
    assert Store(tmp_path).split(n) in (2**61 - 1, 2**607 - 1)
    assert not list(tmp_path.glob("*.curves"))


def test_curves_of_another_version_and_damage_are_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.keep_curves(HOPELESS, 7)
    assert store.curves(HOPELESS) == 7
    assert store.known(HOPELESS) == Found([], [], [(HOPELESS, 1)])
    (file,) = tmp_path.glob("*.curves")
    text = file.read_text()
    for wrong in (text.replace(": 7", ": -7"), text.replace('"of": ', '"of": 1'), text[:-9], "", "[]"):
        file.write_text(wrong)
        with pytest.raises(fp.CheckpointError, match=f"{file} does not say how many curves of this version"):
            store.curves(HOPELESS)


def size_of_relations(directory: Path) -> int:
    return sum(file.stat().st_size for file in directory.glob("*.relations"))


@pytest.fixture
def half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with half of what SMALL needs, in two records at least."""
    monkeypatch.setattr(checkpoint, "FLUSH_SECONDS", 0)
    plan = siqs.plan(SMALL)
    with Store(tmp_path).journal(plan) as journal:
        assert list(journal.read()) == []
        relations = Relations(plan)
        while relations.found < relations.needed // 2:
            harvest = siqs.harvest(SMALL, relations.families, 1)
            relations.add(harvest)
            journal.add(harvest)
    return tmp_path


def read(directory: Path) -> list[siqs.Harvest]:
    with Store(directory).journal(siqs.plan(SMALL)) as journal:
        return list(journal.read())


def test_relations_come_back_as_they_were(half: Path) -> None:
    harvests = read(half)
    assert len(harvests) > 1
    assert [each.first for each in harvests] == list(range(len(harvests)))
    for each in harvests:
        assert each._replace(seconds=0) == siqs.harvest(SMALL, each.first, 1)._replace(seconds=0)
    assert Store(half).known(SMALL) == Found([], [], [(SMALL, 1)])


def test_an_end_that_was_not_written_whole_is_dropped(half: Path) -> None:
    file, harvests = relations_file(half), read(half)
    whole = file.read_bytes()
    for cut in (1, 30, len(whole) // 3):
        file.write_bytes(whole[:-cut])
        some = read(half)
        assert some == harvests[: len(some)]
        assert 0 < len(some) < len(harvests)
        assert read(half) == some
    file.write_bytes(whole + bytes(100))  # as a power cut may leave it
    assert read(half) == harvests
    assert file.read_bytes() == whole
    for cut in range(60):
        file.write_bytes(whole[:cut])
        assert read(half) == []
    with Store(half).journal(siqs.plan(SMALL)) as journal:
        assert list(journal.read()) == []
        journal.add(harvests[0])
    assert read(half) == harvests[:1]


def test_damage_is_refused_by_name(half: Path) -> None:
    file = relations_file(half)
    whole = file.read_bytes()
    for at in (60, len(whole) // 2, len(whole) - 5):
        damaged = bytearray(whole)
        damaged[at] ^= 4
        file.write_bytes(damaged)
        with pytest.raises(fp.CheckpointError, match=f"{file} is "):
            read(half)
    file.write_bytes(b"x" + whole)
    with pytest.raises(fp.CheckpointError, match=f"{file} is no file of this number's relations: remove it, or give"):
        read(half)
    n, multiplier = str(SMALL).encode(), str(siqs.plan(SMALL).multiplier).encode()
    file.write_bytes(whole.replace(n + b"\n" + multiplier, n + b"\n" + b"0" * len(multiplier)))
    with pytest.raises(fp.CheckpointError, match="was written by another version of factorpool"):
        read(half)


def test_one_process_at_a_time(half: Path) -> None:
    with Store(half).journal(siqs.plan(SMALL)) as journal:
        list(journal.read())
        with pytest.raises(fp.CheckpointError, match="is in use by another process"):
            read(half)


def test_factors_are_checked(tmp_path: Path) -> None:
    store = Store(tmp_path)
    found = Found([(3, 2), (P, 1)], [P], [(Q * Q, 2)])
    n = 9 * P * Q**4
    assert store.known(n) is None
    store.keep(n, found)
    assert store.known(n) == found
    file = next(tmp_path.iterdir())
    for wrong in (file.read_text().replace('[["3", 2]', '[["3", 1]'), "{}", "[", "", file.read_text()[:-9]):
        file.write_text(wrong)
        with pytest.raises(fp.CheckpointError, match=f"{file} does not have the factors of"):
            store.known(n)


def test_a_directory_that_cannot_be_used(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(fp.CheckpointError, match=f"cannot keep checkpoints in {file}: File exists"):
        fp.factor(6, checkpoint=file)
    ran = command("factor", "--checkpoint", str(file / "below"), "6")
    assert ran.returncode == 1
    assert ran.stderr.decode() == f"factorpool: cannot keep checkpoints in {file / 'below'}: Not a directory\n"


def test_a_full_disk_is_said(half: Path) -> None:
    file = relations_file(half)
    harvest = read(half)[0]
    file.unlink()
    file.symlink_to("/dev/full")
    with (
        pytest.raises(fp.CheckpointError, match=f"cannot write {file}: No space left on device; what it has stays"),
        Store(half).journal(siqs.plan(SMALL)) as journal,
    ):
        journal.add(harvest)
