"""The claims of README and guides: where they stand, what to type for them in full, and how they are checked."""

from functools import partial
from typing import Final

import _claims_quick as quick
import _claims_recorded as rows
from _claims import Claim, Kind, Quick, Recorded
from _claims_threads import both_at_work, times_faster_on_two

_README: Final = "README.md"
_COMPRESSION: Final = "docs/compression.md"
_ENLARGEMENT: Final = "docs/enlargement.md"
_EQUATIONS: Final = "docs/equations.md"

NUMBERS: Final = (
    Claim(
        page=_README,
        phrase="500 full-batch steps | 35.5 dB |",
        command="ligeia paper image",
        recorded=Recorded(results="fit_speed", texts=rows.reference_quality),
    ),
    Claim(
        page=_README,
        phrase="recipe `fast` | 1/139 of the point-steps, 1/279 of eager PyTorch's time |",
        command="scripts/bench fit_speed --photograph",
        is_timed=True,
        recorded=Recorded(results="fit_speed", texts=rows.fast_recipe),
        quick=Quick(
            kind=Kind.POINT_STEPS,
            measure=quick.point_steps_of_photograph,
            expected=(500 * 256**2 / 139,),
            tolerance=0.05 * 500 * 256**2 / 139,
            is_short=True,
        ),
    ),
    Claim(
        page=_README,
        phrase="the same comparison | 1/181 of the time (median), 1/134 (worst) |",
        command="scripts/bench fit_speed --signals",
        is_timed=True,
        recorded=Recorded(results="fit_speed", texts=rows.fast_recipe_on_signals),
    ),
    Claim(
        page=_README,
        phrase="50 dB of that photograph | 10 to 17 s |",
        command="scripts/bench fit_speed --photograph",
        is_timed=True,
        recorded=Recorded(results="fit_speed", texts=rows.fast_recipe_to_50_db),
        quick=Quick(kind=Kind.DECIBELS, measure=quick.quality_of_photograph, expected=(50.0,), relation="at least"),
    ),
    Claim(
        page=_README,
        phrase="from the call to the prompt | 4.2 s, 1.4 of them torch's import |",
        command="scripts/bench start_up",
        is_timed=True,
        recorded=Recorded(results="start_up", texts=rows.start_up),
    ),
    Claim(
        page=_README,
        phrase="kodim23, 768 x 512 color, 120 seconds | 40.6 dB |",
        command="ligeia fit kodim23.png -o k.lig --seconds 120",
        is_timed=True,
    ),
    Claim(
        page=_README,
        phrase="(MNI152 T1), 600 seconds, 0.45 GiB | 38.2 dB |",
        command="ligeia fit mni_icbm152_t1.nii.gz -o m.lig --seconds 600",
        is_timed=True,
    ),
    Claim(
        page=_README,
        phrase="files of 0.15, 0.3, 0.6, 1.2 bits per pixel, 76 s each | 29.2, 32.0, 35.3, 39.1 dB |",
        command="scripts/bench rate_distortion ligeia",
        is_timed=True,
        recorded=Recorded(results="rate_distortion", texts=rows.picture_files),
    ),
    Claim(
        page=_README,
        phrase="(BD-rate) versus JPEG, WebP, AVIF, the slowest AVIF | -60, -34, -21, -7 % |",
        command="scripts/bench rate_distortion table",
        recorded=Recorded(results="rate_distortion", texts=rows.bytes_beside_codecs),
    ),
    Claim(
        page=_README,
        phrase="weights of sine networks, versus JPEG, COIN, WebP, AVIF | -39, -57, +14, +47 % |",
        command="scripts/bench rate_distortion table --network siren",
        recorded=Recorded(results="rate_distortion", texts=rows.siren_bytes_beside_codecs, needs=("rd_kodak",)),
    ),
    Claim(
        page=_README,
        phrase="versus nested autograd | 2.1 times (Intel Xeon) to 3.8 times faster (AMD EPYC) |",
        command="scripts/bench jet_speed",
        is_timed=True,
        recorded=Recorded(results="jet_speed", texts=rows.jet_speed),
        quick=Quick(
            kind=Kind.RATIO, measure=quick.jet_ratio, expected=(quick.JET_RATIO,), tolerance=1.0, relation="at least"
        ),
    ),
    Claim(
        page=_README,
        phrase="from its gradient or its Laplacian alone, 84 and 108 s | 49.9, 43.3 dB |",
        command="ligeia poisson camera.png --from gradient -o c.lig, then --from laplacian",
        is_timed=True,
    ),
    Claim(
        page=_README,
        phrase="relative to sparse least squares | 0.99, 1.02 |",
        command="scripts/bench blend",
        recorded=Recorded(results="blend", texts=rows.blend),
        quick=Quick(
            kind=Kind.ERRORS,
            measure=quick.blend_ratios,
            expected=(0.99, 1.02),
            tolerance=0.03,
            needs=("poisson/source1_aligned.png", "poisson/target1.jpg", "poisson/mask1.png"),
        ),
    ),
    Claim(
        page=_README,
        phrase="biharmonic inpainting (camera, astronaut, kodim07) | +1.5, +0.8, +0.4 dB |",
        command="scripts/bench inpainting --threads 1",
        recorded=Recorded(results="inpainting", texts=rows.inpainting_gains),
        quick=Quick(kind=Kind.DECIBELS, measure=quick.inpainting_gain, expected=(1.47,), tolerance=0.2),
    ),
    Claim(
        page=_README,
        phrase="in a square of side 2: error versus the closed form | 0.26 % in 22 s |",
        command="ligeia solve helmholtz -o waves.lig",
        is_timed=True,
        quick=Quick(kind=Kind.PERCENT, measure=quick.helmholtz_error, expected=(0.26,), tolerance=0.1),
    ),
    Claim(
        page=_README,
        phrase="error versus the closed form at three times | 0.13 to 0.24 % in 3 s |",
        command="ligeia paper wave",
        is_timed=True,
        quick=Quick(kind=Kind.PERCENT, measure=quick.wave_error, expected=(0.24,), tolerance=0.05, is_short=True),
    ),
    Claim(
        page=_README,
        phrase="30 receivers | 1.6 % (20 % of its change), center to 0.001 |",
        command="scripts/bench inversion",
        recorded=Recorded(results="inversion", texts=rows.inversion),
    ),
    Claim(
        page=_README,
        phrase="versus DeepXDE, time to 5 and to 1 % | 11 times faster and more |",
        command="scripts/bench beside_deepxde",
        is_timed=True,
        recorded=Recorded(results="beside_deepxde", texts=rows.least_gain_on_equations),
    ),
    Claim(
        page=_README,
        phrase="two samplings of the original; IoU | 1.01, 1.00; 0.995, 0.997 |",
        command="scripts/bench surfaces measure",
        is_timed=True,
        recorded=Recorded(results="surfaces", texts=rows.surfaces),
    ),
    Claim(
        page=_README,
        phrase="relative to the paper's losses in the same time | 1.00 to 1.01; 0.75 |",
        command="scripts/bench surfaces measure",
        is_timed=True,
        recorded=Recorded(results="surfaces", texts=rows.surfaces_beside_poisson),
    ),
    Claim(
        page=_README,
        phrase="evaluations and memory at 1024 cells | 10 times faster; 1/66, 0.8 GiB |",
        command="scripts/bench surfaces speed",
        is_timed=True,
        recorded=Recorded(results="surfaces", texts=rows.meshing),
    ),
    Claim(
        page=_README,
        phrase="memory held by a fit of an 8 GiB array | 0.59 GiB |",
        command="scripts/bench bigger_than_memory memory",
        recorded=Recorded(results="bigger_than_memory", texts=rows.memory),
    ),
    Claim(
        page=_README,
        phrase="error on a held-out twentieth | 0.14 K, linear interpolation 0.17 |",
        command="scripts/bench gridded",
        is_timed=True,
        recorded=Recorded(results="gridded", texts=rows.sea),
    ),
    Claim(
        page=_README,
        phrase="gain over the better of bicubic and Lanczos | +0.96, +0.72, +0.70 dB |",
        command="scripts/bench enlarge measure",
        recorded=Recorded(results="enlarge", texts=rows.enlargement),
    ),
    Claim(
        page=_README,
        phrase="(crops of two photographs) | +7.1, +8.2 dB |",
        command="scripts/bench exposures",
        recorded=Recorded(results="exposures", texts=rows.exposures),
    ),
    Claim(
        page=_README,
        phrase="20 and 60 s; a torch hash grid, 60 s | 32.0, 34.6 dB; 26.6 dB |",
        command="scripts/bench scenes 20s 60s hash",
        is_timed=True,
        recorded=Recorded(results="scenes", texts=rows.scenes),
    ),
    Claim(
        page=_README,
        phrase="over cubic interpolation, with one stack and with two | +3.4, +9.8 dB |",
        command="scripts/bench slices, then scripts/bench slices --axes zx",
        recorded=Recorded(results="slices", texts=rows.slices),
    ),
)
"""The rows of README's table of numbers."""

