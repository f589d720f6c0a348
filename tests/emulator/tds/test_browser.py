"""The SQL Server Browser's answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ssis.emulator.tds.browser import answer_to

ABOUT = ("HOST", "SSIS", 51433, "16.0.4000")


@pytest.mark.parametrize("request_", [b"\x02", b"\x03", b"\x04SSIS\0", b"\x04ssis\0", b"\x04SSIS"])
def test_it_answers_with_the_port_of_its_instance(request_: bytes) -> None:
    answer = answer_to(request_, *ABOUT)
    assert answer is not None
    assert answer[0] == 0x05
    assert int.from_bytes(answer[1:3], "little") == len(answer) - 3
    assert answer[3:] == b"ServerName;HOST;InstanceName;SSIS;IsClustered;No;Version;16.0.4000;tcp;51433;;"


@pytest.mark.parametrize("request_", [b"", b"\x04OTHER\0", b"\x0f\x01SSIS\0"])
def test_it_keeps_silent_about_others(request_: bytes) -> None:
    assert answer_to(request_, *ABOUT) is None


@given(st.binary(max_size=64))
def test_no_datagram_makes_it_fail(request_: bytes) -> None:
    answer_to(request_, *ABOUT)
