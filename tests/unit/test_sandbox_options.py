"""What `up` can be told, and lengths of time as people type them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from onboarding.settings import Settings
from sandbox import durations
from sandbox.options import parse
from sandbox.ports import Ports
from sandbox.samples import FOLDER, SHOWS, listed
from sandbox.up import reminders


def test_up_alone_posts_the_own_sbc_sample_on_the_usual_ports() -> None:
    options = parse([])
    assert options.request == FOLDER / "own-sbc.json"
    assert options.ports == Ports.default()
    assert options.speed == 3
    assert not options.confirm


@pytest.mark.parametrize(
    ("arguments", "bound"),
    [
        ([], 120), (["--speed", "0"], 120), (["--speed", "30"], 360), (["--speed", "2m"], 1260),
        (["--bound", "5"], 5), (["--speed", "1h", "--bound", "10s"], 10),
    ],
)  # fmt: skip
def test_the_bound_grows_with_the_simulated_waits_unless_it_is_given(arguments: list[str], bound: float) -> None:
    assert parse(["--confirm", *arguments]).bound == bound


def test_each_port_has_its_option() -> None:
    given = [text for name, port in asdict(Ports.free()).items() for text in (f"--{name}-port", str(port))]
    chosen = asdict(parse(given).ports)
    assert [str(port) for port in chosen.values()] == given[1::2]


def test_free_ports_are_chosen_but_a_port_that_is_named_wins() -> None:
    options = parse(["--free-ports", "--functions-port", "7071"])
    assert options.ports.functions == 7071
    assert options.ports.arm != Ports.default().arm


@pytest.mark.parametrize(
    ("arguments", "remind", "escalate"),
    [([], None, None), (["--remind", "10s"], 10, 30), (["--remind", "10s", "--escalate", "1m"], 10, 60),
     (["--escalate", "5"], None, 5)],
)  # fmt: skip
def test_reminders_and_escalations_can_come_soon(
    arguments: list[str], remind: float | None, escalate: float | None
) -> None:
    options = parse(arguments)
    assert (options.remind, options.escalate) == (remind, escalate)
    set_by_it = {f"ONBOARDING_{name.upper()}" for name in Settings.model_fields}
    assert set(reminders(options)) <= set_by_it
    assert ("ONBOARDING_REMIND_AGAIN" in reminders(options)) == (remind is not None)


def test_help_says_what_each_sample_shows(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--help"])
    shown = capsys.readouterr().out
    assert {path.name for path in FOLDER.glob("*.json")} == set(SHOWS)
    assert all(line in shown and len(line) <= 80 for line in listed())


@pytest.mark.parametrize("arguments", [["--no-request"], ["--without", "functions"]])
def test_nothing_is_posted_when_that_is_asked_for_or_there_is_no_api(arguments: list[str]) -> None:
    assert parse(arguments).request is None


def test_a_request_of_ones_own_is_posted(tmp_path: Path) -> None:
    mine = tmp_path / "mine.json"
    mine.write_text("{}")
    assert parse(["--request", str(mine)]).request == mine


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--speed", "fast"], "'fast' is no length of time"),
        (["--speed", "-1"], "'-1' is no length of time"),
        (
            ["--request", "samples/none.json"],
            "there is no file samples/none.json; the samples are samples/own-sbc.json, ",
        ),
        (["--table-port", "70000"], "'70000' is no port: write a number from 1 to 65535"),
        (["--table-port", "7071"], "port 7071 was given to more than one part"),
        (["--no-request", "--confirm"], "--no-request leaves nothing to post or confirm"),
        (["--without", "functions", "--confirm"], "--without functions starts no API to post to"),
        (["--remind", "0"], "'0' is no time to wait"),
        (["--without", "microsoft"], "invalid choice: 'microsoft'"),
        (["--sped", "3"], "unrecognized arguments: --sped 3"),
    ],
)
def test_an_impossible_option_is_refused_with_a_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        parse(arguments)
    assert refused.value.code == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), ("2.5", 2.5), ("90s", 90), (" 2 M ", 120), ("1h", 3600), ("14d", 1209600)]
)
def test_lengths_of_time_are_read(text: str, seconds: float) -> None:
    assert durations.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-1", "1w", "1 2", "nan", "1e3"])
def test_other_lengths_of_time_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no length of time"):
        durations.seconds(text)


@pytest.mark.parametrize(
    ("length", "shown"),
    [
        (-0.2, "0.0 s"),
        (0.44, "0.4 s"),
        (9.96, "10 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7200, "2 h"),
        (1209600, "14 d"),
    ],
)
def test_lengths_of_time_are_shown_in_few_characters(length: float, shown: str) -> None:
    assert durations.short(length) == shown
