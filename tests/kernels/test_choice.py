"""Which kernel runs: chosen, refused, missing, broken or wrong; said, never silent, never a crash."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from ligeia import kernels
from ligeia.core import InputError
from ligeia.kernels import _choice, _native, available, current_path, system, use, using
from ligeia.networks import Siren


@pytest.fixture(autouse=True)
def _afresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    caches = (_choice._fastest, _choice._passes, _native.library)
    for each in caches:
        each.cache_clear()
    monkeypatch.setattr(_choice, "_asked", "auto")  # whatever the run of the tests asked for
    yield
    for each in caches:
        each.cache_clear()


def lacks_avx512(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_native, "runnable", lambda: ("portable", "avx2"))
    monkeypatch.setattr(_native, "preferred", lambda: "avx2")


def is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> Path:
        raise _native.Absent("no compiled kernels: no C++ compiler worked when ligeia was installed")

    monkeypatch.setattr(_native, "find", absent)


def test_this_installation_has_compiled_kernels() -> None:
    # the machines that run these tests have a compiler; without this the suite could pass on plain torch alone
    assert len(available()) > 1, system().problem


def test_a_name_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(InputError, match=r"must be one of auto, torch, .* here, got 'sse9': no kernel has this name"):
        use("sse9")


def test_a_kernel_that_the_processor_lacks_is_refused_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    lacks_avx512(monkeypatch)
    with pytest.raises(InputError, match=r"auto, torch, portable, avx2 here, got 'avx512': this machine does not have"):
        use("avx512")


def test_the_choice_lasts_as_long_as_it_is_asked_for() -> None:
    with using("torch"):
        assert current_path() == "torch"
        with using(available()[-1]):
            assert current_path() == available()[-1]
        assert current_path() == "torch"
    with pytest.raises(RuntimeError, match="passed on"), using("torch"):
        raise RuntimeError("passed on")
    assert system().asked == "auto"


def test_without_a_compiler_plain_torch_is_used_and_the_reason_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    is_absent(monkeypatch)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it is no news on such a machine
        assert current_path() == "torch"
    assert available() == ("torch",)
    assert "no C++ compiler worked" in (system().problem or "")
    with pytest.raises(InputError, match=r"one of auto, torch here, got 'avx2': no compiled kernels"):
        use("avx2")
    assert Siren(2, 16, 1, 1)(torch.zeros(3, 2)).shape == (3, 1)


@pytest.mark.parametrize("content", [b"", b"\x7fELF and nothing more", bytes(4096)])
def test_a_broken_library_is_told_of_once_and_torch_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "libligeia_kernels.so"
    file.write_bytes(content)
    monkeypatch.setattr(_native, "find", lambda: file)
    with pytest.warns(RuntimeWarning, match=r"libligeia_kernels.so cannot be used .* reinstall ligeia. Going on"):
        assert Siren(2, 16, 1, 1)(torch.zeros(3, 2)).shape == (3, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert current_path() == "torch"


def test_a_library_of_another_version_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_native, "ABI", 99)
    with pytest.warns(RuntimeWarning, match=r"of another version \(interface \d+, not 99\); reinstall ligeia"):
        assert current_path() == "torch"


def test_a_kernel_with_wrong_results_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    fastest = current_path()
    _choice._fastest.cache_clear()
    monkeypatch.setattr(_choice, "_passes", lambda path: path != fastest)
    with pytest.warns(RuntimeWarning, match=rf"the kernel {fastest} gives wrong results on this machine"):
        assert current_path() not in (fastest, "torch")
    with pytest.raises(InputError, match="gives wrong results on this machine; use auto"):
        use(fastest)
    assert system().problem == f"wrong results of {fastest}"


def test_the_peak_of_every_path_can_be_measured() -> None:
    for path in available():
        if path != "torch":
            assert kernels.peak(path, num_threads=1, seconds=0.001) > 1e8
