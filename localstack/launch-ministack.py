"""Runs MiniStack in the foreground. With SLUICE_ENDPOINT_LIFELINE=1 it ends, with its Lambda workers, when its stdin does:
the starter holds the other end of that pipe, so even a starter killed with SIGKILL leaves nothing behind.
With SLUICE_IAM_DECISIONS=<file> each decision about a role's call is written there: what MiniStack answers to a call
that is denied names the action, but not the resource."""

import json
import os
import signal
import sys
import threading


def end_with_starter():
    sys.stdin.buffer.read()
    os.killpg(os.getpgrp(), signal.SIGKILL)


# Taken out of the environment: MiniStack hands its own to every Lambda.
if os.environ.pop("SLUICE_ENDPOINT_LIFELINE", "") == "1":
    threading.Thread(target=end_with_starter, daemon=True).start()

decisions_file = os.environ.pop("SLUICE_IAM_DECISIONS", "")

import ministack.app  # noqa: E402


def record_decisions(path):
    from ministack.core import iam_evaluator
    from ministack.services import sts

    enforce = iam_evaluator.enforce
    log = open(path, "a", buffering=1, encoding="utf-8")

    def recorded(access_key_id, iam_action, service, region, resource_arn="*", service_context=None):
        refusal = enforce(access_key_id, iam_action, service, region, resource_arn, service_context)
        session = sts._sessions.get(access_key_id)
        if session is not None:
            decision = getattr(refusal, "decision", None) or getattr(refusal, "code", None) or "Allow"
            entry = {"caller": session.get("Arn", ""), "action": iam_action, "resource": resource_arn}
            log.write(json.dumps({**entry, "decision": decision}) + "\n")
        return refusal

    iam_evaluator.enforce = recorded


def name_queue_of_move_tasks():
    """The calls about a queue's move tasks name it by its ARN alone, which MiniStack takes for no resource at all."""
    from ministack.core import iam_actions

    resource_of = iam_actions.extract_resource_arn

    def named(service, method, path, headers, body, *rest):
        resource = resource_of(service, method, path, headers, body, *rest)
        if service != "sqs" or resource != "*":
            return resource
        try:
            return json.loads(body or b"{}").get("SourceArn", resource)
        except (ValueError, AttributeError):
            return resource

    iam_actions.extract_resource_arn = named


if decisions_file:
    record_decisions(decisions_file)
    name_queue_of_move_tasks()

# With TLS it would listen on port 443 too where it may, which only one endpoint of a machine can have.
ministack.app._port_is_bindable = lambda host, port: False

ministack.app.main()
