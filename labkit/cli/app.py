"""The command ``labkit``: its verbs, each loaded when it is used."""

from __future__ import annotations

from importlib import import_module

import click

from labkit import __version__

__all__ = ["app"]

# Verb: (module of labkit.cli, function in it, first line of its help). The help is repeated here so that
# `labkit --help` loads no verb.
_VERBS = {
    "doctor": ("doctor", "doctor", "What this machine can do; really builds and boots something."),
    "build": ("build", "build", "Build an image."),
    "run": ("run", "run", "Build and boot an image; its console is here, its exit status is ours."),
    "disk": ("disk", "disk", "Make a disk for a guest, look at its sectors."),
    "compare": ("compare", "compare", "Measure two images side by side."),
    "ps": ("guests", "ps", "List the guests that run."),
    "console": ("guests", "console", "Join the console of a running guest."),
    "stop": ("guests", "stop", "Stop a guest, or all."),
    "toolchain": ("toolchain", "toolchain", "What images are built with; install upstream's."),
    "gc": ("guests", "gc", "Remove what dead owners have left behind."),
    "host": ("host", "host", "The lab's own Xen and KVM hosts."),
    "notebooks": ("jupyter", "notebooks", "Run every notebook, as CI does."),
    "lab": ("jupyter", "lab", "Open JupyterLab at the first notebook."),
}


class _Verbs(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's interface
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _VERBS:
            return None
        module, function, _ = _VERBS[cmd_name]
        command: click.Command = getattr(import_module(f"labkit.cli.{module}"), function)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Verbs"):
            formatter.write_dl([(name, text) for name, (_, _, text) in _VERBS.items()])


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="labkit")
@click.option("-v", "--verbose", is_flag=True, help="Tell each step on standard error.")
@click.pass_context
def app(context: click.Context, verbose: bool) -> None:
    """Build, boot and watch MirageOS unikernels.

    IMAGE is a folder with a config.ml, the name of one in images/, or a built image file.
    """
    context.obj = verbose
