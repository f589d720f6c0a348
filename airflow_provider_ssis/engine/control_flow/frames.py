"""A running executable: its place in the run, the variables that it sees, and its errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from airflow_provider_ssis.engine.control_flow.package_runs import PackageRun
from airflow_provider_ssis.engine.events import Place
from airflow_provider_ssis.project.dts import DtsContents
from airflow_provider_ssis.project.models import ExecutableKind
from airflow_provider_ssis.project.package.containers import DtsContainer, DtsEventHandler

SystemValue = tuple[str, Any]
"""The type of a system variable, and its value."""
_ENGLISH_US = 1033


@dataclass(slots=True, eq=False)
class Frame:
    """One run of an executable, in one iteration of the loops around it.

    :param container: the executable, with the values of its property expressions.
    :param package: the run of its package.
    :param execution_path: its path with the iterations of loops, and with the paths of parent packages.
    :param parent: the frame around it; None for the package of the run.
    :param handler: the event handler that it is, which has no events itself; None for an executable.
    :param event: the system variables of the event that the handler handles.
    :param causes: the event handlers that run because of each other, the last of which is this one.
    :param errors: the number of errors that were raised in it and in the executables inside.
    :param ended: whether a failure inside ended it: no further executable starts in it.
    :param is_incomplete: whether executables in it did not start because the package or the run ended.
    :param holds_slot: whether it is one of the executables that run at the same time.
    :param is_cancelled: whether an event handler asked to stop it (``System::Cancel``).
    :param start: when it started.
    """

    container: DtsContainer
    package: PackageRun
    execution_path: str
    parent: Frame | None
    handler: DtsEventHandler | None = None
    event: MutableMapping[str, SystemValue] = field(default_factory=dict)
    causes: tuple[DtsEventHandler, ...] = ()
    errors: int = 0
    ended: bool = False
    is_incomplete: bool = False
    holds_slot: bool = False
    is_cancelled: bool = False
    start: datetime | None = None

    @property
    def place(self) -> Place:
        """Where its events arise."""
        container = self.container
        return Place(self.package.file, container.path, self.execution_path, container.name, container.id)

    def outwards(self) -> Iterator[Frame]:
        """Yield this frame and the frames around it, from the inside out."""
        frame: Frame | None = self
        while frame is not None:
            yield frame
            frame = frame.parent

    @property
    def root(self) -> Frame:
        """The frame of its package."""
        return next(
            frame for frame in self.outwards() if frame.parent is None or frame.parent.package is not self.package
        )

    @property
    def is_ended(self) -> bool:
        """Whether no further executable starts here. The handlers of an ended executable still run."""
        for frame in self.outwards():
            if frame.ended:
                return True
            if frame.handler is not None:
                return False
        return False

    @property
    def has_slot(self) -> bool:
        """Whether it or an executable of its package around it holds a slot: tasks of handlers run on that slot."""
        return any(frame.holds_slot for frame in self.outwards() if frame.package is self.package)

    @property
    def locale_id(self) -> int:
        """The locale after inheritance."""
        found = (frame.container.locale_id for frame in self.outwards() if frame.package is self.package)
        return next((locale for locale in found if locale), _ENGLISH_US)

    def inside(self, child: DtsContainer, execution_path: str) -> Frame:
        """Return the frame of an executable inside this one."""
        return Frame(child, self.package, execution_path, self)

    def package_inside(self, package: PackageRun, root: DtsContainer) -> Frame:
        """Return the frame of the child package of this Execute Package task."""
        return Frame(root, package, f"{self.execution_path}\\Package", self)

    @property
    def running_handlers(self) -> tuple[DtsEventHandler, ...]:
        """The event handlers that run because of each other, around this frame."""
        return next((frame.causes for frame in self.outwards() if frame.handler is not None), ())

    def handling(self, handler: DtsEventHandler, source: Frame, event: Mapping[str, SystemValue]) -> Frame:
        """Return the frame of an event handler of this executable.

        :param source: the executable that waits for the handler, which uses its slot.
        :param event: the system variables of the event.
        """
        return Frame(
            as_container(handler),
            self.package,
            f"{self.execution_path}.EventHandlers[{handler.event}]",
            self,
            handler,
            dict(event),
            causes=(*source.running_handlers, handler),
            holds_slot=any(frame.holds_slot for frame in source.outwards() if frame.package is self.package),
        )

    def leave_incomplete(self) -> None:
        """Note that executables in this frame, and so in the frames around it, did not start."""
        for outer in self.outwards():
            outer.is_incomplete = True

    def end_after(self, failed: DtsContainer) -> None:
        """End the containers that the failure of an executable in this frame ends."""
        if failed.fail_parent_on_failure:
            self.ended = True
        if failed.fail_package_on_failure:
            self.root.ended = True
            for outer in self.outwards():
                # Handlers of an ended package run, but not the rest of the one that ended it.
                outer.ended = outer.ended or (outer.handler is not None and outer.package is self.package)


def as_container(handler: DtsEventHandler) -> DtsContainer:
    """Return an event handler as a container, with its executables."""
    return DtsContainer(
        handler.element,
        handler.part,
        name=handler.event,
        path=handler.path,
        id=handler.id,
        ref_id="",
        kind=ExecutableKind.SEQUENCE,
        type="STOCK:SEQUENCE",
        description="",
        disabled=handler.disabled,
        delay_validation=True,
        max_error_count=0,
        fail_package_on_failure=False,
        fail_parent_on_failure=False,
        force_execution_result=None,
        transaction_option=handler.transaction_option,
        isolation_level=handler.isolation_level,
        locale_id=_locale(handler),
        disable_event_handlers=False,
        variables=handler.variables,
        expressions=handler.expressions,
        logging=None,
        event_handlers=(),
        children=handler.children,
        constraints=handler.constraints,
    )


def _locale(handler: DtsEventHandler) -> int | None:
    text = DtsContents(handler.element).text("LocaleID").strip()
    return int(text) if text.isdecimal() else None