TEXT: Final = (
    Claim(
        page=_README,
        phrase="40 % of JPEG's bytes, 66 % of WebP's, 79 % of AVIF's",
        command="scripts/bench rate_distortion table",
        recorded=Recorded(results="rate_distortion", texts=rows.shares_of_bytes, in_page=True),
    ),
    Claim(
        page=_README,
        phrase="An 8 GiB array takes 0.59 GiB of memory.",
        command="scripts/bench bigger_than_memory memory",
        recorded=Recorded(results="bigger_than_memory", texts=rows.memory),
    ),
    Claim(
        page=_README,
        phrase="a 17-megapixel photograph fits in 0.7 GiB",
        command="/usr/bin/time -v ligeia fit pluto_5926x2963.jpg -o pluto.lig --seconds 60",
    ),
    Claim(
        page=_README,
        phrase="a 16384 x 8192 rendering takes 0.8 GiB",
        command="/usr/bin/time -v ligeia render pluto.lig -o large.png --shape 8192x16384",
    ),
    Claim(
        page=_README,
        phrase="a detailed 768 x 512 photograph to 30 to 40 dB in two minutes",
        command="ligeia fit kodim08.png -o k.lig --seconds 120",
        is_timed=True,
    ),
    Claim(
        page=_README,
        phrase="794 kB for the default network",
        command="ligeia fit photo.png -o photo.lig",
        quick=Quick(kind=Kind.BYTES, measure=quick.default_bytes, expected=(794_000,), tolerance=1000, is_short=True),
    ),
    Claim(
        page=_README,
        phrase="a network of 198,401 weights",
        command="ligeia info photo.lig",
        quick=Quick(kind=Kind.WEIGHTS, measure=quick.default_weights, expected=(198_401,), is_short=True),
    ),
    Claim(
        page=_README,
        phrase="`--bytes 100000` takes the widest network whose file is no larger",
        command="ligeia fit photo.png -o photo.lig --bytes 100000",
        quick=Quick(
            kind=Kind.BYTES,
            measure=quick.most_bytes,
            expected=(100_000,),
            relation="at most",
            is_short=True,
        ),
    ),
    Claim(
        page=_README,
        phrase="The size you ask for is never exceeded.",
        command="ligeia compress photo.png -o small.lig --bytes 2000",
        quick=Quick(
            kind=Kind.BYTES,
            measure=quick.compressed_bytes,
            expected=(600, 2000),
            relation="at most",
            is_short=True,
        ),
    ),
    Claim(
        page=_README,
        phrase="agree with plain torch to float32 rounding",
        command="scripts/test tests/kernels",
        quick=Quick(
            kind=Kind.ERROR,
            measure=quick.kernel_error,
            expected=(1e-5,),
            relation="at most",
            is_short=True,
        ),
    ),
    Claim(
        page="design/threads.md",
        phrase="a batch is cut into one share per thread",
        command="scripts/bench claims",
        quick=Quick(kind=Kind.THREADS, measure=both_at_work, expected=(1.3, 1.3), relation="at least", is_short=True),
    ),
    Claim(
        page="design/threads.md",
        phrase="two threads of our own, half a batch each",
        command="scripts/bench kernel_speed --threads 1, then --threads 2",
        quick=Quick(kind=Kind.RATIO, measure=times_faster_on_two, expected=(1.2,), relation="at least", is_short=True),
    ),
)
"""Claims in running text."""

