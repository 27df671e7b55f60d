"""The deployment files name programs, options, ports, folders and users that exist and agree.

No container engine runs in the tests; what can be read is read. `docs/service.md` says when they
last ran in one.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import typer.main
import yaml

import bonafide.cli
from bonafide.service.serve import GOODBYE_S
from bonafide.service.settings import ServiceSettings, parse_retention

ROOT = Path(__file__).parents[2]
OPS = ROOT / "ops"
COMPOSE = yaml.safe_load((OPS / "compose.yaml").read_text())
CONTAINER = (OPS / "Containerfile").read_text()
SERVE = typer.main.get_command(bonafide.cli.app).commands["serve"]


def unit():
    """Section -> key -> values, of the systemd unit."""
    sections, section = {}, None
    for line in (OPS / "bonafide.service").read_text().splitlines():
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            assert section is not None
            section.setdefault(key, []).append(value)
    return sections


def instructions():
    """(word, rest) of every instruction of the Containerfile, continued lines joined."""
    text = re.sub(r"\\\n", " ", CONTAINER)
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [tuple(line.split(None, 1)) for line in lines]


def told(word):
    return [rest for name, rest in instructions() if name == word]


def serve_options(words):
    """What the command line makes of ``[exec] [.../]bonafide serve ...``; unknown options fail."""
    assert Path(words[words.index("serve") - 1]).name == "bonafide"
    return SERVE.make_context("serve", list(words[words.index("serve") + 1 :])).params


def check(options):
    """What the service itself would say to them; databases stay unopened."""
    ServiceSettings(
        store=options["store"], retention=parse_retention(options["retain"]),
        workers=options["workers"], require_key=options["require_key"],
    )  # fmt: skip
    assert options["host"] == "127.0.0.1" or options["require_key"]


def composed(name="service"):
    return COMPOSE["services"][name]


def probe():
    """The Containerfile's health check as (command, seconds by option)."""
    [rest] = told("HEALTHCHECK")
    options, _, words = rest.partition(" CMD ")
    times = dict(re.findall(r"--([a-z-]+)=(\d+s)", options))
    return json.loads(words), times


def test_the_unit_starts_a_service_that_the_command_line_knows():
    [start] = unit()["Service"]["ExecStart"]
    options = serve_options(shlex.split(start))
    check(options)
    [state] = unit()["Service"]["StateDirectory"]
    assert options["store"].startswith(f"sqlite:////var/lib/{state}/")
    [stop] = unit()["Service"]["TimeoutStopSec"]
    assert int(stop) > GOODBYE_S


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_has_nothing_to_say_against_the_unit(tmp_path):
    text = (OPS / "bonafide.service").read_text()
    program = re.search(r"ExecStart=(\S+)", text)[1]
    (tmp_path / "bonafide.service").write_text(text.replace(program, "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / "bonafide.service")],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert [line for line in done.stderr.splitlines() if "bonafide.service" in line] == []


def systemd_version():
    program = shutil.which("systemd-analyze")
    if program is None:
        return 0
    told_version = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
    return int(told_version.split()[1])


@pytest.mark.skipif(systemd_version() < 250, reason="no systemd here that judges a file")
def test_systemd_finds_the_unit_well_confined():
    """An exposure of at most 2.0 on its scale of 10; it listens, so it is never 0."""
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=20", "--no-pager",
         str(OPS / "bonafide.service")],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-200:]


def test_the_container_runs_what_it_has_built():
    options = serve_options(["bonafide", *json.loads(told("CMD")[-1])])
    check(options)  # without a database it would refuse to start, as it did once
    [volume] = told("VOLUME")
    assert options["store"].startswith(f"sqlite:///{volume}/")
    assert volume in told("RUN")[1]
    assert json.loads(told("ENTRYPOINT")[0]) == ["bonafide"]
    for rest in told("COPY"):
        words = rest.split()
        if not words[0].startswith("--from"):
            assert all((ROOT / word).exists() for word in words[:-1])
    made = re.search(r"python -m venv (\S+)", told("RUN")[0])[1]
    assert any(rest == f"--from=build {made} {made}" for rest in told("COPY"))
    assert f"PATH={made}/bin:" in told("ENV")[0]
    install = told("RUN")[0]
    assert "-c constraints.txt" in install  # the versions that the tests passed with
    assert "constraints.txt" in told("COPY")[0].split()
    extras = re.search(r'"\.\[([a-z,]+)\]"', install)[1].split(",")
    project = (ROOT / "pyproject.toml").read_text()
    assert all(re.search(rf"^{extra} = \[", project, re.MULTILINE) for extra in extras)
    [user] = told("USER")
    assert f"--uid {user}" in told("RUN")[1]


