import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import soundfile
from PIL import Image

from ligeia import codec, experiments
from ligeia.cli import run
from ligeia.fitting import passes
from ligeia.signals import Alignment, Signal

pytest_plugins = ["support.fixtures"]
Json = Callable[..., dict[str, Any]]
FIT_KEYS = {
    "psnr_db", "seconds", "steps", "passes", "point_steps", "parameters", "bytes", "output", "stopped_by",
}  # fmt: skip
QUICK = ("--passes", 2, "--hidden-features", 8)


def test_fit_says_how_it_went(folder: Path, json_of: Json) -> None:
    result = json_of("fit", "photo.png", "-o", "photo.lig", *QUICK, "--report", "report.png")
    assert result.keys() >= FIT_KEYS
    assert result["steps"] == 2
    assert result["passes"] == 2.0
    assert result["point_steps"] == 2 * 12 * 16
    assert result["parameters"] == (2 * 8 + 8) + 3 * (8 * 8 + 8) + (8 * 3 + 3)
    assert result["bytes"] == (folder / "photo.lig").stat().st_size
    assert result["stopped_by"] == "passes"
    assert sorted(path.name for path in folder.iterdir()) == ["photo.lig", "photo.png", "report.png"]


def test_fit_takes_the_widest_network_that_the_bytes_hold(folder: Path, json_of: Json) -> None:
    result = json_of("fit", "photo.png", "-o", "photo.lig", "--passes", 1, "--bytes", 20_000)
    width = result["hidden_features"]
    assert result["bytes"] == (folder / "photo.lig").stat().st_size
    assert result["bytes"] <= 20_000 < result["bytes"] + 4 * (3 * (2 * width + 2) + 2 + 3)  # one feature more
    assert result["hidden_features_reason"] == "the most in 20,000 bytes"
    assert run(["fit", "photo.png", "-o", "photo.lig", "--passes", "1", "--bytes", "100"]) == 2


