"""Oracle: the file system itself; a full disk is played by /dev/full and by a limit on the size of files."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ligeia.core import InputError, OutputError, check_readable, check_writable, write_atomically

OLD = b"what stood here before"


@pytest.fixture
def output(tmp_path: Path) -> Path:
    path = tmp_path / "result.v1.png"
    path.write_bytes(OLD)
    return path


def write_new(path: Path) -> None:
    path.write_bytes(b"new")


def assert_untouched(output: Path) -> None:
    assert output.read_bytes() == OLD
    assert [path.name for path in output.parent.iterdir()] == [output.name]


@pytest.mark.parametrize("before", [None, OLD])
def test_what_is_written_appears_under_the_final_name_alone(tmp_path: Path, before: bytes | None) -> None:
    path = tmp_path / "field.lig"
    if before is not None:
        path.write_bytes(before)
    write_atomically(path, write_new)
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_the_temporary_file_lies_beside_the_output_and_keeps_its_ending(output: Path) -> None:
    seen: list[Path] = []

    def write(partial: Path) -> None:
        assert output.read_bytes() == OLD
        seen.append(partial)
        partial.write_bytes(b"new")

    write_atomically(output, write)
    (partial,) = seen
    assert (partial.parent, partial.suffix) == (output.parent, ".png")
    assert partial != output
    assert not partial.exists()


def test_an_output_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    ordinary, output = tmp_path / "ordinary", tmp_path / "output"
    ordinary.write_bytes(b"")
    write_atomically(output, write_new)
    assert stat.S_IMODE(output.stat().st_mode) == stat.S_IMODE(ordinary.stat().st_mode)


@pytest.mark.parametrize("failure", [ValueError("mid-way"), KeyboardInterrupt("mid-way"), InputError("mid-way")])
def test_a_failure_in_the_middle_leaves_the_old_file_and_no_temporary(output: Path, failure: BaseException) -> None:
    def write(partial: Path) -> None:
        partial.write_bytes(b"half of ")
        raise failure

    with pytest.raises(type(failure), match="mid-way"):
        write_atomically(output, write)
    assert_untouched(output)


def test_a_writer_that_writes_nothing_is_an_error(output: Path) -> None:
    with pytest.raises(OutputError, match=r"result\.v1\.png: writing failed \(No such file.*nothing was changed"):
        write_atomically(output, lambda partial: None)
    assert_untouched(output)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device /dev/full")
def test_a_full_disk_is_one_clear_line(output: Path) -> None:
    def write(partial: Path) -> None:
        partial.write_bytes(b"half of ")
        Path("/dev/full").write_bytes(b"the rest")

    with pytest.raises(OutputError, match=r"writing failed \(No space left on device\); nothing was changed"):
        write_atomically(output, write)
    assert_untouched(output)


@pytest.mark.skipif(sys.platform == "win32", reason="limits on the size of files are POSIX")
def test_a_file_that_may_not_grow_leaves_the_old_one(output: Path) -> None:
    program = """
import resource, sys
from pathlib import Path
from ligeia.core import OutputError, write_atomically
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_atomically(Path(sys.argv[1]), lambda partial: partial.write_bytes(bytes(5000)) and None)
except OutputError as error:
    sys.exit(3 if "writing failed" in str(error) else 4)
"""
    done = subprocess.run([sys.executable, "-c", program, str(output)])
    assert done.returncode == 3
    assert_untouched(output)


def test_a_directory_is_no_output_and_no_input(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="expected an output file, this is a directory; add a file name"):
        check_writable(tmp_path)
    with pytest.raises(OutputError, match="this is a directory"):
        write_atomically(tmp_path, lambda partial: None)
    with pytest.raises(InputError, match="expected a file, this is a directory; name one file in it"):
        check_readable(tmp_path)


def test_an_output_in_a_missing_folder_names_the_folder(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"the folder .*nowhere does not exist; create it first"):
        check_writable(tmp_path / "nowhere" / "a.lig")
    assert list(tmp_path.iterdir()) == []


def test_an_output_under_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(OLD)
    with pytest.raises(OutputError, match=r"the folder .*file does not exist"):
        check_writable(tmp_path / "file" / "a.lig")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a file system that takes no files from anyone")
def test_an_output_on_a_read_only_file_system_is_refused() -> None:
    with pytest.raises(OutputError, match=r"cannot write there \(.*\); choose another folder"):
        check_writable(Path("/proc/self/a.lig"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_or_a_device_is_never_replaced_by_a_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.npy"
    os.mkfifo(pipe)
    for path in (pipe, Path(os.devnull)):
        with pytest.raises(OutputError, match="this is a device or a pipe; name a file"):
            check_writable(path)
    assert pipe.is_fifo()


def test_asking_whether_a_file_can_be_written_writes_nothing(output: Path) -> None:
    assert check_writable(output) == output
    assert check_writable(output.with_name("other.png")) == output.with_name("other.png")
    assert_untouched(output)


def test_a_name_too_long_is_refused_either_way(tmp_path: Path) -> None:
    path = tmp_path / ("a" * 400)
    with pytest.raises(OutputError, match="too long"):
        check_writable(path)
    with pytest.raises(InputError, match="too long"):
        check_readable(path)


def test_a_readable_file_is_returned(output: Path) -> None:
    assert check_readable(output) == output


def test_a_missing_and_an_empty_file_say_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"photo\.png: no such file; check the spelling"):
        check_readable(tmp_path / "photo.png")
    (tmp_path / "photo.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"photo\.png: the file is empty \(0 bytes\)"):
        check_readable(tmp_path / "photo.png")
