/* SPDX-License-Identifier: MIT */
/* What is played: files of each kind, and replies with what becomes of them. */
#ifndef TESTS_PARITY_SCRIPT_H
#define TESTS_PARITY_SCRIPT_H

#include "opro/opro.h"
#include "parity_facts.h"

#define START "Let's solve the problem."
#define N(a)  (sizeof(a) / sizeof *(a))

/* sorted(numpy.random.choice(n, 3, replace=False)) after numpy.random.seed(step) */
static const size_t of_4[][3] = {{1, 2, 3}};
static const size_t of_8[][3] = {{1, 2, 6}, {1, 2, 7}, {1, 4, 6}, {4, 5, 7}, {3, 4, 7}};

/* ---- a file of each kind --------------------------------------------------------------------- */

typedef struct kind {
    const char *name, *file;
    int32_t layout, task;
    question questions[4];
} kind;

#define BBH(list)           "{\"canary\": \"x\", \"examples\": [" list "]}"
#define ITEM(input, target) "{\"input\": \"" input "\", \"target\": \"" target "\"}"
#define WHICH(a, b)         "Which of {these} is \\\"it\\\"?\\nOptions:\\n(A) " a "\\n(B) " b
#define IS(a, b)            "Which of {these} is \"it\"?\nOptions:\n(A) " a "\n(B) " b
#define AQUA(q, a, b, c, d, e, right)                                                              \
    "{\"question\": \"" q "\", \"options\": [\"A)" a "\", \"B)" b "\", \"C)" c "\", \"D)" d        \
    "\", \"E)" e "\"], \"rationale\": \"because\", \"correct\": \"" right "\"}\n"
#define LETTERS(q, a, b, c, d, e)                                                                  \
    q "\n(A)" a "\n(B)" b "\n(C)" c "\n(D)" d "\n(E)" e                                            \
      "\nWhat's the answer in (A) (B) (C) (D) (E)?"

#define FOUR(q, a, b, c, d)                                                                        \
    q "\n(A) " a "\n(B) " b "\n(C) " c "\n(D) " d "\nWhat's the answer in (A) (B) (C) (D)?"

