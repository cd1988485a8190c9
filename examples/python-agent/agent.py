#!/usr/bin/env python3
"""An agent in Python, standard library only: context -> finding -> result -> event -> wait for the next event.

The sidecar starts it with AGENT_ID, AGENT_TYPE, ISSUE_ID, PROJECT_ID, SIDECAR_URL (ends in /api), JWT_TOKEN,
CONTEXT_FILE and TASK. It serves any agent type that may publish. Progress goes to standard output; a failure is
one sentence on standard error and exit code 1. It reads and writes no file.
"""
import json
import os
import ssl
import sys
import time
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

ATTEMPTS = 6
LONGEST_PAUSE = 10.0
POLL_SECONDS = 25.0
REQUIRED = ("AGENT_ID", "AGENT_TYPE", "ISSUE_ID", "SIDECAR_URL", "JWT_TOKEN")


class SidecarError(Exception):
    """Said to the user as it is."""


class Sidecar:
    def __init__(self, url, token):
        self.url = url.rstrip("/")
        self.token = token
        # Names the certificate of a sidecar that no common authority vouches for; None is the system's list.
        self.tls = ssl.create_default_context(cafile=os.environ.get("SIDECAR_CA"))

    def call(self, method, path, query=None, body=None, timeout=30.0):
        """One request and its answer. What may pass (429, 503, no connection) is tried again, six times at most."""
        url = f"{self.url}{path}" + (f"?{urlencode(query)}" if query else "")
        data = None if body is None else json.dumps(body).encode()
        reason = ""
        for attempt in range(ATTEMPTS):
            headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
            pause = 0.25 * 2**attempt
            try:
                with urlopen(Request(url, data, headers, method=method), timeout=timeout, context=self.tls) as response:
                    # Sent near the end of a token's life: an agent that takes it never expires.
                    self.token = response.headers.get("x-refreshed-token", self.token)
                    return json.load(response)
            except HTTPError as error:
                self.token = error.headers.get("x-refreshed-token", self.token)
                reason = f"{error.code} {message_of(error)}"
                if error.code not in (429, 503):
                    raise SidecarError(f"{method} {path} answered {reason}") from None
                asked = error.headers.get("retry-after", "")
                pause = float(asked) if asked.isdigit() else pause
            except ValueError:
                raise SidecarError(f"{method} {path} was answered without JSON") from None
            except (HTTPException, OSError) as error:
                reason = f"no answer from {self.url} ({getattr(error, 'reason', error)})"
            if attempt + 1 < ATTEMPTS:
                time.sleep(min(pause, LONGEST_PAUSE))
        raise SidecarError(f"{method} {path} was tried {ATTEMPTS} times: {reason}")

    def wait(self, event_type, filter_text, since, seconds):
        """The first such event after `since`, or None when none came in time."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            timeout = min(left, POLL_SECONDS)
            query = {"timeout": int(timeout * 1000), "filter": filter_text, "since": since, "limit": 1}
            page = self.call("GET", f"/events/wait/{quote(event_type)}", query, timeout=timeout + 10)
            if page["events"]:
                return page["events"][0]
            since = page.get("next_cursor", since)
            time.sleep(0.1)  # a server that shuts down answers at once
        return None


def message_of(error):
    try:
        return json.load(error)["message"]
    except (ValueError, KeyError, TypeError, OSError):
        return error.reason


def largest_files(files):
    """Of the files in the context, the largest of each language: {language: (path, size)}."""
    largest = {}
    for file in files:
        language = file.get("language") or "other"
        if language not in largest or file["size"] > largest[language][1]:
            largest[language] = (file["path"], file["size"])
    return dict(sorted(largest.items(), key=lambda entry: -entry[1][1]))


def main(env):
    missing = [name for name in REQUIRED if not env.get(name)]
    if missing:
        raise SidecarError(f"The environment lacks {', '.join(missing)}; the sidecar sets them when it starts an agent")
    agent_id, agent_type, issue = env["AGENT_ID"], env["AGENT_TYPE"], env["ISSUE_ID"]
    correlation = {"correlation_id": env.get("CORRELATION_ID") or f"issue-{issue}", "round": 1}
    sidecar = Sidecar(env["SIDECAR_URL"], env["JWT_TOKEN"])

    def say(text):
        print(f"{agent_type}: {text}", flush=True)

    task = env.get("TASK", "")[:1000]
    answer = sidecar.call("GET", f"/context/{issue}/{agent_type}", {"task": task} if task else None, timeout=60)
    files = answer["context"]["relevant_files"]
    total = answer["context"]["project_structure"]["total_files"]
    largest = largest_files(files)
    say(f"the context holds {len(files)} of {total} files in {len(largest)} languages")

    result = {
        "status": "success",
        "files_created": [],
        "files_modified": [],
        "decisions": [f"The largest {language} file is {path} with {size} bytes." for language, (path, size) in largest.items()],
        "metrics": {"files_read": len(files), "files_total": total, "languages": len(largest)},
        "artifacts": {"largest_files": {language: {"path": path, "size": size} for language, (path, size) in largest.items()}},
        "warnings": [f"The context held {len(files)} of {total} files; only those were compared"] if len(files) < total else [],
    }
    who = {"agent_id": agent_id, "agent_type": agent_type, "issue_id": issue}
    stored = sidecar.call("POST", "/results", body={**who, "result": result, **correlation})
    say(f"stored {stored['id']}")

    data = {"issue_id": issue, "agent_type": agent_type, "result_id": stored["id"], "languages": list(largest)}
    event = sidecar.call("POST", "/events/largest_files_found", body={"topic": "coordination", "data": data, **correlation})
    say(f"published largest_files_found as {event['event_id']}")

    seconds = float(env.get("CCO_DEMO_WAIT_SECONDS") or 30)
    # Counting from the own event, nothing that happens from now on is missed. That nothing happens is no failure.
    following = sidecar.wait(env.get("WAIT_FOR") or "*", f"issue_id:{issue}", event["event_id"], seconds)
    say(f"then came {following['event_type']} of {following['publisher_type']}" if following else f"nothing came within {seconds:g} s")


if __name__ == "__main__":
    try:
        main(os.environ)
    except SidecarError as error:
        sys.exit(f"{os.environ.get('AGENT_TYPE', 'agent')}: {error}")
