import socket

import pytest
import requests
from pytest_socket import SocketConnectBlockedError


def test_no_test_leaves_the_machine() -> None:
    with pytest.raises(SocketConnectBlockedError):
        socket.create_connection(("192.0.2.1", 80), timeout=1)


def test_a_host_name_is_refused_before_it_is_connected_to() -> None:
    with pytest.raises((SocketConnectBlockedError, requests.ConnectionError)):
        requests.get("http://b3.example:9/", timeout=1)


def test_this_machine_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()[:2], timeout=1).close()
