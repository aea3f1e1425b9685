"""Runs MiniStack in the foreground. With SLUICE_ENDPOINT_LIFELINE=1 it ends, with its Lambda workers, when its stdin does:
the starter holds the other end of that pipe, so even a starter killed with SIGKILL leaves nothing behind.
With SLUICE_IAM_DECISIONS=<file> each decision about a role's call is written there: what MiniStack answers to a call
that is denied names the action, but not the resource."""

import json
import os
import re
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


def name_actions_as_aws():
    """On AWS, the permission for one message covers batches of a queue's messages. MiniStack requires an action with the call's
    name, which AWS does not have, and confuses reading the concurrency of a function with changing it."""
    from ministack.core import iam_actions

    action_of = iam_actions.extract_iam_action

    def named(service, method, path, *rest):
        action = action_of(service, method, path, *rest)
        if action == "lambda:PutFunctionConcurrency" and method == "GET":
            return "lambda:GetFunctionConcurrency"
        if action is not None and action.startswith("sqs:"):
            return action.removesuffix("Batch")
        return action

    iam_actions.extract_iam_action = named


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


def leading_keys(data):
    """The partition keys that a call to DynamoDB names, as AWS fills `dynamodb:LeadingKeys`: of an index, its own."""
    from ministack.services import dynamodb

    def partition_key(table_name, index_name=None):
        table = dynamodb._tables.get(table_name) or {}
        schemas = {index.get("IndexName"): index.get("KeySchema") for index in table.get("GlobalSecondaryIndexes") or []}
        schema = schemas.get(index_name) or table.get("KeySchema") or []
        return next((key["AttributeName"] for key in schema if key["KeyType"] == "HASH"), None)

    named = [(data.get("TableName"), data.get("Key") or data.get("Item"))]
    for item in data.get("TransactItems") or []:
        for call in item.values():
            named.append((call.get("TableName"), call.get("Key") or call.get("Item")))
    for table, request in (data.get("RequestItems") or {}).items():
        for item in request if isinstance(request, list) else [{"Get": {"Key": key}} for key in request.get("Keys", [])]:
            for call in item.values():
                named.append((table, call.get("Key") or call.get("Item")))
    values = [attributes.get(partition_key(table)) for table, attributes in named if attributes]
    names = data.get("ExpressionAttributeNames") or {}
    wanted = partition_key(data.get("TableName"), data.get("IndexName"))
    for name, value in re.findall(r"(#?\w+)\s*=\s*(:\w+)", data.get("KeyConditionExpression") or ""):
        if names.get(name, name) == wanted:
            values.append((data.get("ExpressionAttributeValues") or {}).get(value))
    return [next(iter(value.values())) for value in values if value]


def fill_condition_keys():
    """MiniStack evaluates conditions, but doesn't fill these keys of them."""
    from ministack.core import iam_actions

    dynamodb_context = iam_actions.dynamodb_service_context
    s3_context = iam_actions.s3_service_context

    def with_leading_keys(body):
        context = dynamodb_context(body)
        try:
            keys = leading_keys(json.loads(body or b"{}"))
        except (ValueError, AttributeError):
            keys = []
        return {**context, **({"dynamodb:LeadingKeys": keys} if keys else {})}

    def with_conditional_write(iam_action, query_params, path="", headers=None):
        context = s3_context(iam_action, query_params, path, headers)
        if iam_action != "s3:PutObject":
            return context
        condition = (headers or {}).get("if-none-match")
        makes_object = "partNumber" not in (query_params or {}) and "uploads" not in (query_params or {})
        context["s3:ObjectCreationOperation"] = str(makes_object).lower()
        return {**context, **({"s3:if-none-match": condition} if condition else {})}

    iam_actions.dynamodb_service_context = with_leading_keys
    iam_actions.s3_service_context = with_conditional_write


if decisions_file:
    record_decisions(decisions_file)
    name_actions_as_aws()
    name_queue_of_move_tasks()
    fill_condition_keys()

# With TLS it would listen on port 443 too where it may, which only one endpoint of a machine can have.
ministack.app._port_is_bindable = lambda host, port: False

ministack.app.main()
