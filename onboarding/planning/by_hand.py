"""A plan's changes as commands that a person runs: PowerShell with Microsoft's Graph module, and the Azure CLI.

Each does what the application would send, so what was done by hand is found done. Whatever a name holds, it stays one
argument: it comes from requests and from Microsoft, and people paste these lines where they are administrators.
Sources: about_Quoting_Rules (PowerShell); shlex.quote (POSIX shells); `az resource update`, `az rest` (Azure CLI).
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from onboarding.azure.allowed import GRANTABLE_ROLES, graph_operation
from onboarding.azure.dns_zone import ZONE_TYPE
from onboarding.azure.permissions import NEEDED
from onboarding.core.change_plan import ChangePlan, Outlook, StepPlan
from onboarding.core.instructions import Instructions, Value
from onboarding.core.proposal import Api, Call, Change
from onboarding.core.publishing import joined
from onboarding.core.record import StepRecord
from onboarding.planning.by_hand_bounds import may_be_pasted
from onboarding.steps.operator_connect import PROJECT_SYNERGY_APP_ID


class Shell(StrEnum):
    """What a command is for."""

    POWERSHELL = "powershell"
    """PowerShell 7 with the module Microsoft.Graph.Authentication."""
    BASH = "bash"
    """A POSIX shell with the Azure CLI; for a DNS server, with nsupdate."""


SHELL_NAMES: Mapping[Shell, str] = {Shell.POWERSHELL: "PowerShell", Shell.BASH: "Azure CLI"}


@dataclass(frozen=True, slots=True)
class Command:
    """One command, and where it runs."""

    shell: Shell
    text: str


_QUOTES = re.compile("(['\u2018\u2019\u201a\u201b])")
"""All of these end a text in single quotes for PowerShell."""


def command_of(call: Call) -> Command | None:
    """The command that sends a call; None for what no command does, as a message to people, and for what this
    application would not send: the table may have been written by somebody else."""
    return _COMMANDS[call.api](call) if may_be_pasted(call) else None


def quoted_for_powershell(text: str) -> str:
    """A literal, whatever it holds."""
    return "'" + _QUOTES.sub(r"\1\1", text) + "'"


def _graph(call: Call) -> Command:
    path = quoted_for_powershell(f"/v1.0{call.path}")
    body = f" -ContentType 'application/json' -Body {quoted_for_powershell(_json(call.body))}" if call.body else ""
    first = f"{_asked_first(call.body)}; " if call.body and "appRoleId" in call.body else ""
    return Command(Shell.POWERSHELL, f"{first}Invoke-MgGraphRequest -Method {call.method} -Uri {path}{body}")


def _asked_first(grant: Mapping[str, object]) -> str:
    """Ids say nothing to whoever pastes them: that it is Project Synergy's, and which of its roles, Microsoft says at
    that moment. Another application's role is not granted."""
    where = quoted_for_powershell(f"/v1.0/servicePrincipals(appId='{PROJECT_SYNERGY_APP_ID}')?$select=id,appRoles")
    resource, role = (quoted_for_powershell(str(grant[name])) for name in ("resourceId", "appRoleId"))
    values = ",".join(quoted_for_powershell(value) for value in sorted(GRANTABLE_ROLES))
    return (
        f"$app = Invoke-MgGraphRequest -Method GET -Uri {where};"
        f" $role = $app.appRoles | Where-Object {{ $_.id -eq {role} -and $_.value -in @({values}) }};"
        f" if ($app.id -ne {resource} -or -not $role) {{ throw 'Nothing was granted: this is no role of Project Synergy"
        " that an onboarding grants.' }; Write-Host \"Granting $($role.value) of Project Synergy\""
    )


def _arm(call: Call) -> Command:
    path, _, query = call.path.partition("?")
    version = query.removeprefix("api-version=")
    if f"/{ZONE_TYPE}/".lower() in path.lower():
        return _txt_record(call, path)
    if call.merged:
        sets = (f"properties.{name}={_json(value)}" for name, value in (call.body or {})["properties"].items())
        return _az("resource", "update", "--ids", path, "--api-version", version, "--set", *sets)
    return _az("rest", "--method", call.method.lower(), "--url", call.path, "--body", _json(call.body))


def _txt_record(call: Call, path: str) -> Command:
    _, _, subscription, _, group, _, _, _, zone, _, name = path.split("/")
    (record,) = (call.body or {})["properties"]["TXTRecords"]
    where = ("--subscription", subscription, "--resource-group", group, "--zone-name", zone)
    value = joined(record["value"])
    return _az("network", "dns", "record-set", "txt", "add-record", *where, "--record-set-name", name, "--value", value)


def _az(*arguments: str) -> Command:
    return Command(Shell.BASH, shlex.join(("az", *arguments)))


