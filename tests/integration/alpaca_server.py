"""A broker in the shape of the Alpaca trading API, with real state and planted faults.

It serves ``POST /v2/orders``, ``GET /v2/orders``, ``GET /v2/orders:by_client_order_id``,
``DELETE /v2/orders/{id}``, ``GET /v2/positions``, ``GET /v2/account`` and ``GET /v2/clock``.
Orders stay accepted until a test fills, cancels or rejects them.
"""

from __future__ import annotations

import json
import socket
import threading
import uuid
from collections import deque
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

KEY_ID, SECRET = "test-key", "test-secret"


class Fault(Enum):
    """What goes wrong with one request; *after* = it was carried out, and nobody hears of it."""

    NONE = "none"
    LIMITED = "429"
    BROKEN_BEFORE = "500 before"
    BROKEN_AFTER = "503 after"
    CUT_BEFORE = "disconnect before"
    CUT_AFTER = "disconnect after"
    SILENT_BEFORE = "timeout before"
    SILENT_AFTER = "timeout after"
    GARBLED_AFTER = "half an answer after"


class AlpacaServer:
    """The broker. ``faults`` are used up one a request; ``calls`` are the requests that came."""

    def __init__(self, next_session: date, silence_seconds: float = 0.5) -> None:
        self.next_session = next_session
        self.silence_seconds = silence_seconds
        self.retry_after: str | None = "3"
        self.unique_ids = True
        """False = an order of an id that is there is taken a second time, as no broker should."""
        self.unseen = 0
        """How many questions for an order that is there are answered with 404."""
        self.taken: list[str] = []
        """Ids of the orders taken, as often as they were."""
        self.refusals: dict[str, tuple[int, int, str]] = {}
        """Symbol -> status, code and words that its orders are refused with."""
        self.faults: deque[Fault] = deque()
        self.calls: list[tuple[str, str]] = []
        self.orders: dict[str, dict[str, Any]] = {}
        self.held: dict[str, Decimal] = {}
        self.cash = Decimal("100000.00")
        self._ticks = 0
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def fill(self, client_order_id: str, quantity: int, price: str) -> None:
        """Trade a part of an order: the average moves, as do holdings and cash."""
        with self._lock:
            order = self.orders[client_order_id]
            had, average = Decimal(order["filled_qty"]), Decimal(order["filled_avg_price"] or 0)
            now = had + quantity
            order["filled_avg_price"] = str((average * had + Decimal(price) * quantity) / now)
            order["filled_qty"] = str(now)
            done = now == Decimal(order["qty"])
            order["status"] = "filled" if done else "partially_filled"
            order["updated_at"] = self._now()
            if done:
                order["filled_at"] = order["updated_at"]
            signed = quantity if order["side"] == "buy" else -quantity
            held = self.held.get(order["symbol"], Decimal(0)) + signed
            self.held[order["symbol"]] = held
            self.cash -= signed * Decimal(price)

    def end(self, client_order_id: str, status: str) -> None:
        """Let an order end: canceled, expired, rejected."""
        with self._lock:
            order = self.orders[client_order_id]
            order["status"], order["updated_at"] = status, self._now()

    def answer(self, method: str, target: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Carry a request out; return status and content."""
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        with self._lock:
            if (method, parts.path) == ("POST", "/v2/orders"):
                return self._take(body)
            if method == "DELETE" and parts.path.startswith("/v2/orders/"):
                return self._cancel(parts.path.rsplit("/", 1)[1])
            pages = {
                "/v2/orders": lambda: self._newest(query),
                "/v2/positions": self._positions,
                "/v2/account": self._account,
                "/v2/clock": self._clock,
            }
            if method == "GET" and parts.path == "/v2/orders:by_client_order_id":
                found = self.orders.get(query["client_order_id"])
                if found and self.unseen:
                    self.unseen, found = self.unseen - 1, None
                return (200, found) if found else (404, _error(40410000, "order not found"))
            if method == "GET" and parts.path in pages:
                return 200, pages[parts.path]()
        return 404, _error(40410000, "endpoint not found")

    def _take(self, body: dict[str, Any]) -> tuple[int, Any]:
        key, symbol = body["client_order_id"], body["symbol"]
        if key in self.orders and self.unique_ids:
            return 422, _error(40010001, "client_order_id must be unique")
        if symbol in self.refusals:
            status, code, words = self.refusals[symbol]
            return status, _error(code, words)
        if body["type"] != "market" or body["time_in_force"] not in ("cls", "opg"):
            return 422, _error(42210000, "invalid order type")
        self.taken.append(key)
        now = self._now()
        self.orders[key] = {
            "id": str(uuid.uuid4()),
            "client_order_id": key,
            "created_at": now,
            "updated_at": now,
            "submitted_at": now,
            "filled_at": None,
            "canceled_at": None,
            "symbol": symbol,
            "qty": str(int(Decimal(str(body["qty"])))),
            "filled_qty": "0",
            "filled_avg_price": None,
            "order_class": "",
            "type": body["type"],
            "side": body["side"],
            "time_in_force": body["time_in_force"],
            "status": "accepted",
            "extended_hours": False,
        }
        return 200, self.orders[key]

    def _cancel(self, number: str) -> tuple[int, Any]:
        for order in self.orders.values():
            if order["id"] == number:
                order["status"], order["canceled_at"] = "canceled", self._now()
                return 204, None
        return 404, _error(40410000, "order not found")

    def _newest(self, query: dict[str, str]) -> list[dict[str, Any]]:
        final = ("filled", "canceled", "expired", "rejected")
        wanted = query.get("status", "open")
        orders = [
            order
            for order in reversed(self.orders.values())
            if wanted == "all" or (order["status"] in final) == (wanted == "closed")
        ]
        return orders[: min(int(query.get("limit", 50)), 500)]

    def _positions(self) -> list[dict[str, Any]]:
        return [
            {"symbol": symbol, "qty": str(held), "side": "long" if held > 0 else "short"}
            for symbol, held in self.held.items()
            if held
        ]

    def _account(self) -> dict[str, Any]:
        return {"cash": str(self.cash), "equity": "100000", "status": "ACTIVE"}

    def _clock(self) -> dict[str, Any]:
        day = self.next_session.isoformat()
        return {
            "timestamp": self._now(),
            "is_open": False,
            "next_open": f"{day}T09:30:00-05:00",
            "next_close": f"{day}T16:00:00-05:00",
        }

    def _now(self) -> str:
        self._ticks += 1
        at = datetime(2020, 1, 2, 21, 16, tzinfo=UTC) + timedelta(seconds=self._ticks)
        # The API writes nanoseconds.
        return at.strftime("%Y-%m-%dT%H:%M:%S.123456789Z")


def _error(code: int, words: str) -> dict[str, Any]:
    return {"code": code, "message": words}


def _handler(broker: AlpacaServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # An answer in one piece: two would wait for each other on the loopback.
        wbufsize = -1
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def do_DELETE(self) -> None:
            self._serve()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _serve(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            broker.calls.append((self.command, self.path))
            if (self.headers["APCA-API-KEY-ID"], self.headers["APCA-API-SECRET-KEY"]) != (
                KEY_ID,
                SECRET,
            ):
                self._reply(401, _error(40110000, "request is not authorized"))
                return
            fault = broker.faults.popleft() if broker.faults else Fault.NONE
            if fault is Fault.LIMITED:
                self._reply(429, _error(42910000, "too many requests"), broker.retry_after)
            elif fault is Fault.BROKEN_BEFORE:
                self._reply(500, None)
            elif fault is Fault.CUT_BEFORE:
                self._cut()
            elif fault is Fault.SILENT_BEFORE:
                self._be_silent()
            else:
                status, content = broker.answer(
                    self.command, self.path, json.loads(sent) if sent else {}
                )
                self._after(fault, status, content)

        def _after(self, fault: Fault, status: int, content: Any) -> None:
            if fault is Fault.BROKEN_AFTER:
                self._reply(503, _error(50310000, "service unavailable"))
            elif fault is Fault.CUT_AFTER:
                self._cut()
            elif fault is Fault.SILENT_AFTER:
                self._be_silent()
            elif fault is Fault.GARBLED_AFTER:
                self._reply(status, content, half=True)
            else:
                self._reply(status, content)

        def _reply(
            self, status: int, content: Any, retry_after: str | None = None, half: bool = False
        ) -> None:
            text = b"" if content is None else json.dumps(content).encode()
            text = text[: len(text) // 2] if half else text
            self.send_response(status)
            if retry_after is not None:
                self.send_header("Retry-After", retry_after)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def _cut(self) -> None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

        def _be_silent(self) -> None:
            broker._stopped.wait(broker.silence_seconds)
            self._cut()

    return Handler
