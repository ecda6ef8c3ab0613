# SPDX-License-Identifier: MIT
"""Bodies that are JSON and of the wrong shape: a good chat answer with some of it changed.

A row says where (keys and indexes, joined by dots) and what is put there; GONE takes it away.
"""

from registry import add

GONE = object()
REASONED = "First I think about it."


def change(body, where, value):
    """Puts the value there, or takes away what is there."""
    *path, last = [int(key) if key.isdigit() else key for key in where.split(".")]
    for key in path:
        body = body[key]
    if value is GONE:
        del body[last]
    else:
        body[last] = value


def shape(name, what, changes, several=False):
    """A row: {where: value}; a function makes its value from the texts of a good answer.

    several: only what brings more than one sample is changed.
    """

    def play(x):
        body = x.good()
        for where, value in changes.items() if x.samples > 1 or not several else ():
            change(body, where, value(x.texts()) if callable(value) else value)
        x.reply(body)

    add(name, what, play)


def choice(text, index=0, finish="stop"):
    """A choice as it ought to be."""
    message = {"role": "assistant", "content": text}
    return {"index": index, "finish_reason": finish, "message": message}


CONTENT = "choices.0.message.content"
FINISH = "choices.0.finish_reason"

# choices

shape("choices-missing", "no choices", {"choices": GONE})
shape("choices-empty", "choices: []", {"choices": []})
shape("choices-null", "choices: null", {"choices": None})
shape("choices-object", "choices that are an object", {"choices": {"0": choice("reply")}})
shape("choices-string", "choices that are a string", {"choices": "reply"})
shape("choice-null", "a choice that is null", {"choices.0": None})
shape("choice-string", "a choice that is a string", {"choices.0": "reply"})
shape("choice-list", "a choice that is a list", {"choices.0": [choice("reply")]})
shape("choice-empty", "a choice that is an empty object", {"choices.0": {}})
shape("choices-10000", "10,000 choices", {
    "choices": lambda texts: [choice(texts[0], i) for i in range(10000)]})

# indexes; these rows are for requests of two samples or more

shape("index-unordered", "the choices in reverse order", {
    "choices": lambda texts: [choice(t, i) for i, t in enumerate(texts)][::-1]})
shape("index-duplicate", "every choice has index 0", {
    "choices": lambda texts: [choice(t) for t in texts]})
shape("index-beyond", "the last index is 100", {
    "choices": lambda texts: [choice(t, i) for i, t in enumerate(texts[:-1])]
    + [choice(texts[-1], 100)]}, several=True)
shape("index-100", "the index of the first choice is 100, always", {"choices.0.index": 100})
shape("index-negative", "the first index is -1", {"choices.0.index": -1})
shape("index-huge", "the first index is 2^62", {"choices.0.index": 1 << 62})
shape("index-string", "the first index is a string", {"choices.0.index": "0"})
shape("index-float", "the first index is 0.5", {"choices.0.index": 0.5})
shape("index-missing", "no choice has an index", {"choices": lambda texts: [
    {"finish_reason": "stop", "message": {"content": t}} for t in texts]})
shape("fewer", "one choice, with index 0, however many are wanted", {
    "choices": lambda texts: [choice(texts[0])]})
shape("one-bad-choice", "the first choice is null, the others are good", {"choices.0": None},
      several=True)
shape("one-truncated", "the first choice is cut, the others are good", {FINISH: "length"},
      several=True)
shape("one-refused", "the first choice is refused, the others are good", {
    CONTENT: None, "choices.0.message.refusal": "I cannot help with that."},
    several=True)

# message

shape("message-missing", "no message", {"choices.0.message": GONE})
shape("message-null", "message: null", {"choices.0.message": None})
shape("message-string", "a message that is a string", {"choices.0.message": "reply"})
shape("message-user", "a message whose role is user", {"choices.0.message.role": "user"})
shape("delta", "a delta in place of the message", {
    "choices.0.delta": {"content": "reply"}, "choices.0.message": GONE})

# content

