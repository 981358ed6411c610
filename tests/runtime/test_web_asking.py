"""Asking websites over real sockets: what is heard, what is bounded, and whom nobody is led to."""

import socket
import ssl
import time
from pathlib import Path

import pytest

from kundenkreis.content.core.links import Finding
from kundenkreis.runtime.link_checks import follow
from kundenkreis.runtime.web_asking import SocketWeb
from tests.certificate import localhost_certificate
from tests.runtime.website import Website, answer

pytestmark = pytest.mark.e2e

FINE = answer("200 OK", body=b"x")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return localhost_certificate(tmp_path)


def found(
    link: str, *sites: Website, step_seconds: float = 10, tls: ssl.SSLContext | None = None, address: str = "127.0.0.1"
) -> Finding:
    """What is said of a link by somebody who may ask these websites, too, under another address of this machine as well."""
    also = frozenset({*(site.place for site in sites), *((address, site.port) for site in sites)})
    web = SocketWeb(also=also, step_seconds=step_seconds, tls=tls)
    return follow(link, web, until=time.monotonic() + 30)


def test_what_a_website_answers_is_said() -> None:
    answers = {
        "/fine": FINE, "/gone": answer("410 Gone"), "/shut": answer("403 Forbidden"), "/broken": answer("503 Busy"),
        "HEAD /no-head": answer("405 No"), "GET /no-head": FINE, "/old": b"HTTP/1.0 200\r\n\r\n", "/other": b"SSH-2.0-x\r\n\r\n", "/mute": b"",
        "/early": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + FINE,
    }  # fmt: skip
    with Website(answers) as site:
        assert {path: found(site.url + path, site) for path in ("/none", *(name for name in answers if " " not in name))} == {
            "/none": "gone", "/fine": "works", "/gone": "gone", "/shut": "refuses", "/broken": "server_error", "/old": "works", "/other": "odd",
            "/mute": "silent", "/early": "works",
        }  # fmt: skip
        assert {each.split(" ")[0] for each in site.asked} == {"HEAD"}
        assert found(f"{site.url}/no-head", site) == "works"
        assert site.asked[-2:] == ["HEAD /no-head", "GET /no-head"]


def test_one_question_names_the_website_and_brings_nothing_else_along() -> None:
    with Website({"/a%20b?c=%C3%A4": FINE}) as site:
        assert found(f"{site.url}/a%20b?c=ä#part", site) == "works"
        assert site.heads == [
            f"HEAD /a%20b?c=%C3%A4 HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\nUser-Agent: Kundenkreis (check of links)\r\nAccept: */*\r\n"
            "Accept-Encoding: identity\r\nConnection: close\r\n\r\n"
        ]


