"""A mail server and an SMS gateway for tests: real sockets, scripted behaviour, recorded messages."""

import base64
import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.utils import timezone

from notifications.channels.sms.aliyun import sign
from tests.support.services import free_port


class MailServer:
    """An SMTP server. `server.script` holds its actions for the next mails, one entry each:

    an answer such as "451 4.3.0 try later", "drop" (close the connection after receiving the mail), "slow 3"
    (accept it and answer after three seconds) or "hang" (do not answer until `server.release` is set).
    Without an entry it accepts the mail. `refuse_sender` and `refuse_recipient` are answers to MAIL and RCPT.
    `server.mails` has every mail with complete DATA, in order.
    """

    def __init__(self, port: int | None = None, *, smtputf8: bool = True) -> None:
        self.port = port or free_port()
        self.script: list[str] = []
        self.refuse_sender = self.refuse_recipient = ""
        self.mails: list[EmailMessage] = []
        self.envelopes: list[Envelope] = []
        self.release = threading.Event()
        self._controller = Controller(
            self, hostname="127.0.0.1", port=self.port, ready_timeout=20, enable_SMTPUTF8=smtputf8
        )

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.refuse_sender:
            return self.refuse_sender
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.refuse_recipient:
            return self.refuse_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        import asyncio

        assert isinstance(envelope.content, bytes)
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        self.envelopes.append(envelope)
        wanted = self.script.pop(0) if self.script else "250 OK"
        if wanted == "drop":
            assert server.transport is not None
            server.transport.abort()
            return "421 gone"
        if wanted.startswith("slow "):
            await asyncio.sleep(float(wanted.removeprefix("slow ")))
            return "250 OK"
        if wanted == "hang":
            while not self.release.is_set():
                await asyncio.sleep(0.02)
            return "250 OK"
        return wanted

    def __enter__(self) -> "MailServer":
        self._controller.start()
        return self

    def __exit__(self, *args: object) -> None:
        self.release.set()
        self._controller.stop()


