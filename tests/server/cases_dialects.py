# SPDX-License-Identifier: MIT
"""What the other APIs say in their own ways. (Good answers of every API are the case "ok".)"""

from registry import add, case
from replies import (
    anthropic_error, completions, error, gemini, gemini_error, messages, output_text, responses,
)

REASONED = "First I think about it."
MODEL = "test-model"


def row(name, what, make, status=200):
    """A row: make(texts of a good answer), in the words of one API."""

    def play(x):
        x.reply(make(x.texts()), status=status)

    add(name, what, play)


def merged(body, **more):
    """The body with other values at its top."""
    return {**body, **more}


def without(body, key):
    """The body without one of its members."""
    return {k: v for k, v in body.items() if k != key}


# Legacy completions

row("completions-length", "finish_reason length", lambda t: completions(t, MODEL, "length"))
row("completions-filter", "finish_reason content_filter",
    lambda t: completions(t, MODEL, "content_filter"))
row("completions-null", "text: null", lambda t: completions([None] * len(t), MODEL))
row("completions-empty", "an empty text", lambda t: completions([""] * len(t), MODEL))
row("completions-as-chat", "a message in place of the text", lambda t: merged(
    completions(t, MODEL), choices=[{"index": 0, "finish_reason": "stop",
                                     "message": {"content": t[0]}}]))

# OpenAI Responses

row("responses-length", "incomplete: max_output_tokens", lambda t: responses(
    t, MODEL, "incomplete", "max_output_tokens"))
row("responses-filter", "incomplete: content_filter", lambda t: responses(
    t, MODEL, "incomplete", "content_filter"))
row("responses-refusal", "a part that is a refusal", lambda t: responses(
    t, MODEL, parts=[{"type": "refusal", "refusal": "I cannot help with that."}]))
row("responses-parts", "two parts of text", lambda t: responses(
    t, MODEL, parts=[output_text("re"), output_text("ply")]))
row("responses-messages", "two messages", lambda t: merged(responses(t, MODEL), output=[
    {"type": "message", "content": [output_text("re")]}, {"type": "web_search_call"},
    {"type": "message", "content": [output_text("ply")]}]))
row("responses-failed", "failed: server_error", lambda t: merged(
    responses(t, MODEL, "failed"), output=[],
    error={"code": "server_error", "message": "The model had a problem."}))
row("responses-rate-limit", "failed: rate_limit_exceeded", lambda t: merged(
    responses(t, MODEL, "failed"), output=[],
    error={"code": "rate_limit_exceeded", "message": "Slow down."}))
row("responses-invalid-prompt", "failed: invalid_prompt", lambda t: merged(
    responses(t, MODEL, "failed"), output=[],
    error={"code": "invalid_prompt", "message": "Not this."}))
row("responses-queued", "queued: the answer is not there yet", lambda t: merged(
    responses(t, MODEL, "queued"), output=[]))
row("responses-no-output", "completed, and no output", lambda t: merged(
    responses(t, MODEL), output=[]))
row("responses-output-null", "output: null", lambda t: merged(responses(t, MODEL), output=None))
row("responses-output-odd", "output of the wrong types", lambda t: merged(
    responses(t, MODEL), output=[None, 7, "x", {"type": "message", "content": "x"},
                                 {"type": "message", "content": [None, 7]}]))
row("responses-no-status", "no status", lambda t: without(responses(t, MODEL), "status"))

# Anthropic Messages

row("messages-length", "stop_reason max_tokens", lambda t: messages(t, MODEL, "max_tokens"))
row("messages-stop", "stop_reason stop_sequence", lambda t: messages(t, MODEL, "stop_sequence"))
row("messages-refusal", "stop_reason refusal", lambda t: messages(t, MODEL, "refusal", []))
row("messages-context", "stop_reason model_context_window_exceeded", lambda t: messages(
    t, MODEL, "model_context_window_exceeded"))
row("messages-pause", "stop_reason pause_turn", lambda t: messages(t, MODEL, "pause_turn"))
row("messages-unknown", "a stop_reason that nobody knows", lambda t: messages(t, MODEL, "moon"))
row("messages-null", "stop_reason: null", lambda t: messages(t, MODEL, None))
row("messages-thinking", "thoughts, and then a text", lambda t: messages(t, MODEL, blocks=[
    {"type": "thinking", "thinking": REASONED, "signature": "x"},
    {"type": "redacted_thinking", "data": "x"}, {"type": "text", "text": "reply"}]))
