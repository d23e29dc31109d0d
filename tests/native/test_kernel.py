"""The C kernel: against slow code under sanitizers, and exhaustively against the article's naive method."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from array import array
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import REPOSITORY, run_python

import factorpool as fp
from factorpool import _native

NATIVE = REPOSITORY / "src/factorpool/native"
# One register for each value of the vector kernels, and functions that are called: compiled in a tenth of the time.
SANITIZE = ["-O1", "-DFP_INLINE=inline", "-DFP_UNROLLED=", "-DFP_UNITS=1"]
SANITIZE += ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
# The isa of AVX-IFMA, in an encoding that AVX-512 machines run; few have the other.
SANITIZE += ["-DFP_AVXIFMA_AS_AVX512"]

CHECKED = int(os.environ.get("FACTORPOOL_CHECKED_NUMBERS", "40000"))
"""Numbers that every isa factors, and slow code, too; a million for a long run."""

c_only = pytest.mark.skipif("FACTORPOOL_C_TESTED" in os.environ, reason="the C code is tested with another Python")


def asked(isa: str) -> set[str]:
    """The features that cpu.c asks for before it runs an isa."""
    found = re.search(rf"int has_{isa}\(void\) {{(.*?)}}", (NATIVE / "cpu.c").read_text(), re.DOTALL)
    assert found
    names = set(re.findall(r'supports\("(\w+)"\)', found[1]))
    for name in re.findall(r"has_(\w+)\(\)", found[1]):
        names |= asked(name) if name == "avx2" else {name}
    return names


@pytest.mark.parametrize(("isa", "begins"), [("avx2", ["avx2"]), ("avx512ifma", ["avx2", "avx512ifma"])])
def test_an_isa_asks_for_all_that_its_files_enable(isa: str, begins: list[str]) -> None:
    enabled: set[str] = set()
    for begin in begins:
        text = (NATIVE / "x86" / f"begin_{begin}.h").read_text()
        found = re.findall(r'target\("([^"]+)"\)', text)
        (names,) = {frozenset(each.split(",")) for each in found}  # the same for both compilers
        enabled |= names
    assert asked(isa) == enabled


def test_avxifma_asks_for_all_that_its_files_enable() -> None:
    text = (NATIVE / "x86/begin_avxifma.h").read_text()
    enabled = [frozenset(each.split(",")) - asked("avx2") for each in re.findall(r'target\("([^"]+)"\)', text)]
    assert enabled == [{"avx512ifma", "avx512vl"}, {"avxifma"}] * 2  # for tests, and as it is: by clang, and by GCC
    found = re.search(r"int has_avxifma\(void\) {(.*?)\n}", (NATIVE / "cpu.c").read_text(), re.DOTALL)
    assert found
    for_tests, _, as_it_is = found[1].partition("#else")
    assert 'has_avx512ifma() && __builtin_cpu_supports("avx512vl")' in for_tests
    assert re.search(r"has_avx2\(\) && __get_cpuid_count\(7, 1,.*a >> 23 & 1", as_it_is)


def build(compiler: str, flags: list[str], directory: Path, *programs: str) -> None:
    """Compiles the kernel with its tests, and links it with each of the programs, which `directory` has then."""
    flags = [*flags, "-Wall", "-Wextra", "-Werror", f"-I{NATIVE}"]
    sources = [path for path in sorted(NATIVE.rglob("*.c")) if path.parent.name != "python"]
    objects = {path: directory / f"{path.parent.name}-{path.stem}.o" for path in sources}

    def compiled(source: Path) -> None:
        subprocess.run([compiler, *flags, "-c", "-o", objects[source], source], check=True, capture_output=True)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(compiled, objects))
    for program in programs:
        linked = [path for source, path in objects.items() if program == "kernel_check" or source.name[:2] != "t-"]
        main = [*flags, "-fsanitize=fuzzer"] if program == "fuzz" else flags
        command = [compiler, *main, "-o", directory / program, Path(__file__).parent / f"{program}.c", *linked, "-lm"]
        subprocess.run(command, check=True, capture_output=True)


def checked(count: int, isas: Sequence[str] = _native.ISAS) -> str:
    """What kernel_check prints: a line for every isa of this machine."""
    return "".join(f"{isa}: checked {count} numbers\n" for isa in isas)


@c_only
@pytest.mark.parametrize("compiler", ["clang", "gcc"])
def test_against_slow_code_under_sanitizers_and_fuzzed(compiler: str, tmp_path: Path) -> None:
    """With clang; with gcc in CI, too, or where there is no clang."""
    clang = shutil.which("clang")
    if compiler == "clang" and not clang:
        pytest.skip("there is no clang here")
    if compiler == "gcc" and clang and "FACTORPOOL_BOTH_COMPILERS" not in os.environ:
        pytest.skip("done with clang; FACTORPOOL_BOTH_COMPILERS=1 for both")
    fuzzer = ["-fsanitize=fuzzer-no-link"] if compiler == "clang" else []
    try:
        build(compiler, [*SANITIZE, *fuzzer], tmp_path, "kernel_check", *["fuzz"] * len(fuzzer))
    except subprocess.CalledProcessError as error:
        if b"cannot find" in error.stderr or b"no such file" in error.stderr:
            pytest.skip(f"{compiler} has no sanitizer runtime here")
        pytest.fail(error.stderr.decode())
    count = min(CHECKED // 8, 20000)
    ran = subprocess.run([tmp_path / "kernel_check", "1", str(count)], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    here = [isa for isa in _native.ISAS if isa != "avxifma"]
    at = here.index("avx512ifma") + 1 if "avx512ifma" in here else 0
    assert ran.stdout == checked(count, [*here[:at], *["avxifma"] * bool(at), *here[at:]])
    if fuzzer:
        ran = subprocess.run([tmp_path / "fuzz", "-seed=1", "-runs=300"], capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        assert "Done 300 runs" in ran.stderr


@c_only
def test_against_slow_code_on_many_numbers(tmp_path: Path) -> None:
    """The kernel as it is installed: the slow code is a library that finds its functions in the extension module."""
    library = tmp_path / "check.so"
    slow = sorted(NATIVE.rglob("t-*.c"))
    main = Path(__file__).parent / "kernel_check.c"
    flags = ["-O2", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", f"-I{NATIVE}"]
    subprocess.run([os.environ.get("CC", "cc"), *flags, "-o", library, main, *slow], check=True)
    code = f"""