def test_ports_and_health_agree():
    port = SERVE.make_context("serve", []).params["port"]
    assert told("EXPOSE") == [str(port)]
    command, times = probe()
    assert f"http://127.0.0.1:{port}/ready" in command[-1]
    [published] = composed()["ports"]
    assert published == f"127.0.0.1:{port}:{port}"
    # Podman's own image format has no health check, so that compose brings the same one.
    check_here = dict(composed()["healthcheck"])
    [kind, *words] = check_here.pop("test")
    assert (kind, words) == ("CMD", command)
    assert {name.replace("_", "-"): value for name, value in check_here.items()} == times


def test_the_health_check_tells_ready_from_not():
    command, _ = probe()
    program = command[-1]
    with ThreadingHTTPServer(("127.0.0.1", 0), Ready) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        mine = program.replace(":8000/", f":{server.server_port}/")
        assert mine != program
        codes = []
        for Ready.status in (200, 503):
            done = subprocess.run([sys.executable, *command[1:-1], mine], capture_output=True)
            codes.append(done.returncode)
        server.shutdown()
    assert codes == [0, 1]


class Ready(BaseHTTPRequestHandler):
    """Answers as `/ready` does."""

    status = 200

    def do_GET(self):
        self.send_response(self.status if self.path == "/ready" else 404)
        self.end_headers()

    def log_message(self, *_):
        pass


def test_compose_starts_a_service_with_its_database():
    service, database = composed(), composed("database")
    folder = (OPS / service["build"]["context"]).resolve()
    assert (folder, (folder / service["build"]["dockerfile"]).is_file()) == (ROOT, True)
    assert "entrypoint" not in service  # the image's own
    options = serve_options([*json.loads(told("ENTRYPOINT")[0]), *service["command"]])
    check(options)
    made = database["environment"]
    assert options["store"] == (
        f"postgresql://{made['POSTGRES_USER']}@database/{made['POSTGRES_DB']}"
    )
    assert service["depends_on"]["database"]["condition"] == "service_healthy"
    [volume] = database["volumes"]
    assert volume.split(":")[0] in COMPOSE["volumes"]
    grace = service["stop_grace_period"]
    assert float(grace.removesuffix("s")) > GOODBYE_S


def test_any_password_will_do_and_no_list_of_processes_shows_it():
    """It once stood in the URL, where `@` or `%` broke it, and the URL in the command line."""
    service, database = composed(), composed("database")
    assert service["environment"] == {"PGPASSWORD": database["environment"]["POSTGRES_PASSWORD"]}
    assert "PASSWORD" not in str([service["command"], service["healthcheck"], service["build"]])


def test_the_database_is_healthy_only_when_it_can_be_reached():
    """While the image makes its database, a first server answers on the socket alone."""
    database = composed("database")
    [kind, program, *words] = database["healthcheck"]["test"]
    assert (kind, program) == ("CMD", "pg_isready")
    options = dict(zip(words[::2], words[1::2], strict=True))
    assert options == {"-U": database["environment"]["POSTGRES_USER"], "-h": "127.0.0.1"}


def test_the_container_can_change_nothing_but_its_store():
    service = composed()
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"] == told("VOLUME")  # no nameless volume for each container


def can_compose():
    docker = shutil.which("docker")
    words = [docker, "compose", "version"]
    return docker and subprocess.run(words, capture_output=True).returncode == 0


@pytest.mark.skipif(not can_compose(), reason="no docker compose here")
def test_compose_itself_reads_the_file():
    done = subprocess.run(
        ["docker", "compose", "-f", str(OPS / "compose.yaml"), "config", "--quiet"],
        env={**os.environ, "POSTGRES_PASSWORD": "x"}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("path", sorted(OPS.iterdir()), ids=lambda path: path.name)
def test_no_secret_stands_in_a_deployment_file(path):
    for line in path.read_text().splitlines():
        if re.search("password|secret|token", line, re.IGNORECASE) and not line.startswith("#"):
            assert re.search(r"(POSTGRES_|PG)PASSWORD: \$\{POSTGRES_PASSWORD:\?", line), line
