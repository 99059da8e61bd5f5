"""An application as OpenAI's customers write it: the official Python client, unmodified, with another base URL.

It is told of calls by webhook, checks OpenAI's signature itself, and accepts; what it does then is the story's.
"""

import http.server
import queue
import threading

import openai

from .places import APPLICATION, APPLICATION_HTTP, SECOND, SQUELCH_HTTP


class Application:
    """Listens for webhooks until it is closed."""

    def __init__(self, key, secret):
        self.key, self.secret = key, secret
        self.calls = queue.Queue()
        self.refused = []
        application = self

        class Webhook(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                try:
                    event = application.client().webhooks.unwrap(body, dict(self.headers))
                    application.calls.put(event.data.call_id)
                    self.send_response(200)
                except Exception as error:
                    application.refused.append(repr(error))
                    self.send_response(400)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((APPLICATION, APPLICATION_HTTP), Webhook)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    @property
    def webhook(self):
        return f"http://{APPLICATION}:{APPLICATION_HTTP}/webhook"

    def client(self, key=None, retries=2):
        """OpenAI's client, its base URL squelch."""
        base = f"http://{SECOND}:{SQUELCH_HTTP}/v1"
        return openai.OpenAI(api_key=key or self.key, base_url=base, webhook_secret=self.secret, max_retries=retries, timeout=15)

    def next_call(self, seconds=10):
        """The call that the next webhook announced."""
        try:
            return self.calls.get(timeout=seconds)
        except queue.Empty:
            raise AssertionError(f"no webhook came; refused: {self.refused}") from None
