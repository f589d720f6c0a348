"""The Send Mail task.

Source of the keys of the connection string: Microsoft Learn, "SMTP connection manager".
"""

from __future__ import annotations

import mimetypes
import smtplib
import ssl
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.errors import MessageError
from email.message import EmailMessage
from email.utils import formataddr, formatdate, getaddresses, make_msgid

from airflow_provider_ssis.engine.connections.address import flag, seconds
from airflow_provider_ssis.engine.connections.connection import RunConnection
from airflow_provider_ssis.engine.connections.provider_string import compact, parse_provider_string
from airflow_provider_ssis.engine.context import RunOptions, TaskContext
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.engine.tasks.files import read_bytes
from airflow_provider_ssis.engine.tasks.sockets import breaks_on_cancel
from airflow_provider_ssis.engine.tasks.task import Task
from airflow_provider_ssis.engine.tasks.text_source import SOURCE_TYPES, SourceCodes, source_text
from airflow_provider_ssis.project.package.tasks import SendMailTask as Stored

_NO_RECIPIENT = 0xC00291C3
_NO_SERVER = 0xC00291C4
_NO_SUBJECT = 0x800291C6
_BAD_ATTACHMENT = 0xC00291CB
_SERVER_FAILED = 0xC00291CD
_SOURCE_CODES = SourceCodes(no_text=0xC00291D0, no_file_connection=0xC00291CE, no_file=0xC00291CF)
_PRIORITIES: Mapping[str, tuple[str, str]] = {"High": ("1", "high"), "Normal": ("3", "normal"), "Low": ("5", "low")}
_PORT = 25

_KEYS = frozenset(
    {"smtpserver", "usewindowsauthentication", "enablessl", "timeout", "username", "password"}
    | {"connectionstring", "retain", "connectbyproxy"}  # of each connection manager
)


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """A server for outgoing mail.

    :param timeout: seconds to wait for the server. Default: 100, as .NET.
    :param user: a login; empty for none. The user of the run gives it, a connection manager has none.
    """

    host: str
    port: int = _PORT
    encrypts: bool = False
    timeout: float = 100.0
    user: str = ""
    password: str = field(default="", repr=False)


def smtp_server(connection: RunConnection) -> SmtpServer:
    """Return the server of an SMTP connection manager.

    :param connection: the connection manager. A user can replace its keys, and add UserName and Password.
    :raises TaskFailure: it names no server, has an unknown key or no time, or asks for a login with the account of
        Windows.
    """
    values = dict(parse_provider_string(connection.connection_string, connection.name).values)
    values |= {compact(name): text for name, text in connection.properties.items() if text}
    unknown = sorted(values.keys() - _KEYS)
    if unknown:
        raise TaskFailure(
            f'The connection manager "{connection.name}" has the unknown key {unknown[0]}. The keys are SmtpServer'
            " (host or host:port), UseWindowsAuthentication, EnableSsl, Timeout, UserName and Password.",
            _SERVER_FAILED,
        )
    host, _, port = values.get("smtpserver", "").strip().partition(":")
    if not host:
        raise TaskFailure(f'The connection manager "{connection.name}" names no SMTP server.', _NO_SERVER)
    if flag(connection.name, "UseWindowsAuthentication", values.get("usewindowsauthentication", "")):
        raise TaskFailure(
            f'The connection manager "{connection.name}" logs in with the account of Windows, which is not possible'
            " here. Replace UseWindowsAuthentication with False, and give UserName and Password if the server needs"
            " them.",
            _SERVER_FAILED,
        )
    timeout = seconds(connection.name, "Timeout", values.get("timeout", ""), 100_000)
    if timeout == 0:
        raise TaskFailure(
            f'The connection manager "{connection.name}" has a Timeout of 0 ms, in which no mail can be sent. Set it to'
            " a larger number.",
            _SERVER_FAILED,
        )
    return SmtpServer(
        host,
        seconds(connection.name, "the port of the SMTP server", port, _PORT),
        flag(connection.name, "EnableSsl", values.get("enablessl", "")),
        timeout / 1000,
        values.get("username", ""),
        values.get("password", ""),
    )