/* The layouts of GSM8K, BBH (three times), AQuA and MMLU. */
static const kind kinds[] = {
    {"number",
     "Tom has 3 apples, and gets 4 more. How many has he?\t7\tb'3+4=<<3+4=7>>7\\n#### 7'\n"
     "A \"half\" of 2,400 is sold for $1 each. What is it worth?\t1200\tb'#### 1200'\n"
     "It costs 5% of {200}. How much is it? \t10\tb'#### 10'\n"
     "How many caf\xc3\xa9s are 2 and 2?\t4\tb'#### 4'\n",
     OPRO_LAYOUT_GSM8K,
     OPRO_TASK_NUMBER,
     {{"Tom has 3 apples, and gets 4 more. How many has he?", "7"},
      {"A \"half\" of 2,400 is sold for $1 each. What is it worth?", "1200"},
      {"It costs 5% of {200}. How much is it? ", "10"},
      {"How many caf\xc3\xa9s are 2 and 2?", "4"}}},
    {"bool",
     BBH(ITEM("Are you back? Turn left.\\nOptions:\\n- Yes\\n- No", "Yes") "," ITEM(
         "Are you back? Take 1 step.\\nOptions:\\n- Yes\\n- No",
         "No") "," ITEM("Are you back? Take 2 steps.\\nOptions:\\n- Yes\\n- No",
                        "No") "," ITEM("Are you back? Stay.\\nOptions:\\n- Yes\\n- No", "Yes")),
     OPRO_LAYOUT_BBH,
     OPRO_TASK_BOOL,
     {{"Are you back? Turn left.\nOptions:\n- Yes\n- No", "Yes"},
      {"Are you back? Take 1 step.\nOptions:\n- Yes\n- No", "No"},
      {"Are you back? Take 2 steps.\nOptions:\n- Yes\n- No", "No"},
      {"Are you back? Stay.\nOptions:\n- Yes\n- No", "Yes"}}},
    {"choice",
     BBH(ITEM(WHICH("Rome", "Paris"), "(A)") "," ITEM(WHICH("a cat", "no dog"), "(B)") "," ITEM(
         WHICH("May 1", "June 2"), "(B)") "," ITEM(WHICH("\\u00e9t\\u00e9", "hiver"), "(A)")),
     OPRO_LAYOUT_BBH,
     OPRO_TASK_CHOICE,
     {{IS("Rome", "Paris"), "(A)"},
      {IS("a cat", "no dog"), "(B)"},
      {IS("May 1", "June 2"), "(B)"},
      {IS("\xc3\xa9t\xc3\xa9", "hiver"), "(A)"}}},
    {"text",
     BBH(ITEM("Sort these words: List: pear apple", "apple pear") "," ITEM(
         "Sort these words: List: two one",
         "one two") "," ITEM("Sort these words: List: cd ab ef",
                             "ab cd ef") "," ITEM("Sort these words: List: sun moon", "moon sun")),
     OPRO_LAYOUT_BBH,
     OPRO_TASK_TEXT,
     {{"Sort these words: List: pear apple", "apple pear"},
      {"Sort these words: List: two one", "one two"},
      {"Sort these words: List: cd ab ef", "ab cd ef"},
      {"Sort these words: List: sun moon", "moon sun"}}},
    {"options apart",
     AQUA("How fast is it?", "5 km/h", "6 km/h", "7 km/h", "8 km/h", "None of these", "B")
         AQUA("What is left?", "21", "21.5", "22", "22.5", "23", "E")
             AQUA("How many?", "5(\\u221a3 + 1)", "6", "7", "8", "9", "A")
                 AQUA("What does it cost?", "$1", "$2", "$3", "$4", "$5", "C"),
     OPRO_LAYOUT_AQUA,
     OPRO_TASK_CHOICE,
     {{LETTERS("How fast is it?", "5 km/h", "6 km/h", "7 km/h", "8 km/h", "None of these"), "B"},
      {LETTERS("What is left?", "21", "21.5", "22", "22.5", "23"), "E"},
      {LETTERS("How many?",
               "5(\xe2\x88\x9a"
               "3 + 1)",
               "6", "7", "8", "9"),
       "A"},
      {LETTERS("What does it cost?", "$1", "$2", "$3", "$4", "$5"), "C"}}},
    {"columns",
     "Which is first?,alpha,beta,gamma,delta,A\r\n"
     "\"Which, of \"\"these\"\", is last?\",one,two,three,four,D\r\n"
     "Which is red?,\"a rose, mostly\",grass,sky,snow,A\r\n"
     "Which is cold?,fire,sand,ice,tea,C\r\n",
     OPRO_LAYOUT_CSV,
     OPRO_TASK_CHOICE,
     {{FOUR("Which is first?", "alpha", "beta", "gamma", "delta"), "A"},
      {FOUR("Which, of \"these\", is last?", "one", "two", "three", "four"), "D"},
      {FOUR("Which is red?", "a rose, mostly", "grass", "sky", "snow"), "A"},
      {FOUR("Which is cold?", "fire", "sand", "ice", "tea"), "C"}}},
};

/* ---- a short run ----------------------------------------------------------------------------- */

/* The empty one from the start: its line, or the blank in front of it, is not there. */
static const candidate few[] = {
    {"", -1, 1}, {START, -1, 2}, {"Think {first}.", 0, 3}, {"Breathe\ndeeply.", 0, 4}};
static const char *const few_replies[METAS][2] = {
    {"<INS>think {first}.</INS>", "Sure. <INS>\n**Breathe**\ndeeply. </INS> I hope that helps."},
    {"[think {first}.] is what I [say].", "Sure:\n[ **Breathe**\ndeeply.]"},
    {"think {first}.</TEXT>\n\nPrecision: 99 <TEXT>Other words</TEXT>",
     "\n**Breathe**\ndeeply. </TEXT>"}};

/* The kind chat with position a_begin has another tag. */
static const char *const begun_replies[] = {
    "<Start>think {first}.</Start>", "<Start>\n**Breathe**\ndeeply. </Start> It <INS>helps</INS>."};

/* ---- a long run ------------------------------------------------------------------------------ */

static const question sums[] = {{"1 and 1?", "2"},  {"2 and 2?", "4"},  {"3 and 3?", "6"},
                                {"4 and 4?", "8"},  {"5 and 5?", "10"}, {"6 and 6?", "12"},
                                {"7 and 7?", "14"}, {"8 and 8?", "16"}};

#define SUMS                                                                                       \
    "1 and 1?\t2\n2 and 2?\t4\n3 and 3?\t6\n4 and 4?\t8\n"                                         \
    "5 and 5?\t10\n6 and 6?\t12\n7 and 7?\t14\n8 and 8?\t16\n"

