"""The bench's page, plots, registry and command line. Nothing is measured here."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import dns.message
import dns.rdatatype
import pytest

from bench import cold, counts, first_work, options, results, simulation
from bench.calls import counted
from bench.cold import first_step_seconds
from bench.fleet import longest_turn, memory_after
from bench.page import MADE_BY, cell, page, plots
from bench.part import Bars, Grid, Json, Line, Lines, Part, Shown, Target, ratio
from bench.parts import PARTS
from bench.passes import pages
from bench.peers.comparison import PEERS as MEASURED
from bench.peers.environment import LOCKS as PEERS_FOLDER
from bench.peers.work import CHECKPOINTS, STAGES, STEPS, WAITS
from bench.plots import drawn
from bench.zones import answer, domain
from onboarding.core.plan import StepKind
from sandbox.setup.locks import LOCKS, PEERS
from tests.support.steps import STEPS as PLANNED

ROOT = Path(__file__).parents[2]


def _part(name: str = "one", **shown: Any) -> Part:
    return Part(name, f"Part {name}", "a minute", lambda quick: {}, lambda measured: Shown("So.", **shown))


def _result(quick: bool = False) -> Json:
    return results.result({}, quick=quick, seconds=12.3, command=f"{MADE_BY} one", version="abc")


# -- the page --------------------------------------------------------------------------------------------------


def test_a_part_is_shown_with_how_it_was_measured_and_where() -> None:
    text = page({"one": _result()}, {"one": _part(grids=(Grid(("a", "b"), [("x", 1.5)]),))})

    assert "## Part one\n" in text
    assert "So.\n" in text
    assert "| a | b |\n| --- | ---: |\n| x | 1.50 |\n" in text
    assert f"with `{MADE_BY} one` in 12 s, of version abc" in text
    assert "mean nothing.*" not in text


def test_a_part_that_was_not_measured_says_how_to() -> None:
    text = page({}, {"one": _part()})

    assert f"Not measured yet: `{MADE_BY} one` (a minute)." in text
    assert "## Targets" not in text


def test_small_sizes_are_told_of() -> None:
    assert "With small sizes: the numbers mean nothing.*" in page({"one": _result(quick=True)}, {"one": _part()})


def test_what_was_left_out_is_said_with_its_reason() -> None:
    text = page({"one": _result()}, {"one": _part(left_out=("PostgreSQL: is not\non this machine",))})

    assert "Left out: PostgreSQL: is not on this machine\n" in text


def test_targets_stand_together_with_what_was_seen() -> None:
    targets = (
        Target("slow", 1.2, at_most=1.0),
        Target("fast", 151, at_least=150, unit="a minute"),
        Target("between", None, at_least=1, at_most=2),
    )
    text = page({"one": _result()}, {"one": _part(targets=targets)})

    assert "| slow | at most 1.00 | 1.20 | **missed** by 0.20 | [Part one](#one) |" in text
    assert "| fast | at least 150 a minute | 151 a minute | reached | [Part one](#one) |" in text
    assert "| between | at most 2 and at least 1 | — | not measured | [Part one](#one) |" in text


@pytest.mark.parametrize(
    ("seen", "bounds", "by"),
    [(2.0, {"at_most": 2.0}, 0), (2.5, {"at_most": 2.0}, 0.5), (150, {"at_least": 150}, 0), (90, {"at_least": 150}, 60),
     (1, {"at_most": 0}, 1), (0, {"at_least": 1, "at_most": 2}, 1), (3, {"at_least": 1, "at_most": 2}, 1)],
)  # fmt: skip
def test_a_target_is_reached_at_its_bound_and_missed_by_what_is_beyond(
    seen: float, bounds: dict[str, float], by: float
) -> None:
    target = Target("x", seen, **bounds)
    assert (target.met, target.missed_by) == (by == 0, by)
    assert (Target("x", None, **bounds).met, Target("x", None, **bounds).missed_by) == (None, 0)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "—"), ("a|b", "a\\|b"), (0.0, "0"), (0.0123, "0.012"), (0.29, "0.29"), (12.34, "12.3"), (1234.5, "1,234"),
     (50_000, "50,000")],
)  # fmt: skip
def test_a_number_is_shown_to_the_places_that_mean_something(value: Any, shown: str) -> None:
    assert cell(value) == shown


def test_a_ratio_of_what_is_missing_is_missing() -> None:
    assert (ratio(3, 2), ratio(None, 2), ratio(3, None), ratio(3, 0)) == (1.5, None, None, None)


# -- plots -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "plot",
    [
        Bars("b", "A < B & C", "s", (("<one>", 1.0), ("two", 0.0))),
        Bars("none", "Nothing", "s", ()),
        Lines("l", "Lines", "x", "y", (Line("one", ((0, 0), (10, 7))), Line("none", ()))),
        Lines("zero", "Zero", "x", "y", (Line("one", ((0, 0),)),)),
    ],
)
def test_a_plot_is_a_well_formed_svg_document(plot: Bars | Lines) -> None:
    root = ElementTree.fromstring(drawn(plot))

    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.attrib["aria-label"] == plot.title


def test_the_longest_bar_has_the_whole_width_and_the_others_their_share() -> None:
    root = ElementTree.fromstring(drawn(Bars("b", "t", "s", (("a", 2.0), ("b", 1.0)))))
    widths = [float(bar.attrib["width"]) for bar in root.iter("{http://www.w3.org/2000/svg}rect")]

    assert widths[0] == pytest.approx(2 * widths[1])


def test_many_points_become_few_and_the_last_stays() -> None:
    root = ElementTree.fromstring(drawn(Lines("l", "t", "x", "y", (Line("a", tuple((n, n) for n in range(9_999))),))))
    (line,) = root.iter("{http://www.w3.org/2000/svg}polyline")

    points = line.attrib["points"].split()
    assert len(points) <= 402
    assert points[-1].startswith("700.0,")


def test_each_plot_is_a_file_that_the_page_names() -> None:
    part = _part(plots=(Bars("some-plot", "A plot", "s", (("a", 1.0),)),))

    assert list(plots({"one": _result()}, {"one": part})) == ["some-plot.svg"]
    assert "![A plot](performance/some-plot.svg)" in page({"one": _result()}, {"one": part})


# -- results and command line ----------------------------------------------------------------------------------


def test_results_are_read_as_they_were_written_with_numbers_cut_short(tmp_path: Path) -> None:
    results.write(tmp_path, {"one": {**_result(), "measured": {"a": [1.23456789, (1, 2.0)], "b": None, "c": "x"}}})

    assert results.read(tmp_path)["one"]["measured"] == {"a": [1.235, [1, 2.0]], "b": None, "c": "x"}
    assert results.read(tmp_path / "elsewhere") == {}


def test_a_foreign_file_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / results.JSON).write_text("[]")
    with pytest.raises(ValueError, match="holds no results"):
        results.read(tmp_path)


def test_quick_numbers_never_get_into_the_documents() -> None:
    known = ("one", "two")

    assert options.parse([], known) == options.Options((), False, False, options.DOCS, MADE_BY)
    quick = options.parse(["two", "--quick"], known)
    assert quick == options.Options(("two",), True, False, options.SCRATCH, f"{MADE_BY} two --quick")
    assert options.parse(["--list"], known) is None


@pytest.mark.parametrize(
    ("given", "said"), [(["three"], "there is no part three; there are one, two"), (["one", "--page"], "--page")]
)
def test_what_cannot_be_is_refused_with_a_sentence(
    given: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        options.parse(given, ("one", "two"))
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_parts_and_plots_have_names_of_their_own() -> None:
    assert [part.name for part in PARTS.values()] == list(PARTS)
    assert len(PARTS) == len({part.title for part in PARTS.values()})


def test_the_page_in_docs_is_what_its_numbers_give() -> None:
    kept = results.read(ROOT / "docs")

    assert (ROOT / "docs" / results.PAGE).read_text(encoding="utf-8") == page(kept, PARTS)
    drawings = {file.name: file.read_text(encoding="utf-8") for file in (ROOT / "docs" / results.PLOTS).glob("*.svg")}
    assert drawings == plots(kept, PARTS)
    assert not [name for name, one in kept.items() if one["quick"]], "quick numbers mean nothing: measure these again"


# -- peers -----------------------------------------------------------------------------------------------------


def test_peers_have_a_lock_that_dev_py_writes() -> None:
    locks = {peer.module for peer in MEASURED}
    assert {lock.stem for lock in LOCKS if lock.parent == PEERS} == locks
    for lock in locks:
        assert (PEERS_FOLDER / f"{lock}.py").exists()
        assert "--hash=sha256:" in (PEERS_FOLDER / f"{lock}.txt").read_text(encoding="utf-8")


def test_peers_do_every_step_of_the_product_and_in_its_order() -> None:
    ours = {step.name: step.plan.kind for step in PLANNED}
    order = [name for stage in STAGES for name in stage]

    assert set(ours) == {name for name in order if not name.startswith("tell-")}
    assert len(order) == len(set(order))
    assert set(CHECKPOINTS) == {name for name, kind in ours.items() if kind is StepKind.CHECKPOINT}
    assert set(WAITS) == {name for name, kind in ours.items() if kind is StepKind.WAIT}
    assert set(STEPS) == set(order) - set(CHECKPOINTS)


# -- what is read out of what was measured ---------------------------------------------------------------------


def _event(at: int, what: str, step: str, state: tuple[str, str], then: int | None = None) -> Json:
    changes: Json = {f"steps.{step}.state": list(state)}
    if then is not None:
        changes[f"steps.{step}.nextAttemptAt"] = [None, f"2026-01-05T09:00:{then:02d}Z"]
    return {"at": f"2026-01-05T09:00:{at:02d}Z", "what": what, "step": step, "changes": changes}


def test_the_longest_turn_is_from_due_to_started_and_a_retry_has_its_turn_when_it_is_due() -> None:
    events = [
        _event(0, "requested", "a", ("pending", "due"), 0),
        _event(3, "step-started", "a", ("due", "running")),
        _event(5, "step-postponed", "a", ("running", "due"), 40),
        _event(42, "step-started", "a", ("due", "running")),
        _event(44, "step-done", "b", ("pending", "due")),
        _event(45, "step-started", "b", ("due", "running")),
    ]

    end = datetime(2026, 1, 5, 9, 0, 50, tzinfo=UTC)
    assert longest_turn(events, end) == 3.0
    assert longest_turn(events[:5], end) == 6.0, "one that was never started waits until the end"
    assert first_step_seconds(events[:1] + events[4:]) == 44.0


@pytest.mark.parametrize(
    ("rounds", "verdicts"), [(cold.ROUNDS, [True, False, False]), (cold.QUICK_ROUNDS, [None, None, None])]
)
def test_a_cold_starts_aims_are_judged_by_its_first_graph_call(rounds: int, verdicts: list[bool | None]) -> None:
    modules = [{"module": name, "seconds": 0.1, "megabytes": 20.0} for name in ("azure.functions", "function_app")]
    firsts = [
        {"work": work, "import_seconds": 0.19, "work_seconds": 0.16, "megabytes": 71.0} for work in first_work.WORK
    ]
    start = dict.fromkeys(cold.FIGURES, 1.0)
    measured = {"rounds": rounds, "modules": modules, "firsts": firsts, "starts": [start] * 2}
    assert [target.met for target in cold.show(measured).targets] == verdicts


def test_memory_is_compared_with_what_it_was_when_the_first_had_ended() -> None:
    samples = [(0.0, 0, 80.0), (1.0, 99, 120.0), (2.0, 100, 130.0), (3.0, 500, 150.0), (4.0, 999, 140.0)]

    assert memory_after(samples, 100) == (130.0, 150.0)
    assert memory_after(samples, 1000) is None


def test_a_batch_is_one_call_and_looks_are_kept_apart() -> None:
    journal = [
        {"service": "arm", "method": "GET", "url": "/s/communicationsGateways/a?api-version=1"},
        {"service": "arm", "method": "GET", "url": "/s/communicationsGateways?api-version=1"},
        {"service": "arm", "method": "PUT", "url": "/s/communicationsGateways/a/testLines/OC1"},
        {"service": "graph", "method": "POST", "url": "/v1.0/$batch"},
        {"service": "graph", "method": "GET", "url": "/v1.0/domains/x", "batch": 4},
        {"service": "graph", "method": "POST", "url": "/v1.0/users/x/sendMail"},
        {"service": "teams", "method": "POST", "url": "/workflows/x"},
        {"service": "dns", "method": "TXT", "url": "x"},
        {"service": "identity", "method": "GET", "url": "/msi/token"},
    ]

    assert counted(journal) == {
        "arm read": 1, "arm look": 1, "arm write": 1, "graph batch": 1, "mail": 1, "teams": 1,
    }  # fmt: skip


def test_the_counts_of_an_onboarding_are_what_is_aimed_at() -> None:
    shown = counts.show(counts.run(quick=True))
    assert [target.says for target in shown.targets if not target.met] == []


def test_a_small_simulation_reaches_and_misses_nothing() -> None:
    measured = {"gateways": 20, "days": 14.0, "seconds": 61.0, "changes": 9, "calls": 1, "messages": 1, "broken": 0}
    (small,) = simulation.show(measured).targets
    (large,) = simulation.show({**measured, "gateways": simulation.GATEWAYS}).targets
    assert (small.met, large.met) == (None, False)


def test_pages_of_arm_are_counted_for_each_subscription() -> None:
    assert (pages(100, 1), pages(101, 1), pages(10_000, 20), pages(60, 5), pages(3, 20)) == (1, 2, 100, 5, 3)


@pytest.mark.parametrize(
    ("name", "kind", "answered"),
    [
        ("zone-3.zones.example", "NS", "ns1.zone-3.zones.example."),
        ("ns2.zone-3.zones.example", "A", "127.0.0.2"),
        (domain("gateway-1", 3), "TXT", None),
        (domain("gateway-1", 3), "SOA", None),
    ],
)
def test_the_bench_has_name_servers_of_many_zones(name: str, kind: str, answered: str | None) -> None:
    said = answer(dns.message.make_query(name, kind))

    if answered is None:
        assert not said.answer
        assert [(rrset.name.to_text(), rrset.rdtype) for rrset in said.authority] == [
            ("zone-3.zones.example.", dns.rdatatype.SOA)
        ]
    else:
        assert answered in said.answer[0].to_text()


def test_numbers_are_json() -> None:
    """So that what a part returns is what is shown later."""
    assert json.loads(json.dumps(_result())) == _result()
