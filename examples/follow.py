#!/usr/bin/env python3
"""Follows the events of a service without webhooks: reads the stream, remembers the last sequence, and resumes there after any break,
so that no event is missed and none comes twice. Standard library only.

usage: URL=http://127.0.0.1:8480 KEY=ps_test_… examples/follow.py STATE-FILE [EVENTS]
Ends after EVENTS events (default: never)."""
import json
import os
import pathlib
import sys
import time
import urllib.request


def events(url, key, after):
    """Yields the events after a sequence until the connection ends."""
    request = urllib.request.Request(f"{url}/v1/stream", headers={"Authorization": f"Bearer {key}", "Last-Event-ID": str(after)})
    with urllib.request.urlopen(request, timeout=60) as stream:  # a comment comes every 15 s: silence means a dead connection
        data = ""
        for line in stream:
            line = line.decode().rstrip("\n")
            if line.startswith("data: "):
                data = line[6:]
            elif line == "" and data:
                yield json.loads(data)
                data = ""


def handle(event):
    """Your work. Do it before the sequence is remembered, and so that doing it twice does no harm."""
    thing = event["data"]["object"]
    print(event["sequence"], event["type"], thing.get("id", ""), thing.get("amount", ""), thing.get("currency", ""), flush=True)


def main():
    url, key = os.environ["URL"], os.environ["KEY"]
    state = pathlib.Path(sys.argv[1])
    left = int(sys.argv[2]) if len(sys.argv) > 2 else -1
    after = int(state.read_text()) if state.exists() else 0
    pause = 0.1
    while left != 0:
        try:
            for event in events(url, key, after):
                handle(event)
                after = event["sequence"]
                state.write_text(str(after))
                pause = 0.1
                left -= 1
                if left == 0:
                    return
        except OSError as error:
            print(f"{error}; again in {pause:.1f} s", file=sys.stderr)
        time.sleep(pause)
        pause = min(pause * 2, 10)


if __name__ == "__main__":
    main()
