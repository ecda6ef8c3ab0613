# SPDX-License-Identifier: MIT
"""Meta-prompts."""

import pytest

import opro


@pytest.fixture
def trajectory():
    trajectory = opro.Trajectory()
    for text, score in (("a", 0.25), ("b", 0.75), ("c", 0.5)):
        trajectory.add(text, score)
    return trajectory


def test_templates_and_functions(texts, trajectory):
    prompt = opro.MetaPrompt(
        texts,
        blocks={
            "intro": "Goal: {description}\n",
            "entry": lambda seen, number: f"<{seen[number].text}={seen[number].score}>",
        },
        sort=lambda seen, numbers: [n for n in numbers if seen[n].text != "c"],
        tokens=len,
    )
    (message,) = prompt.build(trajectory)
    assert message.role == "user"
    assert message.text.startswith("Goal: write a number\n")
    assert message.text.index("<b=0.75>") < message.text.index("<a=0.25>")
    assert "<c" not in message.text
    assert prompt.tokens == len(message.text)
    assert prompt.template("intro") == "Goal: {description}\n"
    assert prompt.build(trajectory, 5) == prompt.build(trajectory, 5)


def test_a_run_uses_it(texts):
    run = opro.Run(texts, meta_prompt=opro.MetaPrompt(texts, blocks={"request": "Go on."}))
    for request in list(run):
        run.tell(request, 0.5)
    assert run.ask().text.endswith("Go on.")
    driver = opro.Driver(
        texts,
        meta_prompt=opro.MetaPrompt(texts, blocks={"request": "Go on."}),
        optimizer=lambda request: [request.text[-6:]] * request.samples,
        scorer=lambda request: 0.5,
        steps=1,
    )
    driver.run()


def test_mistakes(texts, trajectory):
    with pytest.raises(opro.ParseError, match="nonsense"):
        opro.MetaPrompt(texts, blocks={"intro": "{nonsense}"})
    with pytest.raises(opro.InvalidError, match="layout, intro"):
        opro.MetaPrompt(texts, blocks={"head": ""})
    prompt = opro.MetaPrompt(texts, sort=lambda seen, numbers: [99])
    with pytest.raises(opro.InvalidError, match="choose among"):
        prompt.build(trajectory)
    with pytest.raises(ZeroDivisionError):
        opro.MetaPrompt(texts, tokens=lambda text: 1 // 0).build(trajectory)
    small = opro.MetaPrompt(texts, max_prompt_bytes=20)
    with pytest.raises(opro.LimitError):
        small.build(trajectory)


def test_the_estimate_counts_high():
    assert opro.estimate_tokens("word " * 40) >= 50