def test_this_machine_and_the_company_s_network_are_never_asked() -> None:
    with Website({"/": FINE}) as site:
        port = site.port
        names = ("127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "0", "[::1]", "[::ffff:127.0.0.1]", "[::]")
        links = [f"http://{name}:{port}/" for name in names]
        assert {link: found(link) for link in links} == dict.fromkeys(links, "not_allowed")
        closed = [
            "http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/", "http://192.168.1.1/", "https://127.0.0.1/", "http://[fe80::1]/",
            "http://[64:ff9b::a00:1]/", "http://1.1.1.1:22/", "http://1.1.1.1:8080/",
        ]  # fmt: skip
        assert {link: found(link, site) for link in closed} == dict.fromkeys(closed, "not_allowed")
        assert site.asked == []


def test_one_address_of_a_name_inside_closes_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def resolve(host: str, port: int, **_more: object) -> list[object]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("1.1.1.1", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert found("http://two-faced.example/") == "not_allowed"
    assert asked == ["two-faced.example"]


def test_the_name_is_resolved_once_and_the_address_that_was_judged_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with Website({"/": FINE}) as site, Website({"/": FINE}) as inside:
        answers = [site.place, inside.place]

        def resolve(_host: str, _port: int, **_more: object) -> list[object]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", answers.pop(0))]

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        assert found(f"http://rebinding.example:{site.port}/", site) == "works"
        assert (site.asked, inside.asked, len(answers)) == (["HEAD /"], [], 1)
        assert f"Host: rebinding.example:{site.port}\r\n" in site.heads[0]


def test_a_redirect_is_followed_and_leads_to_nobody_who_may_not_be_asked() -> None:
    with Website({"/": FINE}) as inside, Website({}) as site:
        site.answers = {
            "/on": answer("301 Moved", "Location: /there"), "/there": answer("308 Moved", "location:   fine"), "/fine": FINE,
            "/inside": answer("302 Found", f"Location: {inside.url}/"),
            "/metadata": answer("302 Found", "Location: http://169.254.169.254/latest/meta-data/"),
            "/file": answer("302 Found", "Location: file:///etc/passwd"),
            "/named": answer("302 Found", f"Location: http://user:secret@127.0.0.1:{site.port}/fine"),
            "/circle": answer("302 Found", "Location: /circle"), "/nowhere": answer("302 Found"),
        }  # fmt: skip
        paths = ("/on", "/inside", "/metadata", "/file", "/named", "/nowhere")
        assert {path: found(site.url + path, site) for path in paths} == {
            "/on": "works", "/inside": "not_allowed", "/metadata": "not_allowed", "/file": "not_allowed", "/named": "not_allowed", "/nowhere": "odd",
        }  # fmt: skip
        assert inside.asked == []
        site.asked.clear()
        assert found(f"{site.url}/circle", site) == "circle"
        assert site.asked == ["HEAD /circle"] * 6


def test_an_endless_answer_is_not_read() -> None:
    def body_without_end(talk: socket.socket) -> None:
        talk.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not site.has_ended:
            talk.sendall(b"x" * 65_536)

    def head_without_end(talk: socket.socket) -> None:
        talk.sendall(b"HTTP/1.1 200 OK\r\n")
        while not site.has_ended:
            talk.sendall(b"X-More: and more\r\n" * 100)

    def hints_without_end(talk: socket.socket) -> None:
        while not site.has_ended:
            talk.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)

    with Website({"/body": body_without_end, "/head": head_without_end, "/hints": hints_without_end}) as site:
        paths = ("/body", "/head", "/hints")
        assert [found(site.url + path, site) for path in paths] == ["works", "odd", "odd"]


def test_a_peer_that_keeps_us_waiting_is_left() -> None:
    def drip(talk: socket.socket) -> None:
        for letter in "HTTP/1.1 200 OK\r\n" + "X-Slow: yes\r\n" * 1_000:
            talk.sendall(letter.encode())
            time.sleep(0.05)

    with Website({"/drip": drip}) as site:
        site.answers["/wait"] = lambda _talk: site.until_left()
        assert [found(site.url + path, site, step_seconds=0.3) for path in ("/drip", "/wait")] == ["silent", "silent"]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    web = SocketWeb(also=frozenset({("127.0.0.1", port)}))
    assert follow(f"http://127.0.0.1:{port}/", web, until=time.monotonic() + 30) == "silent"


def test_a_name_that_nobody_has_is_told_from_a_name_server_that_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(number: int) -> None:
        def resolve(*_asked: object, **_more: object) -> list[object]:
            raise socket.gaierror(number, "no")

        monkeypatch.setattr(socket, "getaddrinfo", resolve)

    fail(socket.EAI_NONAME)
    assert found("https://no-such-name.example/") == "unknown_name"
    fail(socket.EAI_AGAIN)
    assert found("https://no-such-name.example/") == "silent"


def test_a_certificate_must_be_trusted_and_be_of_the_name_in_the_link(certificate: Path) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    with Website({"/": FINE}, tls=server) as site:
        trusting = ssl.create_default_context(cafile=str(certificate))
        link = f"https://localhost:{site.port}/"
        assert found(link, site, tls=trusting, address="::1") == "works"
        assert found(link, site, address="::1") == "not_secure"
        assert found(f"{site.url}/", site, tls=trusting) == "not_secure"  # of another name