class SilentServer:
    """A server that accepts connections and never sends anything. `seen` counts them."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.connections: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def seen(self) -> int:
        return len(self.connections)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                self.connections.append(self._socket.accept()[0])

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits in accept()
        self._socket.close()
        for connection in self.connections:
            connection.close()


Answer = tuple[int, dict[str, str], bytes]


class SmsServer:
    """Twilio's Messages resource and Aliyun's SendSms and QuerySendDetails, as documented.

    `server.script` holds answers for the next send requests: (status, headers, body), "drop" (accept the
    message and close without an answer) or "hang" (accept it and answer when `release` is set). Without an
    entry the message is accepted. `server.sent` has the accepted messages: to, text and reference. Requests
    without valid credentials or signature are refused as by the real providers and are not recorded.
    """

    account, auth_token = "AC" + "0" * 32, "twilio-secret"
    key_id, key_secret = "LTAI-key", "aliyun-secret"

    def __init__(self) -> None:
        self.script: list[Answer | str] = []
        self.sent: list[dict[str, str]] = []
        self.requests: list[str] = []
        self.release = threading.Event()
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                gateway.requests.append(f"{self.command} {self.path}")
                answer = gateway.answer(self.command, self.path, dict(self.headers.items()), body.decode())
                if answer is None:
                    self.close_connection = True
                    with suppress(OSError):
                        self.connection.shutdown(socket.SHUT_RDWR)
                    return
                status, headers, content = answer
                with suppress(OSError):
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)

            do_POST = do_GET = handle_one

            def log_message(self, *args: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def settings(self) -> dict[str, Any]:
        return {
            "OUTBOUND_PRIVATE_HOSTS": ["127.0.0.1"],
            "OUTBOUND_TIMEOUT_SECONDS": 1,
            "SMS_RATE_PER_SECOND": 0,
            "TWILIO_API_URL": self.url,
            "TWILIO_ACCOUNT_SID": self.account,
            "TWILIO_AUTH_TOKEN": self.auth_token,
            "TWILIO_FROM": "+15005550006",
            "ALIYUN_SMS_API_URL": self.url,
            "ALIYUN_ACCESS_KEY_ID": self.key_id,
            "ALIYUN_ACCESS_KEY_SECRET": self.key_secret,
            "ALIYUN_SMS_SIGN_NAME": "会易",
            "ALIYUN_SMS_TEMPLATES": {
                "checkin_reminder.en": "SMS_1001",
                "checkin_reminder.zh-hans": "SMS_1002",
            },
        }

    def answer(self, method: str, path: str, headers: dict[str, str], body: str) -> Answer | None:
        headers = {name.lower(): value for name, value in headers.items()}
        if "x-acs-action" in headers:
            return self._aliyun(method, path, headers)
        return self._twilio(method, path, headers, body)

    def _scripted(self) -> Answer | str | None:
        return self.script.pop(0) if self.script else None

    def _take(self, message: dict[str, str], answer: Callable[[], Answer]) -> Answer | None:
        wanted = self._scripted()
        if isinstance(wanted, tuple):
            return wanted
        self.sent.append({**message, "created": format_datetime(timezone.now())})
        if wanted == "drop":
            return None
        if wanted == "hang":
            self.release.wait(60)
        return answer()

    # https://www.twilio.com/docs/messaging/api/message-resource
    def _twilio(self, method: str, path: str, headers: dict[str, str], body: str) -> Answer | None:
        wanted = base64.b64encode(f"{self.account}:{self.auth_token}".encode()).decode()
        if headers.get("authorization") != f"Basic {wanted}":
            error = {"code": 20003, "message": "Authenticate", "status": 401, "more_info": "…"}
            return 401, {"Content-Type": "application/json"}, json.dumps(error).encode()
        parts = urlsplit(path)
        assert parts.path == f"/2010-04-01/Accounts/{self.account}/Messages.json", path
        json_type = {"Content-Type": "application/json"}
        if method == "GET":
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            assert set(query) == {"To", "DateSent>", "PageSize"}, query
            found = [
                {
                    "sid": f"SM{index:032d}",
                    "to": message["to"],
                    "body": message["text"],
                    "status": message.get("status", "sent"),
                    "date_created": message["created"],
                    "date_sent": message["created"],
                }
                for index, message in enumerate(self.sent)
                if message["to"] == query["To"]
            ]
            return 200, json_type, json.dumps({"messages": found, "page": 0, "page_size": 50}).encode()
        form = {name: values[0] for name, values in parse_qs(body).items()}

        def taken() -> Answer:
            sid = f"SM{len(self.sent) - 1:032d}"
            content = {"sid": sid, "status": "queued", "to": form["To"], "body": form["Body"]}
            return 201, json_type, json.dumps(content).encode()

        reference = parse_qs(urlsplit(form["StatusCallback"]).query)["notification"][0]
        return self._take(
            {"to": form["To"], "text": form["Body"], "from": form["From"], "reference": reference}, taken
        )

    # https://help.aliyun.com/zh/sms/developer-reference/api-dysmsapi-2017-05-25-sendsms
    def _aliyun(self, method: str, path: str, headers: dict[str, str]) -> Answer | None:
        json_type = {"Content-Type": "application/json;charset=utf-8"}
        query = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        _, expected = sign(
            method=method, host=headers["host"], action=headers["x-acs-action"], parameters=query,
            date=headers["x-acs-date"], nonce=headers["x-acs-signature-nonce"], key_id=self.key_id,
            secret=self.key_secret, version=headers["x-acs-version"],
        )  # fmt: skip
        if headers.get("authorization") != expected["Authorization"]:
            error = {"Code": "SignatureDoesNotMatch", "Message": "…", "RequestId": "1", "HostId": "…"}
            return 400, json_type, json.dumps(error).encode()
        if headers["x-acs-action"] == "QuerySendDetails":
            details = [
                {
                    "PhoneNum": message["to"], "OutId": message["reference"], "SendStatus": 1,
                    "TemplateCode": message["template"], "SendDate": message["created"],
                }
                for message in self.sent
                if message["to"] == query["PhoneNumber"]
            ]  # fmt: skip
            content = {
                "Code": "OK", "Message": "OK", "RequestId": "1", "TotalCount": str(len(details)),
                "SmsSendDetailDTOs": {"SmsSendDetailDTO": details},
            }  # fmt: skip
            return 200, json_type, json.dumps(content).encode()
        assert headers["x-acs-action"] == "SendSms"

        def taken() -> Answer:
            content = {"Code": "OK", "Message": "OK", "RequestId": "1", "BizId": f"{time.time_ns()}^0"}
            return 200, json_type, json.dumps(content).encode()

        return self._take(
            {
                "to": query["PhoneNumbers"], "text": query["TemplateParam"], "sign": query["SignName"],
                "template": query["TemplateCode"], "reference": query["OutId"],
            },
            taken,
        )  # fmt: skip

    def __enter__(self) -> "SmsServer":
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *args: object) -> None:
        self.release.set()
        self._http.shutdown()
        self._http.server_close()