#define TEN(x) x x x x x x x x x x
#define LONG   TEN(TEN("~ abc")) /* 500 letters */

/*
 * Scores of eighths: 12.5, 37.5, 62.5 and 87.5 buckets, which become 12, 38, 62 and 88; many equal
 * ones; and more than 20, of which the kind chat shows none under 0.3. Two differ by one capital
 * alone. The last step has repetitions: theirs keeps the quotes of one of them, and scores the
 * first instruction of all once more.
 */
#define LATER                                                                                      \
    {"One a", 1, 0}, {"One b", 1, 8}, {"One c", 1, 3}, {"One d", 1, 3}, {"One e", 1, 1},           \
        {"One f", 1, 2}, {"One g", 1, 7}, {"One h", 1, 6}, {"Two a", 2, 5}, {"Two b", 2, 5},       \
        {"Two c", 2, 3}, {"Two d", 2, 4}, {"Two e", 2, 0}, {"Two f", 2, 8}, {"Two g", 2, 3},       \
        {"Two h", 2, 6}, {"Three a", 3, 2}, {"Three b", 3, 2}, {"Three c", 3, 2},                  \
        {"Three d", 3, 3}, {"Three e", 3, 7}, {"Three f", 3, 1}, {"Three g", 3, 0},                \
        {"Two A", 3, 5}, {                                                                         \
        "Four a", 4, 1                                                                             \
    }
#define LATER_REPLIES(from, to)                                                                    \
    from "one a" to, from "one b" to, from "one c" to, from "one d" to, from "one e" to,           \
        from "one f" to, from "one g" to, from "one h" to, from "two a" to, from "two b" to,       \
        from "two c" to, from "two d" to, from "two e" to, from "two f" to, from "two g" to,       \
        from "two h" to, from "three a" to, from "three b" to, from "three c" to,                  \
        from "three d" to, from "three e" to, from "three f" to, from "three g" to,                \
        from "two A" to, from "four a" to, from "one a" to, from "two a" to, from "One b" to,      \
        from "One c" to, from "One d" to, from "\"one e\"" to, from "let's solve the problem." to

/*
 * The first step shows what becomes of replies: the published program's filters, and its tidying.
 * In all kinds the second is a repetition, the fourth has a digit, the fifth the placeholder, and
 * the sixth 501 letters; the seventh has 500.
 *
 * Ours takes no candidate from a chat model's reply without tags; theirs takes all of it.
 */
static const candidate chat_all[] = {
    {START, -1, 4}, {"Think first.", 0, 3}, {LONG, 0, 5}, {" a", 0, 1}, LATER};
static const char *const chat_replies[] = {
    "<INS>think first.</INS>",
    "<INS> **Think** first.</INS>",
    "Think it over.",
    "<INS>Take 2 steps.</INS>",
    "<INS>Follow the INSTRUCTIONS.</INS>",
    "<INS>" LONG "!</INS> x",
    "<INS>" LONG "</INS>",
    "<INS>** a</INS>",
    LATER_REPLIES("<INS>", "</INS>"),
};

/*
 * Ours takes no candidate from a reply without brackets, and all lines between brackets; for both
 * theirs takes the empty text, and scores it once.
 */
static const candidate square_all[] = {
    {START, -1, 4}, {"Think first.", 0, 3}, {LONG, 0, 5}, {"A\nb", 0, 1}, LATER};
static const char *const square_replies[] = {
    "[think first.]",
    "I say [ **Think** first. ], or [this].",
    "Think it over.",
    "[Take 2 steps.]",
    "[INS goes here]",
    "[" LONG "!]",
    "[" LONG "]",
    "[a\nb]",
    LATER_REPLIES("text: [", "] score: 5"),
};

/*
 * The answer was begun with <TEXT>. Ours takes a reply that never closes it; theirs wants both
 * tags, and drops it.
 */
static const candidate pretrained_all[] = {
    {START, -1, 4}, {"Think first.", 0, 3}, {"Think it over.", 0, 5},
    {LONG, 0, 5},   {" a", 0, 1},           LATER};
static const char *const pretrained_replies[] = {
    "think first.</TEXT>",
    " **Think** first. </TEXT> <TEXT>this</TEXT>",
    "Think it over.",
    "Take 2 steps.</TEXT>",
    "INS</TEXT>",
    LONG "!</TEXT>",
    LONG "</TEXT>",
    "<TEXT>** a</TEXT> <TEXT>b</TEXT>",
    LATER_REPLIES("", "</TEXT>"),
};

#endif
