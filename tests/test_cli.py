"""The `tollspan` command: what it imports, what it prints and the exit codes."""

import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from tollspan import cli
from tollspan.errors import ConfigError, StoreError

PYPROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())


@pytest.fixture
def run_command(monkeypatch):
    """Run `tollspan play OPTIONS`, whose module does what the test's function does."""

    def run(play, *options):
        module = ModuleType("a_play")
        module.add_arguments = lambda parser: parser.add_argument("--act", type=int)
        module.run = play
        monkeypatch.setitem(sys.modules, "a_play", module)
        monkeypatch.setattr(cli, "COMMANDS", (cli.Command("play", "a_play", "gateway", "a play"),))
        return cli.main(["play", *options])

    return run


def fail_with(error):
    def play(arguments):
        raise error

    return play


def test_a_command_gets_its_options_and_gives_the_exit_code(run_command):
    assert run_command(lambda arguments: arguments.act, "--act", "3") == 3


def test_help_goes_to_the_command_it_follows(run_command, capsys):
    with pytest.raises(SystemExit) as exit_:
        run_command(None, "--help")

    assert exit_.value.code == 0
    assert "usage: tollspan play" in capsys.readouterr().out


def test_the_help_lists_every_command(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])

    printed = capsys.readouterr().out
    assert [c.name for c in cli.COMMANDS if f"{c.name} " not in printed] == []


def test_an_unknown_command_is_wrong_usage(capsys):
    with pytest.raises(SystemExit) as exit_:
        cli.main(["gatewya"])

    assert exit_.value.code == cli.EXIT_USAGE
    assert "gatewya" in capsys.readouterr().err


def test_no_command_is_wrong_usage_and_the_message_names_what_is_missing(capsys):
    with pytest.raises(SystemExit) as exit_:
        cli.main([])

    assert exit_.value.code == cli.EXIT_USAGE
    assert capsys.readouterr().err.endswith("the following arguments are required: COMMAND\n")


def test_a_reader_that_has_seen_enough_is_no_error_message():
    command = [sys.executable, "-m", "tollspan.cli", "collector", "schema"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as writer:
        writer.stdout.readline()
        writer.stdout.close()

        assert writer.stderr.read() == b""
        assert writer.wait() == cli.EXIT_FAILED


def test_every_wrong_setting_is_one_line_and_exit_code_2(run_command, capsys):
    wrong = ExceptionGroup(
        "configuration",
        [ConfigError("receivers::otlp", "no such key", "write protocols"), ConfigError("service", "missing")],
    )

    assert run_command(fail_with(wrong)) == cli.EXIT_USAGE
    assert capsys.readouterr().err.splitlines() == [
        "tollspan play: receivers::otlp: no such key (write protocols)",
        "tollspan play: service: missing",
    ]


@pytest.mark.parametrize("error", [StoreError("the disk is full"), OSError("the disk is full")])
def test_a_failure_is_one_line_and_exit_code_1(run_command, capsys, error):
    assert run_command(fail_with(error)) == cli.EXIT_FAILED
    assert capsys.readouterr().err == "tollspan play: the disk is full\n"


def test_an_interrupt_is_no_traceback(run_command, capsys):
    assert run_command(fail_with(KeyboardInterrupt())) == cli.EXIT_INTERRUPTED
    assert capsys.readouterr().err == ""


def test_a_defect_keeps_its_traceback(run_command):
    with pytest.raises(ZeroDivisionError):
        run_command(fail_with(ZeroDivisionError()))


def test_a_missing_extra_is_answered_with_the_command_that_installs_it(run_command, capsys):
    missing = ModuleNotFoundError("No module named 'chdb'", name="chdb")

    assert run_command(fail_with(missing)) == cli.EXIT_FAILED
    assert "pip install 'tollspan[gateway]'" in capsys.readouterr().err


def test_a_missing_module_of_our_own_is_a_defect(run_command):
    with pytest.raises(ModuleNotFoundError):
        run_command(fail_with(ModuleNotFoundError("no", name="tollspan.gatewya")))


def test_every_extra_that_is_recommended_exists():
    extras = PYPROJECT["project"]["optional-dependencies"]

    assert {command.extra for command in cli.COMMANDS} <= extras.keys()


def test_the_version_is_the_packages_and_costs_no_command_its_import():
    statement = (
        "import sys\n"
        "from tollspan import cli\n"
        "try: cli.main(['--version'])\n"
        "finally: assert not {'chdb', 'starlette', 'structlog', 'yaml'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", statement], capture_output=True, text=True, check=False)

    assert done.stdout == f"tollspan {PYPROJECT['project']['version']}\n"
    assert done.returncode == 0, done.stderr