row("messages-parts", "two blocks of text", lambda t: messages(t, MODEL, blocks=[
    {"type": "text", "text": "re"}, {"type": "text", "text": "ply"}]))
row("messages-tool", "a call of a tool", lambda t: messages(t, MODEL, "tool_use", [
    {"type": "tool_use", "id": "1", "name": "f", "input": {}}]))
row("messages-empty", "no blocks", lambda t: messages(t, MODEL, blocks=[]))
row("messages-content-null", "content: null", lambda t: merged(messages(t, MODEL), content=None))
row("messages-content-string", "content that is a string", lambda t: merged(
    messages(t, MODEL), content="reply"))
row("messages-odd-blocks", "blocks of the wrong types", lambda t: messages(t, MODEL, blocks=[
    None, 7, [], {}, {"type": "text"}, {"type": "text", "text": 7}]))
row("messages-usage-odd", "usage of the wrong types", lambda t: merged(
    messages(t, MODEL), usage={"input_tokens": "9", "output_tokens": None}))
row("messages-error", "an error with status 200", lambda t: anthropic_error(
    "Overloaded", "overloaded_error"))


@case("refuses-prefill", "400 if the last message is the assistant's")
def _refuses_prefill(x):
    last = (x.asked.get("messages") or [{}])[-1]
    if last.get("role") == "assistant":
        x.reply(anthropic_error("This model does not support assistant message prefill. The"
                                " conversation must end with a user message.",
                                "invalid_request_error"), status=400)
    else:
        x.reply()


# Gemini

row("gemini-length", "finishReason MAX_TOKENS", lambda t: gemini(t, MODEL, "MAX_TOKENS"))
row("gemini-thought-alone", "MAX_TOKENS, and no parts", lambda t: merged(
    gemini(t, MODEL), candidates=[{"index": 0, "finishReason": "MAX_TOKENS",
                                   "content": {"role": "model"}}]))
for _reason in ("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE"):
    row("gemini-" + _reason.lower().replace("_", "-"), "finishReason %s, and no content" % _reason,
        lambda t, reason=_reason: merged(gemini(t, MODEL), candidates=[
            {"index": 0, "finishReason": reason}]))
row("gemini-unknown", "a finishReason that nobody knows", lambda t: gemini(t, MODEL, "MOON"))
row("gemini-blocked", "no candidates; the prompt is blocked", lambda t: merged(
    without(gemini(t, MODEL), "candidates"), promptFeedback={"blockReason": "SAFETY"}))
row("gemini-no-candidates", "no candidates, and no reason", lambda t: without(
    gemini(t, MODEL), "candidates"))
row("gemini-thought", "a part of thoughts, then one of text", lambda t: gemini(t, MODEL, parts=[
    {"text": REASONED, "thought": True}, {"text": "reply"}]))
row("gemini-parts", "two parts of text", lambda t: gemini(t, MODEL, parts=[
    {"text": "re"}, {"text": "ply"}]))
row("gemini-odd-parts", "parts of the wrong types", lambda t: gemini(t, MODEL, parts=[
    None, 7, {}, {"text": 7}, {"functionCall": {}}]))
row("gemini-no-usage", "no usageMetadata", lambda t: without(gemini(t, MODEL), "usageMetadata"))
row("gemini-array", "a good answer within an array", lambda t: [gemini(t, MODEL)])
row("gemini-403", "403 PERMISSION_DENIED", lambda t: gemini_error(
    "Permission denied", 403, "PERMISSION_DENIED"), status=403)
row("gemini-400-key", "400 for a key that is no good", lambda t: gemini_error(
    "API key not valid. Please pass a valid API key.", 400, "INVALID_ARGUMENT",
    [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]),
    status=400)

# Azure

row("azure-filters", "results of a filter beside a good answer", lambda t: {
    "choices": [{"index": i, "finish_reason": "stop", "message": {"content": text},
                 "content_filter_results": {"hate": {"filtered": False, "severity": "safe"}}}
                for i, text in enumerate(t)],
    "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21}})
row("azure-404", "404 of a deployment that does not exist", lambda t: error(
    "The API deployment for this resource does not exist.", None, "DeploymentNotFound"),
    status=404)
