"""Other machines, reached by SSH: commands, files and ports. Nothing of labkit is needed there."""

from labkit.errors import SshError
from labkit.host.ssh.channel import Channel, Finished
from labkit.host.ssh.login import Login
from labkit.host.ssh.session import Session

__all__ = ["Channel", "Finished", "Login", "Session", "SshError"]