GUIDES: Final = (
    Claim(
        page="docs/choosing-a-network.md",
        phrase="Mean and deviation of three seeds, in dB;",
        command="scripts/bench networks run",
        is_timed=True,
        recorded=Recorded(results="networks", texts=rows.network_table, in_page=True),
    ),
    Claim(
        page="docs/mini-batches.md",
        phrase="| 25 passes, rate falling to 0 | 38.6 | 38.2 |",
        command="scripts/bench mini_batches",
        is_timed=True,
        recorded=Recorded(results="mini_batches", texts=rows.mini_batch_table, in_page=True),
        quick=Quick(
            kind=Kind.DECIBELS,
            measure=quick.mini_batch_quality,
            expected=(39.54,),
            tolerance=0.3,
            needs=("images/skimage/camera.png",),
        ),
    ),
    Claim(
        page=_COMPRESSION,
        phrase="| **ligeia** (grids, effort 5) | 29.19 |",
        command="scripts/bench rate_distortion ligeia",
        recorded=Recorded(results="rate_distortion", texts=rows.picture_files_in_full, in_page=True),
    ),
    Claim(
        page=_COMPRESSION,
        phrase="| AVIF 4:4:4, speed 0 | 29.00 | 31.69 | 34.84 |",
        command="scripts/bench rate_distortion anchors",
        recorded=Recorded(results="rate_distortion", texts=rows.codec_table, in_page=True),
    ),
    Claim(
        page=_COMPRESSION,
        phrase="By SSIM, BD-rate is -44 % versus JPEG",
        command="scripts/bench rate_distortion table",
        recorded=Recorded(results="rate_distortion", texts=rows.bytes_by_ssim, in_page=True),
    ),
    Claim(
        page=_COMPRESSION,
        phrase="decodes it in 0.3 s, NumPy alone in 2 s",
        command="scripts/bench rate_distortion ligeia, then table",
        is_timed=True,
    ),
    Claim(
        page=_COMPRESSION,
        phrase="a cello, seven seconds, at 64 kbit/s",
        command="scripts/bench rate_distortion other",
        recorded=Recorded(results="rate_distortion", texts=rows.other_signals, in_page=True),
    ),
    Claim(
        page=_COMPRESSION,
        phrase="-61 % versus JPEG, -40 % versus WebP (method 6)",
        command="scripts/bench rate_distortion table",
        recorded=Recorded(results="rate_distortion", texts=rows.bytes_by_mean_curves),
    ),
    Claim(
        page=_COMPRESSION,
        phrase="| kodim23 (0.296 to 0.300) | 36.03 |",
        command="scripts/bench rate_distortion ligeia --images kodim23 kodim08 --bpp 0.3 --effort 1",
        is_timed=True,
        recorded=Recorded(results="rate_distortion", texts=rows.effort_table, in_page=True),
        quick=Quick(
            kind=Kind.DECIBELS,
            measure=quick.compressed_quality,
            expected=(36.03,),
            tolerance=0.1,
            needs=("images/kodak/kodim23.png",),
        ),
    ),
    Claim(
        page=_COMPRESSION,
        phrase="+0.03 dB at 0.3 bits per pixel (-0.01 to +0.08), +0.04 dB at 1 (-0.05 to +0.15)",
        command="scripts/bench pictures_twice --bpp 0.3 1",
        recorded=Recorded(results="pictures_twice", texts=rows.twice_the_size),
    ),
    Claim(
        page=_COMPRESSION,
        phrase="| part | change | kodim08 | kodim23 | mean change at equal size, dB |",
        command="scripts/bench compression_ablation --effort 2",
        recorded=Recorded(results="compression_ablation", texts=rows.ablation_table, in_page=True),
    ),
    Claim(
        page=_COMPRESSION,
        phrase="14,349 bytes",
        command="wc -c src/ligeia/codec/latents/learned/*",
        quick=Quick(kind=Kind.BYTES, measure=quick.learned_bytes, expected=(14_349,), is_short=True),
    ),
    Claim(
        page=_ENLARGEMENT,
        phrase="| scale | kernel |",
        command="scripts/bench enlarge measure",
        is_timed=True,
        recorded=Recorded(results="enlarge", texts=rows.enlargement_table, in_page=True),
    ),
    Claim(
        page="docs/scenes.md",
        phrase="| 100 x 100 | 20 | 32.0 | 0.978 | 25.2 |",
        command="scripts/bench scenes",
        is_timed=True,
        recorded=Recorded(results="scenes", texts=rows.scene_table, in_page=True),
    ),
    Claim(
        page=_ENLARGEMENT,
        phrase="| kodim08 | 20.23 | 28.44 | +8.2 |",
        command="scripts/bench exposures",
        recorded=Recorded(results="exposures", texts=rows.exposure_table, in_page=True),
    ),
    Claim(
        page=_ENLARGEMENT,
        phrase="| two orthogonal stacks | 32.58 / 28.30 |",
        command="scripts/bench slices, then scripts/bench slices --axes zx",
        is_timed=True,
        recorded=Recorded(results="slices", texts=rows.slice_table, in_page=True),
    ),
    Claim(
        page=_EQUATIONS,
        phrase="the same with mixed gradients | 1.02, 1.01 |",
        command="scripts/bench blend",
        recorded=Recorded(results="blend", texts=partial(rows.blend, mixed=True)),
    ),
    Claim(
        page=_EQUATIONS,
        phrase="nine tenths of the pixels missing, camera, astronaut, kodim07, prior `tv` |",
        command="scripts/bench inpainting --threads 1",
        recorded=Recorded(results="inpainting", texts=rows.inpainting, in_page=True),
    ),
    Claim(
        page=_EQUATIONS,
        phrase="| problem | error | ligeia, s | DeepXDE, s | times faster |",
        command="scripts/bench beside_deepxde",
        is_timed=True,
        recorded=Recorded(results="beside_deepxde", texts=rows.equations, in_page=True),
    ),
    Claim(
        page=_EQUATIONS,
        phrase="(1e-6 from the closed form in seconds)",
        command="python examples/heat.py",
        quick=Quick(
            kind=Kind.ERROR,
            measure=partial(quick.example_error, "heat"),
            expected=(1e-5,),
            relation="at most",
            is_short=True,
        ),
    ),
    Claim(
        page=_EQUATIONS,
        phrase="(2 to 4 % off at its corner)",
        command="python examples/l_shape.py",
        quick=Quick(kind=Kind.ERROR, measure=partial(quick.example_error, "l_shape"), expected=(0.03,), tolerance=0.01),
    ),
    Claim(
        page="docs/surfaces.md",
        phrase="2.1 million vertices in 47 s and 828 MiB, with 66 times fewer evaluations",
        command="scripts/bench surfaces speed",
        is_timed=True,
        recorded=Recorded(results="surfaces", texts=rows.fine_mesh),
    ),
    Claim(
        page="docs/surfaces.md",
        phrase="| shape | by | Chamfer, % |",
        command="scripts/bench surfaces measure",
        is_timed=True,
        recorded=Recorded(results="surfaces", texts=rows.surface_table, in_page=True),
    ),
)
"""Claims of the guides."""

CLAIMS: Final = (*NUMBERS, *TEXT, *GUIDES)
