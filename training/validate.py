"""Validation while training: how good the averaged weights are by now, and which checkpoint is the best."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lightning.fabric import Fabric

from training.curves import draw_curves
from training.log import Log
from training.measure import measure
from training.model.networks import make_predictor
from training.run import Run
from training.scoreboard import CRITERION, MEAN, MEASURES, Scoreboard, with_mean


class Validation:
    """The recipe's scenes, measured every ``validate_every`` epochs and at the end, by the first process alone.

    It draws no random numbers and changes no weights, so that a run with it trains as one without. Weights are not
    rounded to the run's precision: what is measured is what is exported.
    """

    def __init__(self, run: Run, out: Path, fabric: Fabric, *, steps_per_epoch: int, steps: int) -> None:
        """Check that frames and labels are there.

        Raises:
            MotError: they are not.
        """
        self._run, self._out, self._fabric = run, out, fabric
        self._steps_per_epoch, self._steps = steps_per_epoch, steps
        self._scenes = {scene.name: scene for scene in run.recipe.validation} if run.recipe.validate_every else {}
        for scene in self._scenes.values():
            scene.check()
        self._board = Scoreboard(out, run.step)

    @property
    def is_time(self) -> bool:
        """Whether the step is one to validate at, be it done already or not."""
        step, every = self._run.step, self._run.recipe.validate_every * self._steps_per_epoch
        return bool(self._scenes) and step > 0 and (step % every == 0 or step == self._steps)

    def take(self, log: Log, check: Callable[[], None], report: Callable[[str], None]) -> None:
        """Measure, unless this step's measures are there already; all processes call it and leave it together.

        Args:
            check: raises KeyboardInterrupt where the user wants to stop.

        Raises:
            MotError: a frame cannot be read.
            KeyboardInterrupt: in all processes.
        """
        log_state = log.state()
        stopped = False
        if self._fabric.is_global_zero and not self._board.has(self._run.step, list(self._scenes)):
            begun = time.perf_counter()
            try:
                scores = self._measure(check)
            except KeyboardInterrupt:
                stopped = True
            else:
                self._publish(scores, log, log_state, report)
            log.leave_out(time.perf_counter() - begun)
        if self._fabric.broadcast(stopped):
            raise KeyboardInterrupt

    def _measure(self, check: Callable[[], None]) -> dict[str, dict[str, float]]:
        """Measures of each scene and their mean."""
        recipe, model = self._run.recipe, self._run.averaged
        cells = (recipe.width // 8) * (recipe.height // 8)  # no network has fewer
        predict = make_predictor(model, min(recipe.max_objects, cells))
        training = model.training
        predict.eval()
        try:
            size = {"width": recipe.width, "height": recipe.height}
            return with_mean(
                {
                    name: measure(predict, scene, **size, device=self._fabric.device, check=check)
                    for name, scene in self._scenes.items()
                }
            )
        finally:
            model.train(training)

    def _publish(
        self,
        scores: dict[str, dict[str, float]],
        log: Log,
        log_state: dict[str, Any],
        report: Callable[[str], None],
    ) -> None:
        step, epoch = self._run.step, self._run.step / self._steps_per_epoch
        best = self._board.is_best(scores[MEAN])
        if best:  # before the row: a validation without its row is made again
            self._run.save(self._out / "best.pt", log_state)
        self._board.add(step, epoch, scores)
        for scene, values in scores.items():
            log.draw(step, {f"{scene}/{name}": value for name, value in values.items()})
            report(f"epoch {epoch:.3g}, {scene}: {', '.join(f'{name} {values[name]:.1f}' for name in MEASURES)}")
        draw_curves(self._out)
        if best:
            report(f"best so far by {CRITERION}: {self._out / 'best.pt'}")
