/* SPDX-License-Identifier: MIT */
/* The same functions where the system has no regular expressions: no metric ever has one. */
#include "metric.h"

void opro__metric_free_regex(opro_metric *metric) {
    (void)metric;
}

opro_status opro__metric_compile(opro_metric *metric, const char *pattern, opro__regex **regex) {
    (void)pattern;
    (void)regex;
    return opro__fail(&metric->err, OPRO_ERR_UNSUPPORTED,
                      "this system has no regular expressions: use another metric");
}

opro_status opro__metric_regex(opro_metric *metric, const opro__matter *matter) {
    (void)matter;
    return opro__metric_compile(metric, NULL, NULL);
}
