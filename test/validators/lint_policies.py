"""Runs parliament over policies: a JSON array of {template, where, policy} on standard input, of {template, where, rule, message} on standard output."""

import json
import sys

from parliament import analyze_policy_string, enhance_finding

findings = []
for each in json.load(sys.stdin):
    for finding in analyze_policy_string(json.dumps(each["policy"])).findings:
        enhance_finding(finding)
        detail = f"{finding.title}: {finding.detail}" if finding.detail else finding.title
        findings.append({"template": each["template"], "where": each["where"], "rule": finding.issue, "message": detail})
json.dump(findings, sys.stdout)
