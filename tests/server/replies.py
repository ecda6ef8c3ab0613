# SPDX-License-Identifier: MIT
"""Good answers in every dialect, and errors in the usual clothes."""


def good(dialect, texts, model="test-model", **more):
    """The body of a good answer with these texts, for the API that was asked."""
    return MAKERS[dialect](texts, model, **more)


def chat(texts, model, finish="stop"):
    """OpenAI chat completions, with cached and reasoning tokens."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1760000000,
        "model": model,
        "choices": [
            {
                "index": i,
                "finish_reason": finish,
                "logprobs": None,
                "message": {"role": "assistant", "content": text, "refusal": None},
            }
            for i, text in enumerate(texts)
        ],
        "usage": {
            "prompt_tokens": 9,
            "completion_tokens": 12 * len(texts),
            "total_tokens": 9 + 12 * len(texts),
            "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 5, "audio_tokens": 0},
        },
        "system_fingerprint": "fp_1",
    }


def completions(texts, model, finish="stop"):
    """Legacy completions."""
    return {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": 1760000000,
        "model": model,
        "choices": [
            {"index": i, "text": text, "logprobs": None, "finish_reason": finish}
            for i, text in enumerate(texts)
        ],
        "usage": {
            "prompt_tokens": 9,
            "completion_tokens": 12 * len(texts),
            "total_tokens": 9 + 12 * len(texts),
        },
    }


def output_text(text):
    """A part of a message of the Responses API."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def responses(texts, model, status="completed", reason=None, parts=None):
    """OpenAI Responses: a reasoning item, then a message."""
    message = {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": [output_text(text) for text in texts[:1]] if parts is None else parts,
    }
    return {
        "id": "resp_1",
        "object": "response",
        "status": status,
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        "model": model,
        "output": [{"type": "reasoning", "id": "rs_1", "summary": []}, message],
        "usage": {
            "input_tokens": 9,
            "input_tokens_details": {"cached_tokens": 4},
            "output_tokens": 12,
            "output_tokens_details": {"reasoning_tokens": 5},
            "total_tokens": 21,
        },
    }


def messages(texts, model, stop="end_turn", blocks=None):
    """Anthropic Messages. The whole prompt is 9 + 3 + 4 tokens, 4 of them from the cache."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": t} for t in texts[:1]] if blocks is None else blocks,
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {
            "input_tokens": 9,
            "output_tokens": 12,
            "cache_creation_input_tokens": 3,
            "cache_read_input_tokens": 4,
        },
    }


def gemini(texts, model, finish="STOP", parts=None):
    """Gemini generateContent: thoughts are counted apart from the candidates' tokens."""
    return {
        "candidates": [
            {
                "index": i,
                "finishReason": finish,
                "content": {"role": "model", "parts": [{"text": text}] if parts is None else parts},
            }
            for i, text in enumerate(texts)
        ],
        "modelVersion": model,
        "responseId": "r1",
        "usageMetadata": {
            "promptTokenCount": 9,
            "candidatesTokenCount": 12 * len(texts),
            "thoughtsTokenCount": 5,
            "cachedContentTokenCount": 4,
            "totalTokenCount": 14 + 12 * len(texts),
        },
    }


MAKERS = {
    "chat": chat,
    "completions": completions,
    "responses": responses,
    "messages": messages,
    "gemini": gemini,
}


def error(message, kind="invalid_request_error", code=None, param=None, **more):
    """An error in OpenAI's clothes."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code, **more}}


def anthropic_error(message, kind):
    """An error in Anthropic's clothes."""
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}


def gemini_error(message, code, status, details=()):
    """An error in Google's clothes."""
    found = {"code": code, "message": message, "status": status}
    if details:
        found["details"] = list(details)
    return {"error": found}


def html(title):
    """The page of a proxy in between."""
    page = "<!DOCTYPE html>\r\n<html><head><title>%s</title></head>\r\n<body><h1>%s</h1>"
    return (page + "<p>Ray ID: 8f</p></body></html>\r\n") % (title, title)