def test_fit_says_the_width_and_its_reason(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fit", "photo.png", "-o", "photo.lig", *map(str, QUICK)]) == 0
    assert "width: 8 (as asked)" in capsys.readouterr().out.splitlines()


def test_render_writes_the_size_asked_for(field: Path, json_of: Json) -> None:
    result = json_of("render", field, "-o", "large.png", "--scale", 2.5)
    assert result.keys() >= {"shape", "seconds", "output"}
    assert result["shape"] == [30, 40]
    with Image.open("large.png") as image:
        assert image.size == (40, 30)
    assert json_of("render", field, "-o", "r.npy", "--region", "2:6,0:3", "--scale", 2)["shape"] == [8, 6]
    assert json_of("render", field, "-o", "g.png", "--shape", "5x7", "--quantity", "gradient")["shape"] == [5, 7]


def test_decode_writes_the_original_kind(field: Path, json_of: Json) -> None:
    result = json_of("decode", field, "-o", "again.png")
    assert result.keys() >= {"shape", "seconds", "output"}
    with Image.open("again.png") as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", (16, 12))


def test_a_lossless_file_decodes_to_the_original_and_info_says_so(field: Path, json_of: Json) -> None:
    with Image.open("photo.png") as image:
        original = np.asarray(image)
    assert not json_of("info", field)["lossless"]
    record = codec.with_samples(codec.read_record(field), original)
    codec.write_record(record, Path("exact.lig"))
    json_of("decode", "exact.lig", "-o", "again.png")
    with Image.open("again.png") as image:
        assert np.array_equal(np.asarray(image), original)
    header = json_of("info", "exact.lig")
    assert header["lossless"]
    assert record.residual is not None
    assert header["residual_bytes"] == record.residual.num_bytes
    assert header["bytes"] == header["residual_bytes"] + header["field_bytes"]
    assert run(["decode", "exact.lig", "-o", "again.jpg"]) == 2
    assert run(["info", "exact.lig"]) == 0


def test_compare_measures_and_has_no_infinity_in_json(field: Path, json_of: Json) -> None:
    result = json_of("compare", "photo.png", field)
    assert result.keys() >= {"psnr_db", "ssim", "mse"}
    assert 0 < result["psnr_db"] < 40
    same = json_of("compare", "photo.png", "photo.png")
    assert (same["psnr_db"], same["ssim"], same["mse"]) == (None, 1.0, 0.0)


def test_a_sound_goes_through_every_command(folder: Path, json_of: Json) -> None:
    soundfile.write("tone.wav", 0.5 * np.sin(np.arange(900) / 9), 8000, subtype="PCM_24")
    result = json_of("fit", "tone.wav", "-o", "tone.lig", *QUICK, "--report", "tone.png")
    assert result.keys() >= FIT_KEYS | {"snr_db"}
    assert json_of("decode", "tone.lig", "-o", "again.wav")["shape"] == [900]
    assert soundfile.info("again.wav").subtype == "PCM_24"
    assert json_of("compare", "tone.wav", "again.wav")["snr_db"] == pytest.approx(result["snr_db"], abs=0.01)
    json_of("render", "tone.lig", "-o", "fine.flac", "--scale", 2)
    assert soundfile.info("fine.flac").samplerate == 16000
    header = json_of("info", "tone.lig")
    assert header["source"] == {
        "kind": "SoundSource", "format": "WAV", "subtype": "PCM_24", "sample_rate": 8000, "dtype": "<f4",
    }  # fmt: skip


def test_people_read_the_snr_of_a_sound(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    soundfile.write("tone.wav", 0.5 * np.sin(np.arange(900) / 9), 8000)
    assert run(["fit", "tone.wav", "-o", "tone.lig", "--snr", "10", "--hidden-features", "64"]) == 0
    assert "tone.lig: SNR " in capsys.readouterr().out
    assert run(["compare", "tone.wav", "tone.lig"]) == 0
    assert capsys.readouterr().out.startswith("SNR ")


def test_info_prints_the_header(field: Path, json_of: Json) -> None:
    result = json_of("info", field)
    assert result["shape"] == [12, 16]
    assert result["network"]["hidden_features"] == 8
    assert result["bytes"] == field.stat().st_size
    assert result["parameters"] == 267
    assert [channel["name"] for channel in result["channels"]] == ["red", "green", "blue"]
    assert result["source"]["format"] == "PNG"


def test_info_names_quantized_weights_and_the_widths_of_a_pruned_network(
    json_of: Json, capsys: pytest.CaptureFixture[str]
) -> None:
    file = Path(__file__).parents[1] / "golden" / "version_1_quantized_pruned.lig"
    result = json_of("info", file)
    assert (result["weights"], result["network"]["hidden_features"]) == ("float16, quantized", [17, 23, 9])
    assert run(["info", str(file)]) == 0
    printed = capsys.readouterr().out
    assert "network     siren, 2 -> 17, 23, 9 -> 3, omega_0 60, 30, 30" in printed
    assert "711 weights in float16, quantized" in printed


@pytest.mark.parametrize(("known", "alignment"), [("gradient", "constant"), ("laplacian", "affine")])
def test_a_picture_is_found_from_its_derivatives(folder: Path, json_of: Json, known: str, alignment: str) -> None:
    result = json_of("poisson", "photo.png", "--from", known, "-o", "slopes.lig", *QUICK, "--hidden-layers", 1)
    assert result.keys() >= {"psnr_db", "seconds", "psnr_constant_db", "output"}
    assert result["alignment"] == alignment
    assert result["psnr_db"] >= result["psnr_constant_db"] - 1e-6
    assert json_of("compare", "photo.png", "slopes.lig")["psnr_db"] >= result["psnr_constant_db"] - 0.01


@pytest.mark.parametrize("options", [[], ["--mixed"]], ids=["seamless", "mixed"])
def test_a_picture_is_blended_into_another_of_its_own_kind(folder: Path, json_of: Json, options: list[str]) -> None:
    rows, columns = np.mgrid[:12, :16] * 2000
    target = np.stack([columns, rows + 9000, rows], axis=-1).astype(np.uint16)
    (folder / "target.png").write_bytes(imagecodecs.png_encode(target))
    mask = np.zeros((12, 16), np.uint8)
    mask[3:9, :8] = 200
    Image.fromarray(mask).save("mask.png")
    words = ("blend", "photo.png", "target.png", "--mask", "mask.png", "-o", "new.png", "--hidden-features", 16)
    result = json_of(*words, "--seconds", 0.2, *options)
    assert result.keys() >= {"gradient_error", "boundary_jump", "gradient_error_written", "seconds", "output"}
    assert result["mixed"] == bool(options)
    found = imagecodecs.png_decode((folder / "new.png").read_bytes())
    assert found.dtype == np.uint16
    assert np.array_equal(found[mask == 0], target[mask == 0])
    assert not np.array_equal(found, target)


def test_an_equation_is_solved_into_a_field_that_other_commands_know(folder: Path, json_of: Json) -> None:
    result = json_of("solve", "helmholtz", "--wavenumber", 4, "--hidden-features", 64, "-o", "waves.lig")
    assert result.keys() >= {"relative_l2", "relative_residual", "seconds", "output"}
    assert json_of("info", "waves.lig")["axes"][0]["name"] == "x"
    assert json_of("render", "waves.lig", "-o", "waves.npy", "--shape", "20x30")["shape"] == [20, 30]
    assert np.load("waves.npy").shape == (20, 30, 2)


def test_a_pulse_is_followed_into_a_field_of_time_and_place(folder: Path, json_of: Json) -> None:
    words = ("solve", "wave", "--pulse", "0,0,0.3", "-o", "pulse.lig")
    assert json_of(*words, "--velocity", "0.1,0,0.4,1")["relative_l2"] < 0.01
    assert [axis["name"] for axis in json_of("info", "pulse.lig")["axes"]] == ["t", "x", "y"]
    around = json_of(*words, "--circle", "0,0,0.5,2", "--hidden-features", 8, "--seconds", 0.1, "--curriculum")
    assert around["relative_l2"] is None


def test_samples_under_a_mask_are_filled_in_and_measured(folder: Path, json_of: Json) -> None:
    mask = np.zeros((12, 16), np.uint8)
    mask[3:9, :8] = 1
    Image.fromarray(mask).save("mask.png")
    words = ("fit", "photo.png", "-o", "whole.lig", "--mask", "mask.png", "--hidden-features", 16, "--passes", 3)
    for prior in ([], ["--prior", "hessian"], ["--prior", "tv:0.3"]):
        result = json_of(*words, *prior)
        assert (result["num_samples"], result["num_held_out"]) == (12 * 16 - 48, 48)
    assert json_of("decode", "whole.lig", "-o", "whole.png")["shape"] == [12, 16]


def test_a_speed_is_found_from_a_file_of_recordings(folder: Path, json_of: Json) -> None:
    problem = experiments.made_recordings(wavenumber=6.0, cells=60)
    np.savez(
        "recordings.npz",
        wavenumber=problem.wavenumber,
        sources=problem.source_places,
        width=0.05,
        receivers=problem.receivers,
        recordings=problem.recordings,
    )
    result = json_of("solve", "inversion", "recordings.npz", "--evaluations", 3, "-o", "speed.lig")
    assert (result["evaluations"], result["relative_l2"]) == (3, None)
    assert result["slowest"] < result["fastest"]
    (channel,) = json_of("info", "speed.lig")["channels"]
    assert channel["name"] == "speed"
    assert json_of("render", "speed.lig", "-o", "speed.npy", "--shape", "20x30")["shape"] == [20, 30]
    speeds = np.load("speed.npy")
    assert result["slowest"] - 0.01 < speeds.min() < speeds.max() < result["fastest"] + 0.01


def test_the_demo_does_the_main_job(folder: Path, json_of: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    camera, asked = experiments.camera, []

    def small(*, size: int, align: Alignment) -> Signal:
        asked.append(size)
        return camera(size=64, align=align)

    monkeypatch.setattr(experiments, "camera", small)
    monkeypatch.setattr(experiments, "demo_stop", lambda: passes(0.02))
    result = json_of("demo", "-o", "shown")
    assert result.keys() >= FIT_KEYS
    assert asked == [256]
    names = ["camera.lig", "enlarged-4x.png", "gradient.png", "laplacian.png", "reconstructed.png", "report.png"]
    assert sorted(path.name for path in (folder / "shown").iterdir()) == names
    with Image.open("shown/enlarged-4x.png") as image:
        assert image.size == (4 * 64, 4 * 64)


def test_quiet_prints_nothing(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["fit", "photo.png", "-o", "photo.lig", *map(str, QUICK), "--quiet"]) == 0
    for command in (
        ["render", "photo.lig", "-o", "a.png"],
        ["decode", "photo.lig", "-o", "b.png"],
        ["compare", "photo.png", "photo.lig"],
        ["info", "photo.lig"],
    ):
        assert run([*command, "--quiet"]) == 0
    assert capfd.readouterr() == ("", "")


def test_without_json_each_command_prints_a_summary(field: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = {
        ("render", str(field), "-o", "a.png"): "a.png: 12 x 16 samples in",
        ("decode", str(field), "-o", "b.png"): "b.png: 12 x 16 samples in",
        ("compare", "photo.png", "photo.png"): "exact, SSIM 1.0000",
        ("info", str(field)): "network     siren, 2 -> 8 x 4 -> 3, omega_0 30",
        ("fit", "photo.png", "-o", "c.lig", *map(str, QUICK)): "2 steps, 2.00 passes, 267 parameters",
    }
    for arguments, text in wanted.items():
        assert run(arguments) == 0
        captured = capsys.readouterr()
        assert text in captured.out
        assert captured.err == ""


def test_the_same_seed_gives_the_same_file_and_another_does_not(folder: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert run(["fit", "photo.png", "-o", f"{name}.lig", *map(str, QUICK), "--seed", str(seed), "--quiet"]) == 0
    first, again, other = ((folder / f"{name}.lig").read_bytes() for name in "abc")
    assert first == again
    assert first != other


def test_the_paper_recipe_stops_at_a_quality(folder: Path, json_of: Json) -> None:
    np.save("ramp.npy", np.linspace(0, 1, 40))
    result = json_of("fit", "ramp.npy", "-o", "ramp.lig", "--recipe", "paper", "--psnr", 15, "--hidden-features", 32)
    assert result["stopped_by"] == "psnr"
    assert result["psnr_db"] >= 15
    assert result["recipe"] == "paper"


def test_no_command_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    assert capsys.readouterr() == ("", "ligeia: expected a command; `ligeia --help` lists them.\n")


def test_the_list_of_commands_has_no_clipped_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    commands = capsys.readouterr().out.split("Commands:")[1]
    assert "solve" in commands
    assert "..." not in commands


@pytest.mark.parametrize("command", ["fit", "render", "decode", "compare", "info", "demo", "paper"])
def test_the_help_of_each_command_fits_a_screen_and_has_an_example(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([command, "--help"]) == 0
    text = capsys.readouterr().out
    assert f"Example: ligeia {command}" in text
    assert len(text.splitlines()) <= 50


def test_the_installed_command_answers_and_ends_with_the_status(folder: Path) -> None:
    command = [sys.executable, "-c", "from ligeia.cli import main; main()"]
    answered = subprocess.run([*command, "--version"], capture_output=True, text=True)
    assert (answered.returncode, answered.stderr) == (0, "")
    assert answered.stdout.startswith("ligeia ")
    refused = subprocess.run([*command, "info", "none.lig"], capture_output=True, text=True)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == "ligeia: none.lig: no such file; check the spelling.\n"
