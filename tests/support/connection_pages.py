"""Airflow's pages of connections, as a person uses them."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from airflow_provider_ssis.hooks.form import FIELD_BEHAVIOUR, FIELDS

TYPE = "SQL Server Integration Services"
STANDARD_FIELDS = "Standard Fields"
LABELS = {
    "description": "Description",
    "host": "Host",
    "login": "Login",
    "password": "Password",
    "port": "Port",
    **FIELD_BEHAVIOUR["relabeling"],
}
"""The labels of the standard fields."""
TITLE = re.compile("Test Connection (Successful|Failed)")


class ConnectionForm:
    """The form of one connection, open.

    :param page: the window.
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        self.dialog = page.get_by_role("dialog")

    def choose_type(self) -> None:
        """Choose our connection type."""
        self.dialog.get_by_label("Connection Type").fill(TYPE)
        self._page.get_by_role("option", name=TYPE, exact=True).click()

    def name(self, connection_id: str) -> None:
        """Fill in the connection id."""
        self.dialog.get_by_label("Connection ID").fill(connection_id)

    def standard(self, field: str) -> Locator:
        """The input of a field that every type of connection has."""
        return self.open_section(STANDARD_FIELDS).get_by_label(LABELS[field], exact=True)

    def open_section(self, title: str) -> Locator:
        """Open a section, which closes the others; returns its content."""
        section = self.dialog.locator("[data-scope=accordion][data-part=item]").filter(
            has=self._page.get_by_role("button", name=title, exact=True)
        )
        button = section.get_by_role("button", name=title, exact=True)
        if button.get_attribute("aria-expanded") != "true":
            button.click()
        expect(button).to_have_attribute("aria-expanded", "true")
        return section

    def field(self, name: str) -> Locator:
        """An extra field: label, input and description; its section is opened."""
        label = self._page.get_by_text(FIELDS[name]["label"], exact=True)
        return self.open_section(FIELDS[name]["schema"]["section"]).get_by_role("group").filter(has=label)

    def choices(self, name: str) -> list[str]:
        """The choices of an extra field with a list."""
        field = self.field(name)
        field.get_by_role("combobox").click()
        options = self._page.get_by_role("option")
        expect(options.first).to_be_visible()
        texts = options.all_inner_texts()
        field.get_by_role("combobox").press("Tab")
        return texts

    def switch_on(self, name: str) -> None:
        """Turn an extra field on that is off."""
        switch = self.field(name).get_by_role("checkbox")
        expect(switch).not_to_be_checked()
        self.field(name).locator("[data-scope=switch][data-part=control]").click()
        expect(switch).to_be_checked()

    def choose(self, name: str, shown: str) -> None:
        """Choose a value of an extra field with a list."""
        self.field(name).get_by_role("combobox").click()
        self._page.get_by_role("option", name=shown, exact=True).click()

    def write(self, name: str, text: str) -> None:
        """Fill in an extra field for text or a number."""
        self.field(name).locator("input").fill(text)

    def fill(self, **values: str | int) -> None:
        """Fill in standard fields."""
        for field, value in values.items():
            self.standard(field).fill(str(value))

    def picture(self, path: Path) -> None:
        """Take a screenshot of the form, in a window that is high enough to show all of it."""
        size = self._page.viewport_size
        assert size is not None
        self._page.set_viewport_size({"width": 1000, "height": 2400})
        self.dialog.screenshot(path=path, animations="disabled", caret="hide")
        self._page.set_viewport_size(size)

    def save(self) -> None:
        """Save, and wait until the form closes."""
        self.dialog.get_by_role("button", name="Save").click()
        expect(self.dialog).to_be_hidden()


class Connections:
    """The list of connections.

    :param page: the window.
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        page.goto("/connections")

    def add(self) -> ConnectionForm:
        """The form for a new connection of our type."""
        self._page.get_by_role("button", name="Add Connection").click()
        form = ConnectionForm(self._page)
        form.choose_type()
        return form

    def edit(self, connection_id: str) -> ConnectionForm:
        """The form of a connection."""
        self._row(connection_id).get_by_role("button", name="Edit Connection").click()
        form = ConnectionForm(self._page)
        expect(form.standard("host")).to_be_visible()
        return form

    def test(self, connection_id: str) -> str:
        """Press the button that tests a connection; returns its message, which disappears after seconds."""
        self._row(connection_id).get_by_role("button", name="Test Connection").click()
        return self._page.locator("[data-scope=toast][data-part=root]").filter(has_text=TITLE).inner_text()

    def _row(self, connection_id: str) -> Locator:
        return self._page.get_by_role("row").filter(has=self._page.get_by_text(connection_id, exact=True))