shape("content-null", "content: null", {CONTENT: None})
shape("content-missing", "no content", {CONTENT: GONE})
shape("content-number", "content: 7", {CONTENT: 7})
shape("content-true", "content: true", {CONTENT: True})
shape("content-object", "content that is an object", {CONTENT: {"text": "reply"}})
shape("content-empty", "an empty text", {CONTENT: ""})
shape("content-spaces", "a text of nothing but spaces", {CONTENT: "  \n\t " * 10})
shape("content-parts", "two parts of text", {CONTENT: [
    {"type": "text", "text": "re"}, {"type": "text", "text": "ply"}]})
shape("content-parts-thinking", "a part of thoughts, then one of text", {CONTENT: [
    {"type": "thinking", "thinking": [{"type": "text", "text": REASONED}]},
    {"type": "text", "text": "reply"}]})
shape("content-parts-empty", "no parts", {CONTENT: []})
shape("content-parts-odd", "parts of every kind but text", {CONTENT: [
    None, 7, "x", [], {}, {"type": "image_url", "image_url": {"url": "data:,"}},
    {"type": "text"}, {"type": "text", "text": None}, {"type": 7, "text": "x"}]})
shape("content-parts-mixed", "a part of text among odd ones", {CONTENT: [
    None, {"type": "image_url"}, {"type": "text", "text": "reply"}, 7]})
shape("refusal", "content: null, and a refusal", {
    CONTENT: None, "choices.0.message.refusal": "I cannot help with that."})
shape("refusal-number", "a good text, and a refusal that is a number", {
    "choices.0.message.refusal": 7})
