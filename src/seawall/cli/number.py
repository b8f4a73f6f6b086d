"""The numbers that options take."""

import math

import click


class FiniteRange(click.FloatRange):
    """A number within bounds; `nan` compares with none, and so would pass every one of them."""

    def convert(self, value: float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read a finite number, within the bounds.

        Raises:
            click.BadParameter: it is none.
        """
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{number} is not a finite number.", param, ctx)
        return number