import ctypes, os, sys
sys.setdlopenflags(os.RTLD_NOW | os.RTLD_GLOBAL)
from factorpool import _native
arguments = (ctypes.c_char_p * 3)(b"kernel_check", b"2", b"{CHECKED}")
failed = ctypes.CDLL({str(library)!r}).main(3, arguments)
ctypes.CDLL(None).fflush(None)
sys.exit(failed)
"""
    ran = run_python(code, timeout=900)
    assert (ran.returncode, ran.stdout) == (0, checked(CHECKED)), ran.stderr


@c_only
def test_against_slow_code_on_arm(tmp_path: Path) -> None:
    """Cross-compiled, and run by an emulator."""
    compiler, emulator = shutil.which("aarch64-linux-gnu-gcc"), shutil.which("qemu-aarch64")
    if not compiler or not emulator:
        pytest.skip("there is no compiler for ARM here, or no emulator (Debian: gcc-aarch64-linux-gnu, qemu-user)")
    build(compiler, ["-O1", "-DFP_UNITS=1", "-static"], tmp_path, "kernel_check")
    count = 1000
    ran = subprocess.run([emulator, tmp_path / "kernel_check", "3", str(count)], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (0, f"neon: checked {count} numbers\ngeneric: checked {count} numbers\n")


def test_exhaustive_against_the_naive_method() -> None:
    numbers = range(1, 10**6 + 1)
    kernel = fp.factor_many(numbers, strategy="serial")
    naive = fp.factor_many(numbers, strategy="processes", method="naive")
    assert kernel == naive


def test_methods_agree() -> None:
    numbers = [n * n + 1 for n in range(1, 3000)]
    auto = fp.factor_many(numbers, strategy="serial")
    for method in ("trial", "rho", "ecm", "naive"):
        assert fp.factor_many(numbers, strategy="serial", method=method) == auto, method


def test_every_strategy_on_every_isa(strategy: str, isa: str) -> None:
    code = f"""