shape("tool-calls", "a call of a tool in place of a text", {
    CONTENT: None, FINISH: "tool_calls", "choices.0.message.tool_calls": [
        {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]})
shape("tool-calls-empty", "a good text, and an empty list of calls", {
    "choices.0.message.tool_calls": []})
shape("prefix", "a text that begins with the prefix `Let's`", {CONTENT: "Let's reply"})
shape("stop-string", "a text with the stop string </TEXT> and more behind it", {
    CONTENT: "reply</TEXT>and more"})

# reasoning

shape("reasoning-content", "reasoning_content beside the text", {
    "choices.0.message.reasoning_content": REASONED, CONTENT: "reply"})
shape("reasoning", "reasoning beside the text", {
    "choices.0.message.reasoning": REASONED, CONTENT: "reply"})
shape("reasoning-details", "reasoning_details beside the text", {
    "choices.0.message.reasoning_details": [{"type": "reasoning.text", "text": REASONED}],
    CONTENT: "reply"})
shape("reasoning-alone", "all tokens were spent on reasoning", {
    "choices.0.message.reasoning_content": REASONED, CONTENT: None, FINISH: "length"})
shape("reasoning-alone-stop", "reasoning, an empty text, and finish_reason stop", {
    "choices.0.message.reasoning": REASONED, CONTENT: ""})
shape("reasoning-odd", "reasoning that is a number", {
    "choices.0.message.reasoning": 7, "choices.0.message.reasoning_content": ["x"],
    CONTENT: "reply"})
shape("think", "a block of thoughts before the text", {
    CONTENT: "<think>\n%s\n</think>\n\nreply" % REASONED})
shape("think-empty", "an empty block of thoughts before the text", {
    CONTENT: "<think>\n\n</think>\n\nreply"})
shape("think-open", "thoughts that never end, and finish_reason length", {
    CONTENT: "<think>\n" + REASONED, FINISH: "length"})
shape("think-open-stop", "thoughts that never end, and finish_reason stop", {
    CONTENT: "<think>\n" + REASONED})
shape("think-inside", "a block of thoughts in the middle of a text", {
    CONTENT: "reply <think>x</think> more"})

# finish_reason

for _reason in ("length", "content_filter", "tool_calls", "function_call", "eos", "model_length",
                "error", "insufficient_system_resource", "abort", "repetition"):
    shape("finish-" + _reason.replace("_", "-"), "a text, and finish_reason " + _reason, {
        FINISH: _reason})
shape("finish-unknown", "a finish_reason that nobody knows", {FINISH: "full_moon"})
shape("finish-missing", "no finish_reason", {FINISH: GONE})
shape("finish-null", "finish_reason: null", {FINISH: None})
shape("finish-number", "finish_reason: 7", {FINISH: 7})
shape("finish-empty", 'finish_reason: ""', {FINISH: ""})
shape("finish-long", "a finish_reason of 100 KB", {FINISH: "x" * 100000})
shape("filter-null", "content: null, and finish_reason content_filter", {
    CONTENT: None, FINISH: "content_filter"})

# usage

PROMPT, COMPLETION = "usage.prompt_tokens", "usage.completion_tokens"
shape("usage-missing", "no usage", {"usage": GONE})
shape("usage-null", "usage: null", {"usage": None})
shape("usage-list", "usage: []", {"usage": []})
shape("usage-string", "usage that is a string", {"usage": "9"})
shape("usage-empty", "usage: {}", {"usage": {}})
shape("usage-negative", "counts of -1", {PROMPT: -1, COMPLETION: -1})
shape("usage-float", "counts with a fraction", {PROMPT: 9.0, COMPLETION: 12.5})
shape("usage-huge-float", "counts of 1e300", {PROMPT: 1e300, COMPLETION: 1e300})
shape("usage-strings", "counts that are strings", {PROMPT: "9", COMPLETION: "12"})
shape("usage-2-53", "counts of 2^53 + 1", {PROMPT: (1 << 53) + 1, COMPLETION: (1 << 53) + 1})
shape("usage-2-63", "counts of 2^63 - 1", {PROMPT: (1 << 63) - 1, COMPLETION: (1 << 63) - 1})
shape("usage-2-70", "counts of 2^70", {PROMPT: 1 << 70, COMPLETION: 1 << 70})
shape("usage-disagrees", "a total that is not the sum", {"usage.total_tokens": 3})
shape("usage-cached-more", "more cached tokens than the prompt has", {
    "usage.prompt_tokens_details.cached_tokens": 1000})
shape("usage-details-null", "details: null", {
    "usage.prompt_tokens_details": None, "usage.completion_tokens_details": None})
shape("usage-details-odd", "details of the wrong types", {
    "usage.prompt_tokens_details": [4], "usage.completion_tokens_details": "5"})
shape("usage-deepseek", "prompt_cache_hit_tokens", {
    "usage.prompt_tokens_details": GONE, "usage.prompt_cache_hit_tokens": 4,
    "usage.prompt_cache_miss_tokens": 5})
shape("usage-llamacpp", "timings.cache_n", {
    "usage.prompt_tokens_details": GONE, "usage.completion_tokens_details": GONE,
    "timings": {"cache_n": 4, "prompt_n": 5, "predicted_n": 12}})
shape("usage-openrouter", "a cost beside the counts", {"usage.cost": 0.00014})

# error with status 200

shape("200-error", "an error beside the choices", {
    "error": {"message": "Provider returned error", "code": 502}})
shape("200-error-alone", "an error and nothing else", {
    "choices": GONE, "usage": GONE, "error": {"message": "Internal error", "code": 500}})
shape("200-error-429", "an error with code 429", {
    "choices": GONE, "error": {"message": "Rate limited upstream", "code": 429}})
shape("200-error-401", "an error with code 401", {
    "choices": GONE, "error": {"message": "No auth credentials found", "code": 401}})
shape("200-error-402", "an error with code 402", {
    "choices": GONE, "error": {"message": "Insufficient credits", "code": 402}})
shape("200-error-context", "an error with code context_length_exceeded", {
    "choices": GONE, "error": {"message": "too long", "code": "context_length_exceeded"}})
shape("200-error-string", "an error that is a string", {"choices": GONE, "error": "out of luck"})
shape("200-error-null", "error: null beside a good answer", {"error": None})
shape("200-error-choice", "an error inside the choice", {
    FINISH: "error", "choices.0.error": {"message": "Provider died", "code": 502}})
shape("200-error-choice-null", "error: null inside a good choice", {"choices.0.error": None})
shape("200-flat-error", "the flat error object of an older server", {
    "choices": GONE, "object": "error", "message": "no", "type": "InternalError",
    "code": 500})

# what does not matter

shape("model-changed", "another model than was asked for", {"model": "other-model"})
shape("model-odd", "a model that is an object", {"model": {}})
shape("no-id", "no id", {"id": GONE})
shape("object-odd", "object: 7", {"object": 7})
shape("created-float", "a time with a fraction", {"created": 1760000000.5})
shape("bare", "choices with a message with content, and nothing else", {
    "choices": lambda texts: [{"message": {"content": texts[0]}}],
    **{key: GONE for key in ("id", "object", "created", "model", "usage", "system_fingerprint")}})
