"""Bad input and usage: status 2, one line on standard error, nothing on standard output, nothing written."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import xarray
from PIL import Image

from ligeia.cli import run
from ligeia.codec._container import SIGNATURE

pytest_plugins = ["support.fixtures"]


@pytest.fixture(scope="module")
def bad_files(made_field: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder, not to be written to, with a picture, its field, and files that are not as they should be."""
    folder = tmp_path_factory.mktemp("bad")
    shutil.copytree(made_field, folder, dirs_exist_ok=True)
    (folder / "folder.png").mkdir()
    (folder / "empty.png").touch()
    (folder / "text.png").write_text("no picture at all")
    Image.effect_noise((64, 64), 80).save(folder / "whole.jpg")
    (folder / "cut.jpg").write_bytes((folder / "whole.jpg").read_bytes()[:700])
    for name, level in (("black.png", 0), ("white.png", 255)):
        Image.new("L", (16, 12), level).save(folder / name)
    Image.new("RGBA", (16, 12)).save(folder / "clear.png")
    Image.new("1", (16, 12)).save(folder / "bits.png")
    np.save(folder / "none.npy", np.zeros((0, 3)))
    values = np.zeros((4, 5), np.float32)
    values[2, 3], values[3, 0] = np.nan, np.inf
    np.save(folder / "nan.npy", values)
    np.save(folder / "complex.npy", np.zeros(4, np.complex64))
    np.save(folder / "objects.npy", np.array([{}]), allow_pickle=True)
    (folder / "flow.csv").write_text("x,y,w\n0,0,1\n1,2,3\n2,1,inf\n")
    (folder / "words.csv").write_text("x,y,w\n0,0,1\n1,two,3\n")
    (folder / "line.csv").write_text("x,y,w\n0,1,1\n2,1,3\n")
    np.savez(folder / "flow.npz", x=np.arange(5.0), y=np.arange(5.0) ** 2, w=np.arange(4.0))
    soundfile.write(folder / "silence.wav", np.zeros(300), 8000)
    np.save(folder / "times.npy", 1_700_000_000_000_000_000 + np.arange(60))
    wind = {name: (("y", "x"), np.ones((3, 4))) for name in "uv"}
    xarray.Dataset(wind).to_netcdf(folder / "wind.nc", engine="h5netcdf")
    places = ("x", np.array([0.0, 1, 1, 3]))
    xarray.Dataset({"v": (("x",), np.arange(4.0))}, {"x": places}).to_netcdf(folder / "twice.nc", engine="h5netcdf")
    xarray.Dataset({"v": (("x",), np.full(4, np.nan))}).to_netcdf(folder / "gone.nc", engine="h5netcdf")
    (folder / "cut.nc").write_bytes((folder / "wind.nc").read_bytes()[:900])
    small = (Path(__file__).parents[1] / "golden" / "version_1_quantized.lig").read_bytes()
    (folder / "cut_small.lig").write_bytes(small[:-99])
    (folder / "hurt_small.lig").write_bytes(small[:-99] + bytes([small[-99] ^ 1]) + small[-98:])
    (folder / "cut.wav").write_bytes((folder / "silence.wav").read_bytes()[:400])
    (folder / "folder.lig").mkdir()
    data = (folder / "photo.lig").read_bytes()
    (folder / "newer.lig").write_bytes(SIGNATURE + bytes([data[len(SIGNATURE)] + 1]) + data[len(SIGNATURE) + 1 :])
    (folder / "cut.lig").write_bytes(data[:-9])
    return folder


