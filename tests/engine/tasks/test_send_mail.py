"""Send Mail, against a real SMTP server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from airflow_provider_ssis.engine.connections.paths import PathMap
from airflow_provider_ssis.engine.errors import Cancelled
from airflow_provider_ssis.project.builder.package import PackageBuilder
from tests.support.engine import Context, failure_of, run_task, task_context, task_of
from tests.support.ports import free_port


class Inbox:
    """Keeps the mails that it receives; refuses recipients of the domain ``refused``."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []

    async def handle_RCPT(  # noqa: N802 the name that aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.endswith("@refused"):
            return "550 unknown user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.envelopes.append(envelope)
        return "250 OK"


def mail_of(inbox: Inbox) -> EmailMessage:
    """The last mail."""
    content = inbox.envelopes[-1].content
    assert isinstance(content, bytes)
    found = message_from_bytes(content, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=data.password == b"s3cret", handled=False)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Inbox, int]]:
    inbox, port = Inbox(), free_port()
    controller = Controller(
        inbox,
        hostname="127.0.0.1",
        port=port,
        authenticator=authenticate,
        auth_require_tls=False,
    )
    controller.start()
    yield inbox, port
    controller.stop()


def context(port: int, folder: Path | None = None, smtp: dict[str, str] | None = None, **values: Any) -> Context:
    package = PackageBuilder("P")
    given = {"sender": "etl@corp", "to": "a@corp; b@corp;", "subject": "Lädt", "message": "Fertig: ä", **values}
    if given.get("source_type") == "Variable":
        given["message"] = package.add_variable("Text", given["message"])
    if given.get("source_type") == "FileConnection":
        given["message"] = package.connection_managers.add_file("File", given["message"])
    package.add_send_mail("Mail", package.connection_managers.add_smtp("Smtp", "relay"), **given)
    return task_context(
        package.read(),
        replacements={"Smtp": smtp or f"SmtpServer=127.0.0.1:{port};EnableSsl=False;"},
        paths=PathMap((("C:\\data", str(folder)),)),
    )


def test_a_mail_has_recipients_a_text_and_attachments(server: tuple[Inbox, int], tmp_path: Path) -> None:
    inbox, port = server
    (tmp_path / "a.csv").write_bytes(b"x;y\r\n")
    run_task(context(port, tmp_path, cc="c@corp", bcc="d@corp", priority="High", attachments=["C:\\data\\a.csv"]))
    mail = mail_of(inbox)
    assert inbox.envelopes[-1].rcpt_tos == ["a@corp", "b@corp", "c@corp", "d@corp"]
    assert inbox.envelopes[-1].mail_from == "etl@corp"
    assert (mail["From"], mail["To"], mail["Cc"], mail["Bcc"]) == ("etl@corp", "a@corp, b@corp", "c@corp", None)
    assert (mail["Subject"], mail["X-Priority"]) == ("Lädt", "1")
    body = mail.get_body()
    assert body is not None
    assert body.get_content().strip() == "Fertig: ä"
    assert [(each.get_filename(), each.get_content()) for each in mail.iter_attachments()] == [("a.csv", "x;y\r\n")]


@pytest.mark.parametrize("source_type", ["Variable", "FileConnection"])
def test_the_text_comes_from_a_variable_or_a_file(server: tuple[Inbox, int], tmp_path: Path, source_type: str) -> None:
    inbox, port = server
    text = "the text"
    if source_type == "FileConnection":
        (tmp_path / "m.txt").write_text(text)
        text = "C:\\data\\m.txt"
    run_task(context(port, tmp_path, source_type=source_type, message=text))
    assert mail_of(inbox).get_content().strip() == "the text"


def test_a_login_is_possible_where_the_user_gives_one(server: tuple[Inbox, int]) -> None:
    inbox, port = server
    login = {"SmtpServer": f"127.0.0.1:{port}", "UserName": "u", "Password": "s3cret"}
    run_task(context(port, smtp=login, subject="with a login"))
    assert mail_of(inbox)["Subject"] == "with a login"
    failure = failure_of(lambda: run_task(context(port, smtp={**login, "Password": "wr0ng"})))
    assert (failure.code, "wr0ng" in failure.text) == (0xC00291CD, False)


def test_an_empty_subject_is_a_warning(server: tuple[Inbox, int]) -> None:
    found = context(server[1], subject="")
    run_task(found)
    assert found.codes("warning") == [0x800291C6]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"to": " ; "}, 0xC00291C3),
        ({"to": "x@refused"}, 0xC00291CD),
        ({"attachments": ["C:\\data\\none.txt"]}, 0xC00291CB),
        ({"smtp": "SmtpServer=;"}, 0xC00291C4),
        ({"smtp": "SmtpServer=h;UseWindowsAuthentication=True"}, 0xC00291CD),
        ({"smtp": "SmtpServer=127.0.0.1:1"}, 0xC00291CD),
        ({"smtp": "SmtpServer=h;Port=587"}, 0xC00291CD),
        ({"smtp": "SmtpServer=h;Timeout=0"}, 0xC00291CD),
        ({"sender": "a\nb@corp"}, 0xC00291C3),
    ],
)
def test_faults(server: tuple[Inbox, int], tmp_path: Path, values: dict[str, Any], code: int) -> None:
    sender = values.pop("sender", None)
    found = context(server[1], tmp_path, **values)
    if sender is not None:
        data = found.container.data()
        data.element.set("{www.microsoft.com/sqlserver/dts/tasks/sendmailtask}From", sender)  # type: ignore[union-attr]
    assert failure_of(lambda: run_task(found)).code == code


def test_a_mail_that_some_recipients_do_not_get_fails(server: tuple[Inbox, int]) -> None:
    inbox, port = server
    failure = failure_of(lambda: run_task(context(port, to="a@corp;b@refused")))
    assert "refused the recipients b@refused. The others got the mail." in failure.text
    assert inbox.envelopes[-1].rcpt_tos == ["a@corp"]


def test_addresses_can_have_names_and_commas_between_them(server: tuple[Inbox, int]) -> None:
    inbox, port = server
    run_task(context(port, to='"Smith, John" <a@corp>; b@corp, Änne <c@corp>'))
    assert inbox.envelopes[-1].rcpt_tos == ["a@corp", "b@corp", "c@corp"]
    assert [(each.display_name, each.addr_spec) for each in mail_of(inbox)["To"].addresses] == [
        ("Smith, John", "a@corp"),
        ("", "b@corp"),
        ("Änne", "c@corp"),
    ]
    assert failure_of(lambda: run_task(context(port, to="Smith, John <a@corp>"))).code == 0xC00291C3


def test_an_unknown_priority_is_refused(server: tuple[Inbox, int]) -> None:
    found = context(server[1])
    data = found.container.data()
    data.element.set("{www.microsoft.com/sqlserver/dts/tasks/sendmailtask}Priority", "7")  # type: ignore[union-attr]
    assert ["'7'" in str(each) for each in task_of(found).refusals(found.options)] == [True]


def test_cancelling_ends_the_wait_for_a_silent_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        found = context(silent.getsockname()[1])

        def cancel() -> None:
            client, _ = silent.accept()
            found.cancel.cancel()
            client.recv(1)
            client.close()

        thread = threading.Thread(target=cancel)
        thread.start()
        with pytest.raises(Cancelled):
            run_task(found)
        thread.join()
