/* SPDX-License-Identifier: MIT */
/* The version of the headers. */
#ifndef OPRO_VERSION_H
#define OPRO_VERSION_H

/*
 * The version these headers belong to. Compare with opro_version_num() for the library that is
 * loaded.
 */
#define OPRO_VERSION_MAJOR 0
#define OPRO_VERSION_MINOR 1
#define OPRO_VERSION_PATCH 0

/* major * 1000000 + minor * 1000 + patch */
#define OPRO_VERSION_NUM 1000

#endif
