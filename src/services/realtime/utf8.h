/* utf8.h - UTF-8 checked piece by piece, as it comes over the wire.
 *
 * base/str.h checks whole texts; a WebSocket message comes in frames and reads
 * that may cut a character anywhere, and must be refused at its first broken
 * byte. The state is one small number. Source: RFC 3629 section 4. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define UTF8_START 0U /* between two characters: a text may end here */
#define UTF8_BROKEN 1U

/* Walks n bytes from state; returns the new state. BROKEN stays broken. */
uint32_t utf8_walk(uint32_t state, const char *p, size_t n);
