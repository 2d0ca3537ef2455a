"""Pixels that follow one another in memory are an image of any width: the cheapest is chosen."""

from dataclasses import replace
from functools import cache

from tilewright.targets.packs.neureka.cycles import job_cycles
from tilewright.targets.packs.neureka.job import MOST_TILES, TILE, Job


@cache
def best_plane(job: Job, pixels: int) -> Job:
    """The job over so many dense pixels, as rows and columns that take the fewest cycles."""
    shapes = (
        (rows, pixels // rows)
        for rows in range(1, pixels + 1)
        if pixels % rows == 0 and max(rows, pixels // rows) <= MOST_TILES * TILE
    )
    jobs = (replace(job, rows=r, columns=c, in_pixel=0, in_row=0) for r, c in shapes)
    return min(jobs, key=job_cycles)
