"""What can go wrong between a program and the daemon."""

from __future__ import annotations


class DaemonError(Exception):
    """A call failed. `str(error)` is a sentence for the user.

    Attributes:
        code: the gRPC status, such as "INVALID_ARGUMENT".
        reason: a constant for programs, such as "STYLE_NOT_FOUND"; empty if none was given.
        field: the field of the request that is wrong, such as "strength"; None if it is not that.
        retry_after: seconds after which another try makes sense; None if it does not by itself.
        request_id: names the call in the daemon's log; empty if unknown.
    """

    default_code = "UNKNOWN"

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        reason: str = "",
        field: str | None = None,
        retry_after: float | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(message)
        self.code = code or self.default_code
        self.reason = reason
        self.field = field
        self.retry_after = retry_after
        self.request_id = request_id


class InvalidRequestError(DaemonError):
    """The request is wrong: `field` says where."""

    default_code = "INVALID_ARGUMENT"


class NotFoundError(DaemonError):
    """There is no such style, pack or operation."""

    default_code = "NOT_FOUND"


class AlreadyExistsError(DaemonError):
    """A pack of that id is installed already."""

    default_code = "ALREADY_EXISTS"


class RefusedError(DaemonError):
    """What was asked for is not possible as things are, such as deleting a built-in pack."""

    default_code = "FAILED_PRECONDITION"


class ExhaustedError(DaemonError):
    """Memory, the disk or the queue is full; `retry_after` says when to try again."""

    default_code = "RESOURCE_EXHAUSTED"


class DamagedDataError(DaemonError):
    """A pack is damaged."""

    default_code = "DATA_LOSS"


class UnauthenticatedError(DaemonError):
    """The daemon does not accept the token."""

    default_code = "UNAUTHENTICATED"


class CallCancelledError(DaemonError):
    """The call was cancelled, by its caller or because the daemon stops."""

    default_code = "CANCELLED"


class DeadlineExceededError(DaemonError):
    """The call took longer than its timeout."""

    default_code = "DEADLINE_EXCEEDED"


class UnsupportedError(DaemonError):
    """The daemon is too old for this call."""

    default_code = "UNIMPLEMENTED"


class InternalError(DaemonError):
    """Daemon or client have a bug; the daemon's log says more."""

    default_code = "INTERNAL"


class UnavailableError(DaemonError):
    """The daemon cannot be reached or takes no calls."""

    default_code = "UNAVAILABLE"


class DaemonLostError(UnavailableError):
    """The daemon ended, or its connection broke, in the middle of a call.

    The next call looks for a daemon again, and starts one.
    """


class DaemonNotRunningError(UnavailableError):
    """No daemon runs, and none was to be started."""


class DaemonStartError(UnavailableError):
    """The daemon could not be started; the message has the end of its output."""
