"""What a step is, besides its place in a plan: what it does, and what people are told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from onboarding.core.answers import Field
from onboarding.core.instructions import Instructions, Value
from onboarding.core.plan import USUAL_BUDGET, Budget, NewStep, Party, Planned, StepKind, Turn
from onboarding.core.proposal import Change
from onboarding.core.record import Record, StepRecord
from onboarding.core.stored import Stored
from onboarding.steps.base import Task, Wait


class Findings(Stored):
    """What a step of one definition found out. Nothing is set that it has not found."""

    def values(self) -> tuple[Value, ...]:
        """What of it people are shown, ready to copy."""
        return ()

    def remarks(self) -> tuple[str, tuple[str, ...]] | None:
        """What of it people may want to know besides: under a heading, a line each."""
        return None


@dataclass(frozen=True, slots=True)
class OutsideWords:
    """What people outside the tenant read of a step, or of a turn of it: from their side, and nothing internal."""

    please: str = ""
    """What they are asked for, in the operator's name: follows "please"."""
    asks: tuple[str, ...] = ()
    """The same in sentences, in their order."""
    expects: tuple[str, ...] = ()
    """What happens then."""


@dataclass(frozen=True, slots=True)
class TurnDefinition:
    """One turn of a checkpoint that goes back and forth."""

    name: str
    waits_on: Party
    title: str
    done: str
    """On the button that says so."""
    instructions: Callable[[Record], Instructions]
    """What a person of the operator's does in it."""
    outside: OutsideWords = OutsideWords()


@dataclass(frozen=True, slots=True)
class Definition:
    """One step of the library."""

    name: str
    kind: StepKind
    title: str
    section: str
    """Of Microsoft's article "Connect Azure Communications Gateway to Operator Connect …"; empty: it is in none."""
    waits_on: Party = Party.US
    task: Task | None = None
    wait: Wait | None = None
    found: type[Findings] = Findings
    confirmable: bool = False
    """A person may end it by saying that it is so."""
    may_be_skipped_when: str | None = None
    """When the article itself lets it be left out, as the end of a sentence; else an operator has to insist."""
    tells_the_team: bool = False
    only_reads: bool = False
    shared_with: Callable[[Record], str] = lambda record: ""
    """Who else uses what a task makes true, as the end of a sentence; empty: nobody."""
    budget: Budget = USUAL_BUDGET
    usual: float = 0.0
    """Seconds that it usually takes from when it can begin: of a wait or a checkpoint, until an operator's own
    onboardings say it better; 0: about nothing, as of a task."""
    instructions: Callable[[Record], Instructions] = lambda record: Instructions(())
    """What a person does who can end it."""
    foreseen: Callable[[Record], tuple[Change, ...]] = lambda record: ()
    """What a task will change if nothing of it is there, while that can't be seen because what it needs is not."""
    asks: tuple[Field, ...] = ()
    """What whoever confirms it is asked for, in this order; a note is possible besides."""
    turns: tuple[TurnDefinition, ...] = ()
    """Of a checkpoint that goes back and forth, in their order: the last one's end is its own."""
    outside: OutsideWords = OutsideWords()
    """What people outside the tenant are asked for."""
    values_outside: Callable[[Record], tuple[Value, ...]] = lambda record: ()
    """What they need to copy."""
    seen_outside: Callable[[StepRecord], tuple[str, ...]] = lambda step: ()
    """What they are told of what is seen of a wait: nothing internal."""
    to_see: tuple[str, ...] = ()
    """What the operator's people do, when a wait can't be looked at."""

    def planned(
        self,
        *needs: str,
        about: str | None = None,
        left_out_because: str | None = None,
        waits_on: Party | None = None,
    ) -> NewStep:
        """A step of this definition in a plan. `waits_on`: where it is somebody else than usual."""
        plan = Planned(
            definition=self.name,
            kind=self.kind,
            needs=needs,
            about=about,
            waits_on=waits_on or self.waits_on,
            confirmable=self.confirmable,
            may_be_left_out=self.may_be_skipped_when is not None,
            tells_the_team=self.tells_the_team,
            only_reads=self.only_reads,
            budget=self.budget,
            # Where to find it is looked up, as what to do is: a row has room for so much.
            asks=tuple(replace(asked, hint="") for asked in self.asks),
            usual=self.usual,
            turns=tuple(Turn(name=turn.name, waits_on=turn.waits_on) for turn in self.turns),
        )
        return NewStep(f"{self.name}:{about}" if about else self.name, plan, left_out_because)

    def asked_of(self, step: StepRecord) -> tuple[Field, ...]:
        """What a step of this definition asks for, by its plan; with where to find it, as far as that is known."""
        hints = {asked.name: asked.hint for asked in self.asks}
        return tuple(replace(asked, hint=hints.get(asked.name, "")) for asked in step.plan.asks)

    def asked_now(self, step: StepRecord) -> tuple[Field, ...]:
        """The same of whoever ends its turn, where it goes back and forth."""
        now = {asked.name for asked in step.asks}
        return tuple(asked for asked in self.asked_of(step) if asked.name in now)

    def turn_of(self, step: StepRecord) -> TurnDefinition | None:
        """Whose turn it is in a step of this definition; None when it has none, or has ended."""
        now = step.turn
        return next((turn for turn in self.turns if now and turn.name == now.name), None)

    def doing(self, step: StepRecord) -> str:
        """What is waited for at a step of this definition, in words."""
        turn = self.turn_of(step)
        return turn.title if turn else self.title

    def instructions_at(self, record: Record, step: StepRecord) -> Instructions:
        """What a person does now who can end it, or its turn."""
        turn = self.turn_of(step)
        return turn.instructions(record) if turn else self.instructions(record)

    def outside_of(self, step: StepRecord) -> OutsideWords:
        """What people outside are asked for now."""
        turn = self.turn_of(step)
        return turn.outside if turn else self.outside

    def found_by(self, step: StepRecord) -> Findings:
        """What a step of this definition found out."""
        return self.found.model_validate(step.found)
