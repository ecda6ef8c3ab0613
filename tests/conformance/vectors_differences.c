/* SPDX-License-Identifier: MIT */
/*
 * Where the library is not as the published program, on purpose. No option brings the published
 * behaviour back; what a candidate is cut out by, a parse callback can say.
 */
#include <string.h>

#include "vectors.h"

#define EMPTY                                                                                      \
    "there is no candidate; the published program takes the empty text for one and scores it "     \
    "(here it can be an initial solution)"
#define UNTAGGED                                                                                   \
    "without a tag it may be anything, such as a refusal; the published program takes it whole, "  \
    "as a host's opro_problem_set_parse_fn() may"
#define OPENED   "the answer is what stands behind the last opening tag"
#define ONE_TAG  "one tag of the two is enough; the published program drops the reply"
#define STRIPPED "the same in the end: the published program strips blanks later, when it polishes"
#define UPPER                                                                                      \
    "only ASCII letters become upper case; the published program ends at a text that is not ASCII"
#define TOUR "a round trip is the same wherever it starts; the published program wants 0 first"

static const vector_difference differences[] = {
    {"bracket_reply", "no", "null", EMPTY},
    {"bracket_reply", "[]", "null", EMPTY},
    {"bracket_reply", "[x", "null", EMPTY},
    {"bracket_reply", "]x[", "null", EMPTY},
    {"bracket_reply", "[a\nb]", "\"a\\nb\"",
     "a candidate may have lines; the published program takes the empty text"},
    {"bracket_reply", "[a [b] c]", "\"a [b] c\"",
     "brackets belong together in pairs; the published program stops at the first that closes"},
    {"bracket_reply", "[ Let us go. ]", "\"Let us go.\"", STRIPPED},

    {"ins_reply", "", "null", EMPTY},
    {"ins_reply", "<INS></INS>", "null", EMPTY},
    {"ins_reply", "go", "null", UNTAGGED},
    {"ins_reply", "</INS>x<INS>y", "\"y\"", OPENED},
    {"ins_reply", "<INS> a <INS> b </INS> c </INS>", "\"b\"", OPENED},

    {"linreg_reply", "[1,\n2]", "[1.0, 2.0]", "a line end is a blank as others"},
    {"linreg_reply", "[nan, 2]", "null",
     "not a number is no number; the published program crashes when it shows the pair"},
    {"linreg_reply", "[[1, 2]]", "[1.0, 2.0]", "the innermost brackets count"},
    {"linreg_reply", "[w: 3, b: 4]", "[3.0, 4.0]", "a colon names a number as \"=\" does"},

    {"polish", "", "null", EMPTY},
    {"polish", "  ", "null", EMPTY},
    {"polish", "\xc3\xa9\x61", "\"\xc3\xa9\x61\"", UPPER},

    {"text_tag_reply", "<TEXT>a", "[\"a\"]", ONE_TAG},
    {"text_tag_reply", "a</TEXT>", "[\"a\"]", ONE_TAG},
    {"text_tag_reply", "<TEXT></TEXT>", "[]", EMPTY},
    {"text_tag_reply", "x <TEXT> a </TEXT> y", "[\"a\"]", STRIPPED},

    {"tsp_reply", "<trace>1,0,2,3,4</trace>", "{\"tour\": [0, 1, 4, 3, 2], \"len\": 65}", TOUR},
    {"tsp_reply", "<trace>0,1,2,4,3,0</trace>", "{\"tour\": [0, 1, 2, 4, 3], \"len\": 52}",
     "the way back to the first place may be written out"},
    {"tsp_reply", "<trace>0,1,2,3,-1</trace>", "null",
     "there is no place -1; the published program takes the last one for it"},
    {"tsp_reply", "<trace>0,1,2,x,4,3</trace>", "null",
     "a trace with words in it is rejected, with the reason; the published program skips them"},
    {"tsp_reply", "<trace>0 1 2 3 4</trace>", "{\"tour\": [0, 1, 2, 3, 4], \"len\": 61}",
     "blanks separate places, too"},
    {"tsp_reply", "<trace>0,1,2,4,3", "{\"tour\": [0, 1, 2, 4, 3], \"len\": 52}", ONE_TAG},
    {"tsp_reply", "<trace>0,1,2,4,3</trace> <trace>0,2,1,4,3</trace>",
     "{\"tour\": [0, 2, 1, 4, 3], \"len\": 65}",
     "the last trace is the answer, as the last pair is in the published program, too"},
    {"tsp_reply", "<Trace>0,1,2,4,3</Trace>", "{\"tour\": [0, 1, 2, 4, 3], \"len\": 52}",
     "tags count in any case"},
};

const vector_difference *vector_difference_of(const char *function, const json_t *in) {
    const char *text = json_string_value(json_object_get(in, "reply"));

    if (!text) text = json_string_value(json_object_get(in, "text"));
    for (size_t i = 0; text && i < sizeof differences / sizeof *differences; i++)
        if (strcmp(differences[i].function, function) == 0 &&
            strcmp(differences[i].text, text) == 0)
            return &differences[i];
    return NULL;
}
