"""What people may do with an onboarding: one row a control. To add one: a row, its rule in `core/rules`, its event.

Routes, the API's description, forms, `allowedActions` and both parsers derive from this table; docs/api.md,
docs/runbook.md and docs/how-it-works.md are compared with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from onboarding.core.certificate_chain import GivenCertificates
from onboarding.core.control import IS_NEEDED, Control, ControlField, ControlPlace, Input
from onboarding.core.events import (
    AdminUserApproved,
    AnswersCorrected,
    ApplicationApproved,
    CancelRequested,
    CertificatesGiven,
    ChangeApproved,
    CheckRequested,
    Confirmed,
    ContactsChanged,
    DeviationAccepted,
    DriftLookRequested,
    MadeByHand,
    PauseRequested,
    ProblemReported,
    ReopenRequested,
    RepairRequested,
    ReplayRequested,
    ResumeRequested,
    RetryRequested,
    SkipRequested,
)
from onboarding.core.plan import StepKind
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.record import OnboardingState, Record, StepRecord, StepState
from onboarding.core.request import Contacts
from onboarding.core.roles import Role
from onboarding.core.rules.approving import asks_for, is_another
from onboarding.core.rules.controls import must_insist, reopenable, replayable, retryable
from onboarding.core.rules.drift import acceptable, open_deviations_id, repair_id, repairable
from onboarding.core.rules.giving import lacks_certificates
from onboarding.core.rules.people import correctable
from onboarding.steps import definition_of

_WAITING = StepState.WAITING
_CHECKPOINT = "onboardings/{id}/checkpoints/{step}"
_TEAM, _OWN = "The onboarding team", "Your own people"


def _because(example: str) -> ControlField:
    missing = "Say why: the reason is kept in the audit trail. Nothing was changed."
    return ControlField(
        "reason", "Reason", meaning="Why; it is kept in the audit trail.", missing=missing, example=example
    )


_INSIST = ControlField(
    "insist",
    "I insist: it was done in another way",
    input=Input.TICK,
    meaning="It was done in another way, though the article does not let it be left out (`mayBeSkippedWhen` is null).",
    hint="Microsoft's article does not let this step be left out.",
    only_for=must_insist,
    example=True,
)

_CONTACTS = (
    ControlField("team-name", "Name", "onboardingTeam.name", Input.LINE, _TEAM, missing=IS_NEEDED, example="A partner"),
    ControlField(
        "team-email",
        "E-mail address",
        "onboardingTeam.email",
        Input.EMAIL,
        _TEAM,
        missing=IS_NEEDED,
        example="a@example.com",
    ),
    ControlField(
        "emails",
        "E-mail addresses, one a line",
        "notify.emails",
        Input.EMAILS,
        _OWN,
        called="The list of addressees",
        example=["voice-ops@contoso.com"],
    ),
    ControlField("teams", "Tell the Teams channel too", "notify.teams", Input.TICK, _OWN, example=True),
    ControlField("daily", "One e-mail a day in place of single ones", "notify.daily", Input.TICK, _OWN, example=False),
    ControlField(
        "admin-user",
        "Write to the admin user when a step waits for them",
        "notify.tellAdminUser",
        Input.TICK,
        _OWN,
        example=True,
    ),
    ControlField(
        "escalate-to",
        "Told once when a checkpoint stays open for too long",
        "notify.escalateTo",
        Input.EMAIL,
        _OWN,
        called="The address that is told when a checkpoint stays open",
    ),
)

_ANSWERS = ControlField(
    "answers",
    "Answers",
    input=Input.ANSWERS,
    meaning="What the step asks for, by the names in its `asks`; what is null or empty is not answered.",
    example={"operatorId": "contoso-1"},
)

_TURN = ControlField(
    "turn",
    "Turn",
    input=Input.HIDDEN,
    meaning="Which of its `turns` is done; left out: all of it is.",
    known=lambda step: step.turn.name if step.turn else "",
)
_NAME = ControlField(
    "name",
    "Your name",
    input=Input.LINE,
    hint="Kept with your answer, so that we know whom to ask.",
    length=100,
    outside=True,
)


def _turn_is_done(step: StepRecord) -> str:
    turn = definition_of(step).turn_of(step)
    return turn.done if turn else ""


_PROPOSAL = ControlField(
    "proposal",
    "Proposal",
    input=Input.HIDDEN,
    meaning="Which proposal is meant: `problem.proposal.id` of the step, as it was read.",
    missing="The form lacks the proposal that it is about. Open the page again. Nothing was changed.",
    known=lambda step: step.problem.proposal.id if step.problem and step.problem.proposal else "",
    example="5f2b7c0d1e9a48c3b6d7f0a1e2c3b4d5",
)

_ROWS = (
    Control(
        "confirm",
        "Confirm",
        "Say that a checkpoint is done",
        "A checkpoint, or another step that a person may end. JSON is for programs, the form for its page.",
        role=Role.APPROVE,
        of_step=lambda _, step: step.plan.confirmable and step.state in (_WAITING, StepState.NEEDS_ATTENTION),
        event=Confirmed,
        fields=(
            _TURN,
            _ANSWERS,
            ControlField(
                "note",
                "Note",
                meaning="It is done.",
                hint="Kept with the confirmation, for everybody who reads the audit trail.",
                example="Signed in.",
            ),
            _NAME,
        ),
        function="confirm_checkpoint",
        path=_CHECKPOINT,
        place=ControlPlace.CHECKPOINT,
        button="Confirm that it is done",
        button_at=_turn_is_done,
        thanks="Your confirmation has been recorded.",
    ),
    Control(
        "report-problem",
        "Report a problem",
        "Say why it can't be",
        role=Role.APPROVE,
        of_step=lambda _, step: step.plan.confirmable and step.state is _WAITING,
        event=ProblemReported,
        fields=(
            ControlField(
                "note",
                "What is the problem?",
                "problem",
                meaning="It can't be done, and why.",
                missing="Say what the problem is, so that somebody can put it right. Nothing was changed.",
                hint="Told at once, with these words, to whoever can put it right.",
                example="The portal refuses the second id.",
            ),
            _NAME,
        ),
        function="confirm_checkpoint",
        path=_CHECKPOINT,
        place=ControlPlace.CHECKPOINT,
        button="Report the problem",
        grave=True,
        thanks="The operator has been told of the problem.",
    ),
    Control(
        "retry",
        "Retry",
        "Try a step that needs attention again, or at once one that failed and waits for its next attempt",
        "The step is tried again now, with all its attempts. Do this when what it failed for is put right.",
        role=Role.OPERATE,
        of_step=lambda record, step: retryable(step) and record.active,
        event=RetryRequested,
        where_stopped=True,
    ),
    Control(
        "apply-change",
        "Apply this change",
        "Say yes to what a step would change on the gateway",
        "Exactly what is shown is changed, and the step goes on. If the gateway has changed again meanwhile, it stops"
        " again.",
        role=Role.OPERATE,
        of_step=lambda record, step: record.active and asks_for(step, ProblemCode.CHANGE_NOT_APPROVED) is not None,
        event=ChangeApproved,
        fields=(_PROPOSAL,),
        where_stopped=True,
    ),
    Control(
        "approve-admin-user",
        "Approve the admin user",
        "Say yes to who becomes Admin; not by whoever requested the onboarding",
        "The account that is shown becomes Admin, with that object id and no other, and the step goes on.",
        role=Role.APPROVE,
        whom=is_another,
        of_step=lambda record, step: record.active and asks_for(step, ProblemCode.ADMIN_USER_NOT_APPROVED) is not None,
        event=AdminUserApproved,
        fields=(_PROPOSAL,),
        where_stopped=True,
    ),
    Control(
        "approve-application",
        "Approve the application",
        "Say yes to which application gets roles of Project Synergy; not by whoever requested the onboarding",
        "The application that is shown gets the roles that are shown, and no other, and the step goes on.",
        role=Role.APPROVE,
        whom=is_another,
        of_step=lambda record, step: record.active and asks_for(step, ProblemCode.APPLICATION_NOT_APPROVED) is not None,
        event=ApplicationApproved,
        fields=(_PROPOSAL,),
        where_stopped=True,
    ),
    Control(
        "give-certificates",
        "Give the certificates",
        "Give the certificates of the trunks, which could not be seen or were found wrong",
        "They are checked in place of what the trunks show, for as long as this onboarding goes.",
        role=Role.OPERATE,
        of_step=lambda record, step: record.active and lacks_certificates(step),
        event=CertificatesGiven,
        fields=(
            ControlField(
                "certificate",
                "Certificates as PEM text",
                input=Input.PEM,
                missing="Certificates are needed. Nothing was changed.",
                hint="First that of the trunk, then the intermediate ones, each issued by the next; for several trunks"
                " one chain behind the other. Never a private key.",
                example="-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n",
            ),
        ),
        model=GivenCertificates,
        where_stopped=True,
    ),
    Control(
        "made-by-hand",
        "It is done: look",
        "Say that what a step would do was done by hand; the step looks whether it is so",
        "Microsoft is looked at. What is there goes on; what is still missing stays open.",
        role=Role.OPERATE,
        of_step=lambda record, step: step.by_hand and record.active,
        event=MadeByHand,
        where_stopped=True,
    ),
    Control(
        "check",
        "Check now",
        "Look at a wait now",
        "Looks at once, without waiting for the next check.",
        role=Role.OPERATE,
        of_step=lambda record, step: step.state is _WAITING and step.plan.kind is StepKind.WAIT and record.active,
        event=CheckRequested,
        function="check_wait",
    ),
    Control(
        "replay",
        "Send given-up messages again",
        "Send messages that were given up, or are late, and notices that failed, again now",
        "Messages were given up, or people could not be told something. It is tried again now; nothing is done twice.",
        role=Role.OPERATE,
        of_whole=replayable,
        event=ReplayRequested,
        function="replay_messages",
    ),
    Control(
        "pause",
        "Pause the onboarding",
        "Begin nothing until it is resumed",
        "Nothing more is begun, and nothing is watched, until it is resumed. What a function is at just now ends before"
        " its next write at Microsoft. People are reminded of the pause every week.",
        role=Role.OPERATE,
        of_whole=lambda record: record.pause is None,
        event=PauseRequested,
        fields=(_because("The network is frozen until Monday."),),
        button="Pause",
    ),
    Control(
        "resume",
        "Resume the onboarding",
        "Let a paused onboarding go on",
        role=Role.OPERATE,
        of_whole=lambda record: record.pause is not None,
        event=ResumeRequested,
        place=ControlPlace.BANNER,
        button="Resume",
    ),
    Control(
        "change-contacts",
        "Change whom to tell",
        "Change who the onboarding team is, and whom to tell: both parts of the request, whole",
        "Counts from the next notice on. A new onboarding team is asked at once for what is open, and links that were"
        " sent to the one before are no good any more.",
        role=Role.OPERATE,
        of_whole=lambda record: True,
        event=ContactsChanged,
        fields=_CONTACTS,
        model=Contacts,
        today=lambda record, _: record.request.contacts.model_dump(mode="json", by_alias=True),
        shows="whom to tell",
        function="put_contacts",
        method="PUT",
        path="onboardings/{id}/contacts",
    ),
    Control(
        "skip",
        "Skip",
        "Leave a step out",
        "The step counts as ended, and what needs it goes on. Nothing is done at Microsoft for it.",
        role=Role.OPERATE,
        of_step=lambda _, step: not step.ended and step.state is not StepState.RUNNING,
        event=SkipRequested,
        fields=(_because("Done by hand in the portal."), _INSIST),
        button="Skip a step",
        where_stopped=True,
        under=lambda step: (
            "Only by insisting" if must_insist(step) else f"When {definition_of(step).may_be_skipped_when}"
        ),
    ),
    Control(
        "reopen",
        "Reopen",
        "Take back that a person confirmed a step, or that it was skipped",
        "Takes back that a person confirmed the step, or that it was skipped. What is open and needs it waits until it"
        " has ended again; what has ended after it stays so.",
        role=Role.OPERATE,
        of_step=lambda _, step: reopenable(step),
        event=ReopenRequested,
        fields=(_because("The onboarding team asks for another form."),),
        button="Reopen a step",
        under=lambda step: "",
    ),
    Control(
        "correct-answers",
        "Correct the answers",
        "Put right what was answered when a step was confirmed",
        "Puts right what was answered when the step was confirmed, or adds it; also when the onboarding is completed."
        " Whoever used it before is to be told by you: nothing is done again.",
        role=Role.OPERATE,
        of_step=lambda _, step: correctable(step),
        of_completed=True,
        event=AnswersCorrected,
        fields=(
            replace(_ANSWERS, meaning="Only what is to change, by name: null or empty takes an answer back."),
            _because("It was mistyped."),
        ),
        today=lambda _, step: {"answers": dict(step.answers) if step else {}},
        shows="what was answered",
    ),
    Control(
        "cancel",
        "Cancel the onboarding",
        "End an onboarding; what was done at Microsoft stays",
        "No further step is begun. What was done at Microsoft stays as it is. This can't be undone; the onboarding can"
        " be started again.",
        role=Role.OPERATE,
        of_whole=lambda record: True,
        event=CancelRequested,
        fields=(_because("The gateway is deployed anew."),),
        grave=True,
    ),
    Control(
        "look-for-drift",
        "Look for drift now",
        "Have a completed onboarding inspected now, without waiting for the next time",
        "Everything that was done is looked at again, in some seconds. Nothing is changed. What is not as it was is"
        " looked at once more after a while, before it counts and people are told.",
        role=Role.OPERATE,
        of_whole=lambda record: record.completed,
        of_closed=True,
        event=DriftLookRequested,
    ),
    Control(
        "accept-deviation",
        "Accept the deviation",
        "Say that what is not any more as a completed step left it is meant so",
        "What is shown stays as it is, and nobody is told of it again until it changes.",
        role=Role.OPERATE,
        of_step=acceptable,
        of_closed=True,
        event=DeviationAccepted,
        fields=(
            ControlField(
                "deviations",
                "Deviations",
                input=Input.HIDDEN,
                meaning="Which are meant: `deviationsId` of the step, as it was read.",
                missing="The form lacks the deviations that it is about. Open the page again. Nothing was changed.",
                known=open_deviations_id,
                example="5f2b7c0d1e9a48c3b6d7f0a1e2c3b4d5",
            ),
            _because("The role is needed for the numbers' upload."),
        ),
        where_stopped=True,
    ),
    Control(
        "repair",
        "Repair",
        "Have a completed step change back what deviates, and no other step",
        "The onboarding goes on with this step alone: what is shown is changed back. Who must say yes to it is asked as"
        " ever, and if it is not what was shown any more, nothing is changed before you have seen it.",
        role=Role.OPERATE,
        of_step=repairable,
        of_closed=True,
        event=RepairRequested,
        fields=(
            ControlField(
                "proposal",
                "Proposal",
                input=Input.HIDDEN,
                meaning="Which changes are meant: `repairId` of the step, as it was read.",
                missing="The form lacks the changes that it is about. Open the page again. Nothing was changed.",
                known=repair_id,
                example="5f2b7c0d1e9a48c3b6d7f0a1e2c3b4d5",
            ),
        ),
        where_stopped=True,
    ),
    Control(
        "start-again",
        "Start again",
        explained="All steps are planned anew. What is in place already is found and kept.",
        role=Role.SUBMIT,
        of_whole=lambda record: True,
        of_closed=True,
        path="onboardings?again=true",
    ),
)

CONTROLS: dict[str, Control] = {row.name: row for row in _ROWS}
"""By name, in the order of the page."""


def by_operation() -> Mapping[str, tuple[Control, ...]]:
    """Operation → the controls that it takes, told apart by their bodies."""
    found: dict[str, tuple[Control, ...]] = {}
    for control in CONTROLS.values():
        if control.event:
            found[control.operation] = (*found.get(control.operation, ()), control)
    return found


@dataclass(frozen=True, slots=True)
class Action:
    """A control that may be used now, by whoever holds its role."""

    control: Control
    step: str | None
    label: str
    path: str
    """Below `/api/`."""

    @property
    def name(self) -> str:
        return self.control.name


def actions(record: Record, actor: str | None = None) -> tuple[Action, ...]:
    """Everything that the state allows, first of each step, then of the whole; each would be refused in another one.

    `actor`: without what it does not allow to somebody of that name.
    """
    if record.cancelling:
        return ()
    mine = [c for c in CONTROLS.values() if actor is None or c.whom(record, actor)]
    completed = record.state is OnboardingState.COMPLETED
    rows = [c for c in mine if c.of_closed is record.closed or (c.of_completed and completed)]
    of_steps = [
        Action(c, s.name, f"{c.label}: {definition_of(s).title}", c.route.format(id=record.id, step=s.name))
        for s in record.steps
        for c in rows
        if c.of_step and c.of_step(record, s)
    ]
    of_whole = [
        Action(c, None, c.label, c.route.format(id=record.id)) for c in rows if c.of_whole and c.of_whole(record)
    ]
    return (*of_steps, *of_whole)
