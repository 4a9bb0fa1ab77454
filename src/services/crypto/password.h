/* password.h - what a password must be before it is hashed.
 *
 * Source: spec/platform.md section 1: 12 to 256 code points of any Unicode with
 * an upper-case letter, a lower-case letter, a digit and a sign; none of the
 * most common ones, also not dressed up ("P@ssw0rd2024!"), and not made of the
 * person's own name, address or organisation (ASVS 6.2.11). */
#pragma once

#include "base/fault.h"

/* NULL if the password will do; else FAULT_INVALID with every broken rule at
 * `field` ("/password"). context: words it must not consist of (may be absent
 * strs), context_n of them. */
struct fault *password_check(const void *ctx, const char *field, struct str password,
			     const struct str *context, size_t context_n);
