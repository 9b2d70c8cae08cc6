"""The line to an Alpaca-shaped API: bounded time, bounded retries, our errors."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from shadowbook.errors import ConfigError, PermanentError, TransientError

if TYPE_CHECKING:
    from alpaca.trading.client import TradingClient
    from requests import PreparedRequest, Response, Session

Sleep = Callable[[float], None]

_NOT_ALLOWED = 401, 403
_ORDER_REFUSED = range(40_310_000, 40_320_000)
"""Codes of a 403 that is about the order (buying power, shares to borrow), not about the key."""


class AlpacaPolicy(BaseModel):
    """How long to wait for the broker, and how often to ask again."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    timeout_seconds: float = Field(
        10.0, gt=0, le=300, description="How long the broker may take to answer one request."
    )
    attempts: int = Field(
        5, ge=1, le=20, description="How often a request is made before we give up."
    )
    backoff_seconds: float = Field(
        0.5, ge=0, le=60, description="Wait before the second attempt; doubles with each further."
    )
    longest_wait_seconds: float = Field(
        60.0,
        ge=0,
        le=600,
        description="Longest wait between attempts, also where the broker's Retry-After asks more.",
    )


class Kind(Enum):
    """What an answer means."""

    DONE = "done"
    ABSENT = "absent"
    REFUSED = "refused"
    UNCLEAR = "unclear"
    """No answer, or one that leaves open whether the request was carried out."""


@dataclass(frozen=True)
class Answer:
    """One attempt's outcome.

    Attributes
    ----------
    body : of a DONE answer.
    words : the broker's, or what went wrong on the way.
    wait : seconds that the broker asked for (Retry-After); None when it did not.
    """

    kind: Kind
    body: Any = None
    words: str = ""
    wait: float | None = None


class AlpacaConnection:
    """Asks and tells; see `AlpacaBroker` for the parameters.

    Raises
    ------
    ConfigError
        No key, or an address that is not http(s).
    """

    def __init__(
        self, base_url: str, key_id: str, secret: str, policy: AlpacaPolicy, sleep: Sleep
    ) -> None:
        if not base_url.startswith(("https://", "http://")):
            raise ConfigError(f"broker.base_url {base_url!r} must begin with https:// or http://")
        if not key_id or not secret:
            raise ConfigError(f"no key for the broker at {base_url}: give its id and its secret")
        self.base_url = base_url.rstrip("/").removesuffix("/v2")
        self._policy = policy
        self._sleep = sleep
        self._client = _client(self.base_url, key_id, secret, policy.timeout_seconds)

    @property
    def attempts(self) -> int:
        """How often a request is made."""
        return self._policy.attempts

    def close(self) -> None:
        """Close the sockets."""
        self._client._session.close()

    def read(self, ask: Callable[[TradingClient], Any], what: str) -> Any:
        """Ask until there is an answer; None when the broker has no such thing.

        Raises
        ------
        TransientError
            It gave none in all attempts.
        PermanentError
            It does not serve us.
        """
        last = Answer(Kind.UNCLEAR)
        for attempt in range(self._policy.attempts):
            if attempt:
                self.pause(attempt, last)
            last = self.once(ask)
            if last.kind is Kind.DONE:
                return last.body
            if last.kind is Kind.ABSENT:
                return None
            if last.kind is Kind.REFUSED:
                raise PermanentError(
                    f"the broker at {self.base_url} refused to give {what}: {last.words}"
                )
        raise self.gave_up(f"give {what}", last)

    def demand(self, ask: Callable[[TradingClient], Any], what: str) -> Any:
        """Ask for something that every broker of this shape has.

        Raises
        ------
        PermanentError
            It has not, or as of `read`.
        TransientError
            As of `read`.
        """
        body = self.read(ask, what)
        if body is None:
            raise PermanentError(
                f"{self.base_url} does not tell {what}: check that broker.base_url is an Alpaca "
                "trading API"
            )
        return body

    def once(self, ask: Callable[[TradingClient], Any]) -> Answer:
        """Make one attempt.

        Raises
        ------
        PermanentError
            The broker does not accept our key.
        """
        from alpaca.common.exceptions import APIError
        from requests import RequestException

        try:
            body = ask(self._client)
        except RequestException as error:
            return Answer(Kind.UNCLEAR, words=f"{type(error).__name__}: {error}")
        except APIError as error:
            return self._judged(error)
        if not isinstance(body, dict | list):
            return Answer(Kind.UNCLEAR, words="an empty answer")
        return Answer(Kind.DONE, body=body)

    def pause(self, attempt: int, last: Answer) -> None:
        """Wait before the next attempt; ``attempt`` counts those made."""
        asked = self._policy.backoff_seconds * 2.0 ** (attempt - 1)
        wait = asked if last.wait is None else last.wait
        self._sleep(min(wait, self._policy.longest_wait_seconds))

    def gave_up(self, doing: str, last: Answer) -> TransientError:
        """Say that the attempts are used up."""
        return TransientError(
            f"the broker at {self.base_url} did not {doing} in {self._policy.attempts} attempts "
            f"({last.words}): try again; nothing is doubled by it"
        )

    def _judged(self, error: Any) -> Answer:
        status, (code, words) = error.status_code, _words(error)
        if status == 404:
            return Answer(Kind.ABSENT, words=words)
        if status is None or status == 429 or status >= 500:
            return Answer(Kind.UNCLEAR, words=f"{status}: {words}", wait=_retry_after(error))
        if status in _NOT_ALLOWED and code not in _ORDER_REFUSED:
            raise PermanentError(
                f"the broker at {self.base_url} does not accept our key ({status}: {words}): check "
                "key and account"
            ) from error
        return Answer(Kind.REFUSED, words=words)


def _client(base_url: str, key_id: str, secret: str, timeout: float) -> TradingClient:
    with warnings.catch_warnings():
        # It imports a deprecated module of websockets, which it uses for streams only.
        warnings.simplefilter("ignore", DeprecationWarning)
        from alpaca.trading.client import TradingClient

    client = TradingClient(key_id, secret, raw_data=True, url_override=base_url)
    # Its own retries would send an order again without asking whether it went through.
    client._retry = 0
    _limit_time(client._session, timeout)
    return client


def _limit_time(session: Session, seconds: float) -> None:
    """Give every request a timeout: alpaca-py sets none and would wait for ever."""
    from requests.adapters import HTTPAdapter

    class Timed(HTTPAdapter):
        def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
            options["timeout"] = seconds
            return super().send(request, *args, **options)

    for scheme in ("https://", "http://"):
        session.mount(scheme, Timed())


def _words(error: Any) -> tuple[int, str]:
    """Return the broker's error code (0 when it gave none) and what it said."""
    text = str(error)
    try:
        told = json.loads(text)
    except ValueError:
        return 0, text[:200]
    if not isinstance(told, dict):
        return 0, text[:200]
    code = told.get("code", 0)
    return (code if isinstance(code, int) else 0), str(told.get("message", text[:200]))


def _retry_after(error: Any) -> float | None:
    response = error.response
    if response is None:
        return None
    text = str(response.headers.get("Retry-After", ""))
    return float(text) if text.isdigit() else None
