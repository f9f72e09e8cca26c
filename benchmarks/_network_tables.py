"""The comparison of networks as a table in Markdown and as a picture."""

import statistics
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from _network_tasks import task_names


class Cell(NamedTuple):
    """A network on a task: mean and spread of its seeds, and what was used."""

    mean_db: float
    spread_db: float
    num_seeds: int
    steps: int
    rate: float
    scale: float
    parameters: int


def cells(rows: Sequence[dict[str, Any]], seconds: float, kind: str = "run") -> dict[tuple[str, str], Cell]:
    """Return what runs of so many seconds gave, by network and task; the spread is a sample's deviation."""
    speed = {(row["network"], row["task"]): row["steps_per_second"] for row in rows if row["kind"] == "speed"}
    grouped = defaultdict(list)
    for row in rows:
        place = (row["network"], row["task"])
        if row["kind"] == kind and row["steps"] == max(50, round(seconds * speed[place])):
            grouped[place].append(row)
    found = {}
    for place, of_seeds in grouped.items():
        scores = [row["score_db"] for row in of_seeds if row["score_db"] is not None]
        if len(scores) == len(of_seeds):
            spread = statistics.stdev(scores) if len(scores) > 1 else 0.0
            first = of_seeds[0]
            used = (first["steps"], first["rate"], first["scale"], first["parameters"])
            found[place] = Cell(statistics.mean(scores), spread, len(scores), *used)
    return found


def by_mean_rank(found: dict[tuple[str, str], Cell], tasks: Sequence[str]) -> list[tuple[str, float]]:
    """Return the networks by the mean of their places over all tasks."""
    networks = {network for network, _ in found}
    ranks = {}
    for network in networks:
        places = []
        for on in tasks:
            if (network, on) in found:
                better = [each for each in networks if (each, on) in found]
                better = [each for each in better if found[each, on].mean_db > found[network, on].mean_db]
                places.append(1 + len(better))
        ranks[network] = statistics.mean(places)
    return sorted(ranks.items(), key=lambda each: each[1])


def print_table(rows: Sequence[dict[str, Any]], seconds: float) -> None:
    """Print scores, spreads and ranks; the best of each task is bold, and so is what lies within the spread of it."""
    found = cells(rows, seconds)
    tasks = [each for each in task_names() if any(on == each for _, on in found)]
    if not tasks:
        print("no runs yet")
        return
    best = {on: max((cell for (_, task), cell in found.items() if task == on), key=_mean) for on in tasks}
    print(f"| network | {' | '.join(tasks)} | mean place |")
    print(f"|---|{'---|' * (len(tasks) + 1)}")
    for network, rank in by_mean_rank(found, tasks):
        shown = []
        for on in tasks:
            cell = found.get((network, on))
            if cell is None:
                shown.append("-")
                continue
            text = f"{cell.mean_db:.2f} +- {cell.spread_db:.2f}"
            gap, spread = best[on].mean_db - cell.mean_db, max(cell.spread_db, best[on].spread_db)
            shown.append(f"**{text}**" if gap <= spread else text)
        print(f"| {network} | {' | '.join(shown)} | {rank:.1f} |")
    again = cells(rows, seconds, "again")
    for on in tasks:
        print_again(on, found, again)


def _mean(cell: Cell) -> float:
    return cell.mean_db


def print_again(on: str, found: dict[tuple[str, str], Cell], again: dict[tuple[str, str], Cell]) -> None:
    """Print whether other seeds give the same winner of a task, or one within the spread of it."""
    second = {network: cell for (network, task), cell in again.items() if task == on}
    if len(second) < 2:
        return
    winner = max(second, key=lambda network: second[network].mean_db)
    before = max((network for network, task in found if task == on), key=lambda network: found[network, on].mean_db)
    gap = second[winner].mean_db - second[before].mean_db if before in second else float("nan")
    moved = max(abs(cell.mean_db - found[network, on].mean_db) for network, cell in second.items())
    print(
        f"{on}: with other seeds {winner} wins, with the first {before}, {gap:.2f} dB apart with the others; "
        f"means moved by {moved:.2f} dB at most"
    )


def draw(rows: Sequence[dict[str, Any]], path: Path, seconds: float) -> None:
    """Draw the score of every network on every task, with the spread of its seeds."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    found = cells(rows, seconds)
    tasks = [each for each in task_names() if any(on == each for _, on in found)]
    if not tasks:
        return
    order = [network for network, _ in by_mean_rank(found, tasks)][::-1]
    figure = Figure(figsize=(16, 9), layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1))
    FigureCanvasAgg(figure)
    for number, on in enumerate(tasks):
        axes = figure.add_subplot(2, 4, number + 1)
        there = [network for network in order if (network, on) in found]
        of_task = [found[network, on] for network in there]
        colors = ["tab:red" if "siren" in network else "tab:blue" for network in there]
        axes.barh(
            range(len(there)), [cell.mean_db for cell in of_task], xerr=[c.spread_db for c in of_task], color=colors
        )
        axes.set_yticks(range(len(there)), there, fontsize=8)
        lowest = min(cell.mean_db for cell in of_task)
        axes.set_xlim(min(0.0, lowest) if lowest < 0 else max(0.0, lowest - 3))
        axes.set_title(on, fontsize=11)
        axes.set_xlabel("SNR, dB" if on == "sound" else "PSNR, dB")
        axes.grid(axis="x", alpha=0.3)
    figure.savefig(path, dpi=80)
