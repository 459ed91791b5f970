"""client.batch.servers: who gets a video; with servers that are away (those that answer: test_batch_servers)."""

from __future__ import annotations

import pytest

from client.batch.servers import Servers, answering
from client.detection.errors import DetectorError
from client.jobs.spec import JobError
from client.serving.network import NetworkConfig

A, B, C = (NetworkConfig(url=f"127.0.0.1:{port}") for port in (1, 2, 3))  # nobody listens there


def test_the_least_busy_one_gets_the_next() -> None:
    servers = Servers([A, B, C], lambda _: None)
    assert [servers.take(key) for key in "abcd"] == [A, B, C, A]
    assert servers.give_back("b") == B
    assert servers.take("e") == B


def test_one_that_was_left_out_gets_none_and_is_asked_again_after_a_while() -> None:
    told: list[str] = []
    servers = Servers([A, B], told.append, again_s=0)
    assert servers.leave_out(A, "no answer")
    assert [servers.take(key) for key in "abc"] == [B, B, B]
    assert told == ["127.0.0.1:1 is left out from now on: no answer"]


def test_a_single_one_is_never_left_out() -> None:
    servers = Servers([A], lambda _: None)
    assert not servers.leave_out(A, "no answer")
    assert servers.take("a") == A
    assert answering([A], lambda _: None) == [A], "whoever uses it finds out"


def test_none_that_answers_is_an_error() -> None:
    told: list[str] = []
    with pytest.raises(JobError, match=r"none of 2 servers answers \(127.0.0.1:1, 127.0.0.1:2\)"):
        answering([A, B], told.append)
    assert [text.split(" is left out: ")[0] for text in told] == ["127.0.0.1:1", "127.0.0.1:2"]
    servers = Servers([A, B], told.append)
    servers.leave_out(A, "")
    servers.leave_out(B, "")
    with pytest.raises(JobError, match="none of 2 servers answers"):
        servers.take("a")


def test_an_address_that_is_none_is_an_error_and_not_left_out() -> None:
    with pytest.raises(DetectorError, match="is not the address of a Triton server"):
        answering([A, NetworkConfig(url="http://")], lambda _: None)