import factorpool as fp
from factorpool import _native
if __name__ == "__main__":
    assert _native.isa == {isa!r}
    numbers = [2**64 - k for k in range(1, 2000)] + list(range(1, 2000)) + [4294967291**2] * 9
    fs = fp.factor_many(numbers, strategy={strategy!r}, max_workers=2)
    one_by_one = [fp.factor(n) for n in numbers]
    assert list(fs) == one_by_one
    print(len(fs))
"""
    ran = run_python(code, FACTORPOOL_ISA=isa)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "4007\n", "")


def test_unknown_isa_is_an_error() -> None:
    ran = run_python("import factorpool", FACTORPOOL_ISA="vax")
    assert ran.returncode == 1
    assert f"FACTORPOOL_ISA is 'vax'; this machine can run {list(_native.ISAS)}" in ran.stderr


def test_result_depends_on_neither_order_nor_batch() -> None:
    numbers = [(1 << 63) + 7919 * k for k in range(500)]
    alone = {n: fp.factor(n) for n in numbers}
    for batch in (numbers, numbers[::-1], numbers[1:], numbers[:129]):
        assert list(fp.factor_many(batch, strategy="serial")) == [alone[n] for n in batch]


def test_columns_of_the_module() -> None:
    counts, primes, exponents = _native.factor_chunk(array("Q", [0, 1, 360, 97]))
    assert counts == bytes([0, 0, 3, 1])
    assert array("Q", primes).tolist() == [2, 3, 5, 97]
    assert exponents == bytes([3, 2, 1, 1])
    assert array("Q", _native.offsets(counts)).tolist() == [0, 0, 0, 3, 4]


def test_module_rejects_what_it_cannot_read() -> None:
    with pytest.raises(ValueError, match="aligned 64-bit words"):
        _native.factor_chunk(b"123")
    with pytest.raises(ValueError, match="no method sieve"):
        _native.factor_chunk(b"", "sieve")
    with pytest.raises(ValueError, match="do not fit"):
        _native.format_rows("gnu", "flat", bytes(8), b"\x02", bytes(8), b"\x01")
    with pytest.raises(ValueError, match="no style tex"):
        _native.format_rows("tex", "flat", bytes(8), b"\x01", bytes(8), b"\x01")
    with pytest.raises(ValueError, match="outside the text"):
        _native.parse(b"12", 3, False)
    with pytest.raises(OverflowError):
        _native.is_prime(1 << 64)


@pytest.mark.skipif(sys.version_info < (3, 14), reason="concurrent.interpreters is new in Python 3.14")
def test_subinterpreters_have_a_kernel_of_their_own() -> None:
    code = """
import threading
from array import array
from concurrent import interpreters
from factorpool import _native

work = "from array import array; from factorpool import _native; "
work += "assert _native.factor_chunk(array('Q', range(1, 20000)))[0] == expected"
expected = _native.factor_chunk(array("Q", range(1, 20000)))[0]

def run():
    interpreter = interpreters.create()
    interpreter.prepare_main(expected=expected)
    interpreter.exec(work)
    interpreter.close()

threads = [threading.Thread(target=run) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("agree")
"""
    ran = run_python(code)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "agree\n", "")


def test_stop_flag_ends_a_run() -> None:
    with pytest.raises(InterruptedError):
        _native.factor_chunk(array("Q", [15]), "auto", bytearray(b"\1"))


def test_trial_division_of_a_large_prime_can_be_interrupted() -> None:
    code = """
import signal, threading, time, os
from array import array
from factorpool import _native
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    _native.factor_chunk(array("Q", [2**64 - 59] * 100), "trial")  # some minutes
except KeyboardInterrupt:
    print("interrupted")
"""
    assert run_python(code).stdout == "interrupted\n"
