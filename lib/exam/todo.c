/* SPDX-License-Identifier: MIT */
/* What is not there yet, weakly; goes when the room is complete. */
#include "opro/opro.h"
#pragma GCC diagnostic ignored "-Wunused-parameter"
__attribute__((weak)) opro_status opro_examiner_new(opro_examiner **out, opro_dataset *dataset,
                                                    opro_metric *metric, opro_model *model,
                                                    const opro_config *config,
                                                    const opro_allocator *mem) {
    return OPRO_ERR_UNSUPPORTED;
}
__attribute__((weak)) void opro_examiner_free(opro_examiner *examiner) {
}
__attribute__((weak)) const opro_error *opro_examiner_error(const opro_examiner *examiner) {
    return 0;
}
__attribute__((weak)) opro_status opro_examiner_set_template(opro_examiner *examiner, int32_t role,
                                                             const char *text, size_t len) {
    return OPRO_ERR_UNSUPPORTED;
}
__attribute__((weak)) opro_status opro_examiner_add_shot(opro_examiner *examiner,
                                                         const char *question, size_t question_len,
                                                         const char *answer, size_t answer_len) {
    return OPRO_ERR_UNSUPPORTED;
}
__attribute__((weak)) opro_status
opro_examiner_set_judge(opro_examiner *examiner, opro_model *judge, const char *text, size_t len) {
    return OPRO_ERR_UNSUPPORTED;
}
__attribute__((weak)) opro_status
opro_examiner_build(opro_examiner *examiner, const char *instruction, size_t len, int64_t example) {
    return OPRO_ERR_UNSUPPORTED;
}
__attribute__((weak)) size_t opro_examiner_messages(const opro_examiner *examiner) {
    return 0;
}
__attribute__((weak)) int32_t opro_examiner_message_role(const opro_examiner *examiner,
                                                         size_t index) {
    return 0;
}
__attribute__((weak)) const char *opro_examiner_message_text(const opro_examiner *examiner,
                                                             size_t index, size_t *len) {
    return 0;
}
__attribute__((weak)) opro_status opro_exam_new(opro_exam **out, opro_examiner *examiner,
                                                const char *instruction, size_t len,
                                                const int64_t *examples, size_t n) {
    return OPRO_ERR_UNSUPPORTED;
}
__attribute__((weak)) void opro_exam_free(opro_exam *exam) {
}
__attribute__((weak)) opro_status opro_exam_begin(opro_exam *exam, opro_exam_fn fn, void *user_data,
                                                  opro_destroy_fn destroy) {
    return OPRO_ERR_UNSUPPORTED;
}
__attribute__((weak)) int32_t opro_exam_done(const opro_exam *exam) {
    return 0;
}
__attribute__((weak)) size_t opro_exam_count(const opro_exam *exam) {
    return 0;
}
__attribute__((weak)) size_t opro_exam_known(const opro_exam *exam) {
    return 0;
}
__attribute__((weak)) int64_t opro_exam_example(const opro_exam *exam, size_t index) {
    return 0;
}
__attribute__((weak)) double opro_exam_score(const opro_exam *exam, size_t index) {
    return 0;
}
__attribute__((weak)) const char *opro_exam_reply(const opro_exam *exam, size_t index,
                                                  size_t *len) {
    return 0;
}
__attribute__((weak)) const char *opro_exam_second_reply(const opro_exam *exam, size_t index,
                                                         size_t *len) {
    return 0;
}
__attribute__((weak)) const char *opro_exam_extracted(const opro_exam *exam, size_t index,
                                                      size_t *len) {
    return 0;
}
__attribute__((weak)) const char *opro_exam_rule(const opro_exam *exam, size_t index) {
    return 0;
}
__attribute__((weak)) const char *opro_exam_fault(const opro_exam *exam, size_t index,
                                                  size_t *len) {
    return 0;
}
__attribute__((weak)) double opro_exam_mean(const opro_exam *exam) {
    return 0;
}
__attribute__((weak)) opro_status opro_exam_interval(const opro_exam *exam, double *low,
                                                     double *high) {
    return OPRO_ERR_UNSUPPORTED;
}
__attribute__((weak)) int64_t opro_exam_figure(const opro_exam *exam, int32_t figure) {
    return 0;
}
__attribute__((weak)) opro_status opro_examiner_set_observer(opro_examiner *examiner,
                                                             opro_examiner_fn fn, void *user_data,
                                                             opro_destroy_fn destroy) {
    return OPRO_ERR_UNSUPPORTED;
}
__attribute__((weak)) opro_status opro_scorer_new_exam(opro_scorer **out, opro_examiner *examiner,
                                                       const opro_allocator *mem) {
    return OPRO_ERR_UNSUPPORTED;
}
__attribute__((weak)) opro_status
opro_examiner_estimate(opro_examiner *examiner, opro_problem *problem, const opro_model *optimizer,
                       const opro_config *config, int32_t figure, int64_t *low, int64_t *likely,
                       int64_t *high) {
    return OPRO_ERR_UNSUPPORTED;
}
