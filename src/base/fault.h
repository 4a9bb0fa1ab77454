/* fault.h - what went wrong, as an object with a cause chain.
 *
 * A function that can fail returns struct fault * (NULL is fine). A fault has
 * a kind (which edge code maps to an HTTP status or an exit code), a stable
 * code for programs, a public text for people, a private detail for the log
 * and the place it was made. It is allocated on the context of the work at
 * hand (request, job) and dies with it. Libraries return faults and never
 * log; the edge logs once.
 *
 * TRY is the one macro in this code base that may return. */
#pragma once

#include "base/str.h"

enum fault_kind {
	FAULT_INTERNAL,		 /* ours: the public text is always the same */
	FAULT_MALFORMED,	 /* 400: cannot be read */
	FAULT_UNAUTHENTICATED,	 /* 401 */
	FAULT_FORBIDDEN,	 /* 403 */
	FAULT_NOT_FOUND,	 /* 404: not there or not yours */
	FAULT_METHOD,		 /* 405 */
	FAULT_CONFLICT,		 /* 409 */
	FAULT_GONE,		 /* 410 */
	FAULT_LENGTH_REQUIRED,	 /* 411 */
	FAULT_PRECONDITION,	 /* 412: stale If-Match */
	FAULT_TOO_LARGE,	 /* 413 */
	FAULT_MEDIA_TYPE,	 /* 415 */
	FAULT_RANGE,		 /* 416 */
	FAULT_INVALID,		 /* 422: readable, breaks a rule; see fields */
	FAULT_LIMITED,		 /* 429: retry_after_s is set */
	FAULT_HEADERS_TOO_LARGE, /* 431 */
	FAULT_UNAVAILABLE,	 /* 503: retry_after_s is set */
	FAULT_KINDS
};

/* One wrong field of the input (RFC 9457 extension member "errors"). */
struct fault_field {
	const char *field; /* JSON pointer in the body, or the query parameter's name */
	const char *code;  /* stable, snake_case */
	const char *message;
	struct fault_field *next;
};

struct fault {
	enum fault_kind kind;
	const char *code;	    /* stable, snake_case; a literal */
	const char *text;	    /* public */
	const char *detail;	    /* private, NULL when there is none */
	struct fault_field *fields; /* in the order they were added */
	struct fault *cause;
	int retry_after_s;
	const char *allow; /* FAULT_METHOD: value of the Allow header */
	const char *file;
	int line;
};

/* A fault with a public text: FAULT(ctx, FAULT_CONFLICT, "code", "text %d", n) */
#define FAULT(ctx, kind, code, ...) fault_new(ctx, kind, code, __FILE__, __LINE__, __VA_ARGS__)
/* An internal fault; the text is for the log only. */
#define FAULT_BUG(ctx, ...) fault_new_internal(ctx, __FILE__, __LINE__, __VA_ARGS__)

#define TRY(expr)                                                                                  \
	do {                                                                                       \
		struct fault *try_ = (expr);                                                       \
		if (__builtin_expect(!!try_, 0))                                                   \
			return try_;                                                               \
	} while (0)

struct fault *fault_new(const void *ctx, enum fault_kind kind, const char *code, const char *file,
			int line, const char *format, ...) __attribute__((format(printf, 6, 7)));
struct fault *fault_new_internal(const void *ctx, const char *file, int line, const char *format,
				 ...) __attribute__((format(printf, 4, 5)));
/* Adds a wrong field; texts are copied. Returns f. */
struct fault *fault_field(struct fault *f, const char *field, const char *code, const char *format,
			  ...) __attribute__((format(printf, 4, 5)));
/* Sets the private detail (copied). Returns f. */
struct fault *fault_detail(struct fault *f, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* A FAULT_INVALID with one field; the common refusal of a handler. */
struct fault *fault_invalid(const void *ctx, const char *field, const char *code,
			    const char *format, ...) __attribute__((format(printf, 4, 5)));
/* One line for the log: code, place, detail, then the causes. Owned by ctx. */
char *fault_describe(const void *ctx, const struct fault *f);