def _dns(call: Call) -> Command:
    """The server's address and key stand in settings that are not the request's."""
    _, _, name = call.path.partition("/")
    record: Mapping[str, object] = call.body or {}
    line = f'update add {name}. {record["ttl"]} TXT "{record["value"]}"'
    # On one line: a message to people shows it so.
    return Command(Shell.BASH, f"printf '%s\\n' \"server $SERVER\" {shlex.quote(line)} send | nsupdate -k \"$KEYFILE\"")


_COMMANDS: Mapping[Api, Callable[[Call], Command]] = {Api.GRAPH: _graph, Api.ARM: _arm, Api.DNS: _dns}


def _json(value: object) -> str:
    """In ASCII: no console's encoding makes anything else of it."""
    return json.dumps(value, separators=(",", ":"))


def instructions_by_hand(step: StepRecord) -> Instructions:
    """What a person does in a step's place."""
    commands = commands_of(step)
    if not commands:
        return Instructions((NO_COMMANDS,))
    signed_in = (_SIGN_IN[shell] for shell in Shell if any(command.shell is shell for command in commands))
    server = any(call.api is Api.DNS for call in step.calls)
    return Instructions(
        (
            *signed_in,
            *((SERVER,) if server else ()),
            "Run the commands below, in their order. Each does one thing of what stands above, and nothing else.",
            "Say on the onboarding's page that it is done: it is looked whether it is so, and the onboarding goes on.",
        ),
        tuple(Value(SHELL_NAMES[command.shell], command.text) for command in commands),
    )


NO_COMMANDS = (
    "What stands in the record is not what this application does, so there is no command for it: somebody may have"
    " changed the table. Look into that first; then say that it is done, to have the step look anew."
)
SERVER = (
    "Where a command has nsupdate, set SERVER to the address of the DNS server that the request names, and KEYFILE to"
    " the file with its key."
)
_SIGN_IN: Mapping[Shell, str] = {
    Shell.POWERSHELL: "In PowerShell, sign in with Connect-MgGraph as an administrator who may do this.",
    Shell.BASH: "In a shell, sign in with az login as somebody who may do this.",
}


def commands_of(step: StepRecord) -> tuple[Command, ...]:
    """Those of a step that is open to be done by hand; none when one of its calls is not what this application
    sends."""
    made = [command_of(call) for call in step.calls] if step.with_people else []
    commands = tuple(command for command in made if command is not None)
    return commands if len(commands) == len(made) else ()


# -- scripts


def script(plan: ChangePlan, shell: Shell, about: str) -> str:
    """All changes of a plan that a shell makes, in their order, with what they are for; and what has to wait.

    `about`: which plan it is, for its first line.
    """
    commands = [(step, change, command) for step, change, command in _commands(plan) if command.shell is shell]
    lines = [f"# {_comment(about)}", *_HEADS[shell](commands)]
    last = ""
    for step, change, command in commands:
        if step.step != last:
            lines += ["", f"# {_comment(step.title)} ({step.step})"]
            last = step.step
        lines += [f"# {_comment(change.words)}", command.text]
    lines += ["", *_later(plan)]
    return "\n".join(lines) + "\n"


def _commands(plan: ChangePlan) -> Iterator[tuple[StepPlan, Change, Command]]:
    for step in plan.steps:
        for change in step.changes:
            command = command_of(change.call) if change.call else None
            if command is not None:
                yield step, change, command


def _later(plan: ChangePlan) -> Iterator[str]:
    foreseen = [step for step in plan.steps if step.outlook is Outlook.FORESEEN]
    if foreseen:
        yield "# What can't be known yet has no command here. Make a plan again when the steps that it needs are done:"
    for step in foreseen:
        yield f"#   {_comment(step.title)}: after {', '.join(step.known_after)}"


_Commands = Sequence[tuple[StepPlan, Change, Command]]


def _powershell_head(commands: _Commands) -> Iterator[str]:
    """By a person: delegated permissions have the names of the application's."""
    needed = sorted({scope for _, change, _ in commands for scope in _scopes(change.call)})
    yield "#Requires -Version 7.0"
    yield "#Requires -Modules Microsoft.Graph.Authentication"
    yield "$ErrorActionPreference = 'Stop'"
    if needed:
        yield f"Connect-MgGraph -NoWelcome -Scopes {','.join(map(quoted_for_powershell, needed))}"


def _bash_head(commands: _Commands) -> Iterator[str]:
    yield "# Sign in first: az login"
    if any(change.call and change.call.api is Api.DNS for _, change, _ in commands):
        yield f"# {SERVER}"
    yield "set -euo pipefail"


_HEADS: Mapping[Shell, Callable[[_Commands], Iterator[str]]] = {
    Shell.POWERSHELL: _powershell_head,
    Shell.BASH: _bash_head,
}


def _scopes(call: Call | None) -> tuple[str, ...]:
    operation = graph_operation(call.method, call.path) if call else None
    return NEEDED.get(operation or "", ())


def _comment(text: str) -> str:
    """What can't leave its line."""
    return " ".join(text.split())