class SendMailTask(Task):
    """Sends a mail as plain text, with files attached."""

    data: Stored

    def refusals(self, options: RunOptions) -> Iterator[Refusal]:
        """Yield unknown types of the message's source, and unknown priorities."""
        for what, value, known in (
            ("message source type", self.data.source_type, SOURCE_TYPES),
            ("priority", self.data.priority, tuple(_PRIORITIES)),
        ):
            if value not in known:
                yield Refusal(self.container.path, f"the {what} {value!r}", f"the values are {', '.join(known)}")

    def validate(self, context: TaskContext) -> None:
        """Check the server and the recipients."""
        self._server(context)
        if not self._recipients():
            raise TaskFailure("The mail has no recipient. Set To, Cc or Bcc.", _NO_RECIPIENT)
        if not self.data.subject.strip():
            context.warning("The mail has no subject. Set Subject.", _NO_SUBJECT)

    def run(self, context: TaskContext) -> None:
        """Send the mail."""
        server = self._server(context)
        message = self._message(context)
        try:
            client = smtplib.SMTP(timeout=server.timeout)
            with breaks_on_cancel(context.cancel, lambda: client.sock):
                try:
                    self._send(client, server, message)
                finally:
                    client.close()
        except smtplib.SMTPRecipientsRefused as error:
            context.cancel.check()
            refused = ", ".join(error.recipients)
            raise TaskFailure(
                f"The SMTP server {server.host} refused the recipients {refused}.", _SERVER_FAILED
            ) from None
        except smtplib.SMTPResponseException as error:
            context.cancel.check()
            answer = (
                error.smtp_error.decode(errors="replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
            )
            raise TaskFailure(
                f"The SMTP server {server.host} refused the mail: {error.smtp_code} {answer}.", _SERVER_FAILED
            ) from None
        except (OSError, smtplib.SMTPException) as error:
            context.cancel.check()
            raise TaskFailure(
                f"The mail could not be sent through {server.host}, port {server.port}: {error or 'no answer'}.",
                _SERVER_FAILED,
            ) from None

    def _send(self, client: smtplib.SMTP, server: SmtpServer, message: EmailMessage) -> None:
        client.connect(server.host, server.port)
        if server.encrypts:
            client._host = server.host  # type: ignore[attr-defined]  # the name in the certificate, set by SMTP(host) only
            client.starttls(context=ssl.create_default_context())
        if server.user:
            client.login(server.user, server.password)
        refused = client.send_message(message, from_addr=self.data.sender.strip(), to_addrs=self._recipients())
        with suppress(OSError, smtplib.SMTPException):  # the mail is sent
            client.quit()
        if refused:
            raise TaskFailure(
                f"The SMTP server {server.host} refused the recipients {', '.join(refused)}. The others got the mail.",
                _SERVER_FAILED,
            )

    def _server(self, context: TaskContext) -> SmtpServer:
        if not self.data.smtp_server:
            raise TaskFailure("The task has no SMTP connection manager. Choose one.", _NO_SERVER)
        manager = context.connections.get(self.data.smtp_server)
        if manager.kind != "SMTP":
            raise TaskFailure(f'The connection manager "{manager.name}" is not an SMTP connection.', 0xC00291D1)
        return smtp_server(manager)

    def _recipients(self) -> list[str]:
        return [address for text in (self.data.to, self.data.cc, self.data.bcc) for _, address in _addresses(text)]

    def _message(self, context: TaskContext) -> EmailMessage:
        message = EmailMessage()
        try:
            message["From"] = self.data.sender.strip()
            for name, text in (("To", self.data.to), ("Cc", self.data.cc)):
                if found := _addresses(text):
                    message[name] = ", ".join(map(formataddr, found))
            message["Subject"] = " ".join(self.data.subject.splitlines())
        except (ValueError, IndexError, MessageError) as error:
            raise TaskFailure(f"An address of the mail is not valid: {error}.", _NO_RECIPIENT) from None
        message["Date"] = formatdate(localtime=True)
        message["Message-ID"] = make_msgid()
        number, importance = _PRIORITIES[self.data.priority]
        message["X-Priority"], message["Importance"] = number, importance
        text = source_text(context, self.data.source_type, self.data.source, 0, _SOURCE_CODES)
        message.set_content(text)
        for name in self.data.attachments:
            path = context.connections.path(name)
            content = read_bytes(path, _BAD_ATTACHMENT)
            kind, _, detail = (mimetypes.guess_type(path.name)[0] or "application/octet-stream").partition("/")
            message.add_attachment(content, maintype=kind, subtype=detail, filename=path.name)
        return message


def _addresses(text: str) -> list[tuple[str, str]]:
    """Return names and addresses, which semicolons or, as in .NET, commas separate.

    :raises TaskFailure: one of them is not an address.
    """
    found: list[tuple[str, str]] = []
    for part in text.split(";"):
        if not part.strip():
            continue
        addresses = getaddresses([part])
        if not addresses or any("@" not in address for _, address in addresses):
            raise TaskFailure(
                f"The address {part.strip()!r} of the mail is not valid. Write user@domain or Name <user@domain>, with"
                " semicolons between addresses.",
                _NO_RECIPIENT,
            )
        found += addresses
    return found