FIT = "fit photo.png -o new.lig --passes 1 --hidden-features 8"
POINTS = "fit {} -o new.lig --passes 1 --hidden-features 8 --coordinates x,y"
REFUSED = [
    ("fit missing.png -o new.lig", "missing.png: no such file"),
    ("fit missing/photo.png -o new.lig", "missing/photo.png: no such file"),
    ("fit photo.png/photo.png -o new.lig", "Not a directory"),
    (f"fit {'x' * 300}.png -o new.lig", "File name too long"),
    ("fit folder.png -o new.lig", "folder.png: expected a file, this is a directory"),
    ("fit empty.png -o new.lig", "empty.png: the file is empty"),
    ("fit text.png -o new.lig", "text.png: expected an image .PNG"),
    ("fit photo.lig -o new.lig", "photo.lig: expected an image .PNG"),
    ("fit cut.jpg -o new.lig", "cut.jpg: expected a whole JPEG image"),
    ("fit none.npy -o new.lig", "none.npy: expected at least one sample"),
    ("fit nan.npy -o new.lig", r"nan.npy: .* 1 of 20 are NaN or infinite, the first at index \(3, 0, 0\)"),
    ("fit complex.npy -o new.lig", "complex.npy: expected real samples"),
    ("fit objects.npy -o new.lig", "objects.npy: not a readable .npy file of numbers"),
    ("fit photo.png -o none/new.lig", "the folder none does not exist"),
    ("fit photo.png -o folder.lig", "folder.lig: expected an output file, this is a directory"),
    ("fit photo.png -o new.png", "new.png: a field is written as .lig"),
    ("fit photo.png -o new", "new: a field is written as .lig"),
    (f"fit photo.png -o {'x' * 240}.lig", "the name is too long"),
    (f"{FIT} --recipe slow", "--recipe must be fast or paper, got 'slow'"),
    (f"{FIT} --network mlp", "expected a network of siren, relu, .*, got 'mlp'"),
    (f"{FIT} --device tpu", "the device must be auto, cpu or cuda, got 'tpu'"),
    (f"{FIT} --device meta", "the device must be auto, cpu or cuda, got 'meta'"),
    (f"{FIT} --psnr -3", "expected a PSNR in decibels above 0 as a stop rule, got -3"),
    (f"{FIT} --psnr nan", "a PSNR in decibels above 0"),
    (f"{FIT} --seconds 0", "a number of seconds above 0"),
    ("fit photo.png -o new.lig --passes 0", "a number of passes above 0"),
    ("fit photo.png -o new.lig --hidden-features 0", "hidden_features must be at least 1, got 0"),
    (f"{FIT} --hidden-layers -1", "hidden_layers must be 0 or more, got -1"),
    (f"{FIT} --omega 0", "every omega must be positive and finite"),
    (f"{FIT} --omega nan", "every omega must be positive and finite"),
    (f"{FIT} --omega much", "Invalid value for .--omega."),
    (f"{FIT} --seed -1", "--seed"),
    (f"{FIT} --report report.xyz", "report.xyz: a figure ends in .png"),
    (f"{FIT} --report none/report.png", "the folder none does not exist"),
    (f"{FIT} --frobnicate", "No such option: --frobnicate"),
    ("fit photo.png", "Missing option"),
    ("fit -o new.lig", "Missing argument 'INPUT'"),
    ("frobnicate", "No such command 'frobnicate'"),
    ("render photo.lig -o new.png --scale 0", "expected a scale above 0, got 0"),
    ("render photo.lig -o new.png --scale -2", "expected a scale above 0, got -2"),
    ("render photo.lig -o new.png --scale nan", "expected a scale above 0, got nan"),
    ("render photo.lig -o new.png --scale 1e308", "expected a scale .*"),
    ("render photo.lig -o new.png --scale 1e30", "a grid may hold at most"),
    ("render photo.lig -o new.png --shape 0x5", "a shape such as 768x1024 .* got '0x5'"),
    ("render photo.lig -o new.png --shape 5", r"expected a shape of 2 sizes \(row, column\)"),
    ("render photo.lig -o new.png --shape big", "a shape such as 768x1024 .* got 'big'"),
    (f"render photo.lig -o new.png --shape {'9' * 5000}x5", "a shape such as 768x1024"),
    ("render photo.lig -o new.png --shape 5x5 --scale 2", "expected the shape or the scale of a rendering, got both"),
    ("render photo.lig -o new.png --region all", "a region such as 0:100,50:150 .* got 'all'"),
    ("render photo.lig -o new.png --region 0:5", r"expected a region of 2 ranges \(row, column\), got 1"),
    ("render photo.lig -o new.png --region 0:5,10:17", "the region 10:17 must be within 0:16 on axis 'column'"),
    ("render photo.lig -o new.png --region 5:5,0:3", "the region 5:5 must be within 0:12"),
    ("render photo.lig -o new.png --quantity color", "--quantity must be one of value, gradient, laplacian"),
    ("render photo.lig -o new.xyz", "new.xyz: expected the ending of an image"),
    ("render photo.lig -o none/new.png", "the folder none does not exist"),
    ("render photo.lig -o new.png --device tpu", "the device must be auto, cpu or cuda"),
    ("render photo.png -o new.png", "photo.png: "),
    ("render newer.lig -o new.png", "newer.lig: .*version"),
    ("decode photo.lig -o new.xyz", "new.xyz: expected the ending of an image"),
    ("decode photo.lig -o folder.png", "folder.png: expected an output file, this is a directory"),
    ("decode cut.lig -o new.png", "cut.lig: "),
    ("info newer.lig", "newer.lig: .*version"),
    ("info photo.png", "photo.png: "),
    ("solve heat -o new.lig", "No such command 'heat'"),
    ("solve helmholtz -o new.png", "new.png: a field is written as .lig"),
    ("solve helmholtz -o new.lig --wavenumber 0", "a wavenumber above 0"),
    ("solve helmholtz -o new.lig --wavenumber 0.5", "a wavenumber of 2.5 or more"),
    ("solve helmholtz -o new.lig --wavenumber 200", "expected a problem of at most 4,096 neurons, this one needs"),
    ("solve helmholtz -o new.lig --circle 5,5,0.1,2", "a circle within 0.6 of the origin"),
    ("solve wave -o new.lig --pulse 0,0,0.01", "expected a problem of at most 4,096 waves, this one needs"),
    ("solve wave -o new.lig --circle 0.9,0,0.2,2", "a circle within 1 of the origin"),
    ("solve helmholtz -o new.lig --source 0,0", "expected 3 numbers as in --source 0,0,0.05"),
    ("solve helmholtz -o new.lig --source 0.7,0,0.05", "a source inside the layers"),
    ("solve helmholtz -o new.lig --source 0,0,0", "a place and a width above 0"),
    ("solve helmholtz -o new.lig --circle 0,0,0.2,0", "a radius, a speed and an edge above 0"),
    ("solve wave -o new.lig --duration 0", "expected a duration above 0"),
    ("solve wave -o new.lig --pulse 0,2,0.1", "a pulse in the square from -1 to 1"),
    ("solve wave -o new.lig --velocity 0,0,0.1", "expected 4 numbers as in --velocity 0,0,0.1,2"),
    ("solve inversion missing.npz -o new.lig", "missing.npz: no such file"),
    ("solve inversion flow.npz -o new.png", "new.png: a field is written as .lig"),
    ("solve inversion photo.png -o new.lig", "photo.png: expected recordings as an .npz file of numbers"),
    ("solve inversion flow.npz -o new.lig", "flow.npz: expected arrays wavenumber, .*; missing: wavenumber"),
    ("poisson photo.png --from slope -o new.lig", "--from must be gradient or laplacian, got 'slope'"),
    ("poisson photo.png -o new.png", "new.png: a field is written as .lig"),
    ("poisson silence.wav -o new.lig", "expected a signal that varies"),
    ("poisson flow.csv -o new.lig", "columns"),
    (f"{FIT} --mask missing.png", "missing.png: no such file"),
    (f"{FIT} --mask whole.jpg", "expected a mask of 12 x 16 samples, .* got 64 x 64"),
    (f"{FIT} --mask black.png", "got one that is dark everywhere"),
    (f"{FIT} --mask white.png", "got one that is bright everywhere"),
    (f"{FIT} --mask photo.png --hold-out 0.1", "mask and hold_out both say what is not fitted; leave one"),
    (f"{FIT} --prior smooth", "expected a prior of tv, hessian, .* got 'smooth'"),
    (f"{FIT} --prior tv:", "expected 1 numbers as in --prior tv:0.1"),
    (f"{FIT} --prior tv:much", "expected 1 numbers as in --prior tv:0.1, got 'much'"),
    (f"{FIT} --prior tv:-1", "expected weights of 0 or more for a prior"),
    (f"{FIT} --prior tv --recipe paper", "a prior brings its own recipe; leave the recipe paper out"),
    ("blend photo.png photo.png -o new.png", "Missing option"),
    ("blend missing.png photo.png --mask photo.png -o new.png", "missing.png: no such file"),
    ("blend photo.png photo.png --mask photo.png -o photo.png", "photo.png: the output would overwrite an input"),
    ("blend photo.png photo.png --mask photo.png -o new.lig", "new.lig: expected the ending of an image or .npy"),
    ("blend photo.png photo.png --mask photo.png -o new.gif", "new.gif: a GIF holds at most 256 colors"),
    ("blend whole.jpg photo.png --mask photo.png -o new.png", "of one size .* got 64 x 64, 12 x 16, 12 x 16"),
    ("blend photo.png photo.png --mask whole.jpg -o new.png", "of one size .* got 12 x 16, 12 x 16, 64 x 64"),
    ("blend photo.png photo.png --mask black.png -o new.png", "expected a mask that is white somewhere"),
    ("blend photo.png photo.png --mask white.png -o new.png", "expected a mask that is black somewhere"),
    ("blend photo.png clear.png --mask photo.png -o new.png", "target: expected a gray or RGB picture without alpha"),
    ("blend photo.png black.png --mask photo.png -o new.png", "expected a source of 1 channel for a gray target"),
    ("blend silence.wav photo.png --mask photo.png -o new.png", "source: expected a picture, got .* kind sound"),
    ("blend photo.png bits.png --mask photo.png -o new.png", "target: expected 8 bits per sample or more, got 1"),
    ("compare photo.png", "Missing argument 'CANDIDATE'"),
    ("compare photo.png whole.jpg", r"whole.jpg: expected the shape \(12, 16, 3\) of photo.png"),
    ("demo -o photo.png", "photo.png: cannot create this folder"),
    ("demo -o shown --device tpu", "the device must be auto, cpu or cuda"),
    (
        "paper relativity",
        "the experiment must be one of image, activations, audio, video, sdf, poisson-gradient, .*, got 'relativity'",
    ),
    ("paper image --input photo.png", "--input is for the experiments audio, video, sdf, got 'image'"),
    ("paper audio --input photo.png", "photo.png: not a readable sound"),
    (f"{FIT} --first-omega fast", "expected numbers such as 30 or 30,60.5, got 'fast'"),
    (
        f"{FIT} --first-omega 30,60,90",
        r"expected a frequency above 0 for each axis \(row, column\) .* got 30, 60, 90",
    ),
    (f"{FIT} --first-omega 0", "a frequency above 0"),
    (f"{FIT} --snr 0", "expected an SNR in decibels above 0 as a stop rule, got 0"),
    ("fit silence.wav -o new.lig --snr 20", "expected a signal that is not silent for an SNR, every sample is 0"),
    ("fit cut.wav -o new.lig", "cut.wav: the sound is cut short"),
    ("fit photo.png -o new.lig --no-channels", "photo.png: channels along the last axis are an option for arrays only"),
    ("fit times.npy -o new.lig", "times.npy: expected samples that single precision can tell apart, .* subtract"),
    ("fit wind.nc -o new.lig", r"wind.nc: expected one variable .* holds: u \(y 3 x x 4 float64\); v .* --variable"),
    ("fit wind.nc -o new.lig --variable w", "wind.nc: expected the variable 'w', the file holds: u"),
    ("fit twice.nc -o new.lig", "twice.nc: expected coordinates that rise or fall along x, 1 at index 2 is a dup"),
    ("fit gone.nc -o new.lig", "gone.nc, v: all 4 samples are missing"),
    ("fit cut.nc -o new.lig", "cut.nc: not readable gridded data"),
    ("fit photo.png -o new.lig --periodic lon", "the axes are row, column; lon cannot be made periodic"),
    ("render photo.lig -o new.png --region depth=3", r"the axes are \(row, column\), got a region of depth"),
    (
        "render photo.lig -o new.png --region row=",
        "expected a region such as z=-40:60,y=12.5 or time=2001-06-16, got 'row='",
    ),
    ("render photo.lig -o new.png --region row=0:9", "axis 'row' goes from -1 to 1, got 9"),
    ("decode photo.lig -o new.nc", "new.nc: gridded data need a field that came from them"),
    ("fit flow.csv -o new.lig", "flow.csv: expected columns of coordinates and of values, .* holds: x, y, w"),
    (f"{POINTS.format('flow.csv')} --values u", "flow.csv: expected a column 'u', the file holds: x, y, w"),
    (f"{POINTS.format('flow.csv')} --values w", "flow.csv: expected finite numbers, 1 of 3 in w .* at index 2"),
    (f"{POINTS.format('flow.csv')} --values x", "flow.csv: expected different columns, got x twice"),
    (f"{POINTS.format('words.csv')} --values w", "words.csv, line 3, column 'y': expected a number, got 'two'"),
    (
        f"{POINTS.format('line.csv')} --values w",
        "line.csv: expected points that differ along every axis, all have y = 1",
    ),
    (f"{POINTS.format('flow.npz')} --values w", "flow.npz: expected columns of one length, got x 5, y 5, w 4"),
    (f"{POINTS.format('photo.png')} --values w", "photo.png: scattered samples come from a .csv, .npz or .mat file"),
    (f"{POINTS.format('flow.npz')} --values x,y --variable x", "flow.npz: .* named by coordinates and values"),
    (f"{POINTS.format('line.csv')} --values w --box 0:1", "line.csv: expected a box .* for each of x, y, got 0:1"),
    (f"{POINTS.format('line.csv')} --values w --box 5:6,5:6", "line.csv: expected points in the box, all 2 lie"),
    (f"{POINTS.format('line.csv')} --values w --box 1,2", "a box such as -5:15,-5:5 .* got '1,2'"),
    (f"{FIT} --hold-out 1", "expected a share of samples to hold out from 0 to below 1, got 1"),
    ("decode photo.lig --at missing.csv -o new.csv", "missing.csv: no such file"),
    ("decode photo.lig --at flow.csv -o new.csv", "flow.csv: expected a column 'row', the file holds: x, y, w"),
    ("decode photo.lig --at flow.csv -o new.png", "new.png: values at places are written as .csv or .npz"),
    ("fit photo.png -o photo.lig --resume", "photo.lig exists and has no checkpoint: that fit has finished"),
    ("paper audio --input silence.wav -o new.png", "silence.wav: expected a sound of at least 1000 samples, got 300"),
    ("paper activations -o new.xyz", "new.xyz: a figure ends in"),
    ("compress missing.png -o new.lig --bpp 1", "missing.png: no such file"),
    ("compress nan.npy -o new.lig --bpp 1", "nan.npy: .* NaN or infinite"),
    ("compress photo.lig -o new.lig --bpp 1", "photo.lig: expected an image .PNG"),
    ("compress photo.png -o new.png --bpp 1", "new.png: a field is written as .lig"),
    ("compress photo.png -o none/new.lig --bpp 1", "the folder none does not exist"),
    ("compress photo.png -o new.lig", "expected one of --bpp, .* and --lossless, got none"),
    ("compress photo.png -o new.lig --bpp 1 --psnr 30", "expected one of --bpp, .*, got --bpp and --psnr"),
    (
        "compress photo.png -o new.lig --bytes 10",
        r"expected at least \d\d+ bytes, the smallest file of this signal .*, got 10\.",
    ),
    (
        "compress photo.png -o new.lig --bpp 0.01",
        r"expected at least \d\d+ bytes, the smallest file of this signal .*, got 0\.",
    ),
    ("compress photo.png -o new.lig --bpp nan", "expected a finite size or quality above 0, got nan"),
    ("compress photo.png -o new.lig --psnr -3", "expected a finite size or quality above 0, got -3"),
    ("compress photo.png -o new.lig --bytes 900 --effort 10", "Invalid value for .--effort."),
    ("compress photo.png -o new.lig --lossless --bpp 1", "got --bpp and --lossless"),
    (
        "compress photo.png -o new.lig --lossless --resume",
        "expected a size with --resume: a fit to a quality, or a lossless one, cannot be resumed",
    ),
    ("compress silence.wav -o new.lig --snr 20", "expected a signal that is not silent for an SNR, every sample is 0"),
    ("compress times.npy -o new.lig --lossless", "times.npy: expected samples that single precision can tell apart"),
    ("decode cut_small.lig -o new.png", "cut_small.lig: the chunk QUAN is cut short: .* get the file again"),
    ("decode hurt_small.lig -o new.png", "hurt_small.lig: the chunk QUAN at byte .* should have checksum"),
    ("info hurt_small.lig", "hurt_small.lig: the chunk QUAN at byte .* should have checksum"),
]


@pytest.mark.parametrize(("command", "wanted"), REFUSED, ids=range(len(REFUSED)))
@pytest.mark.parametrize("options", [[], ["--json", "--quiet"]], ids=["", "json"])
def test_it_is_refused_in_one_line_and_nothing_is_written(
    command: str,
    wanted: str,
    options: list[str],
    bad_files: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(bad_files, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    before = {path: path.is_dir() or path.read_bytes() for path in tmp_path.rglob("*")}
    status = run([*command.split(), *(options if command != "frobnicate" else [])])
    captured = capfd.readouterr()
    assert status == 2, captured.err
    assert captured.out == ""
    assert captured.err.startswith("ligeia: ")
    assert captured.err.count("\n") == 1
    assert captured.err.endswith("\n")
    assert re.search(wanted, captured.err), captured.err
    assert {path: path.is_dir() or path.read_bytes() for path in tmp_path.rglob("*")} == before


def test_too_large_a_picture_is_told_in_one_line(field: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = ["render", str(field), "-o", "new.png", "--shape", "100000000x100000000", "--allow-large"]
    assert run(words) == 2
    captured = capfd.readouterr()
    assert captured.err == "ligeia: this machine has too little memory; choose a smaller output or network.\n"
    assert not Path("new.png").exists()
