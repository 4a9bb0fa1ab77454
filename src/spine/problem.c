/* problem.c - faults as RFC 9457 problem documents.
 *
 * One table says what each kind is on the wire. Only the public part of a fault
 * is written; detail, cause and place are for the log. */
#include "spine/pipeline.h"

static const struct {
	int status;
	const char *title;
} kinds[FAULT_KINDS] = {
	[FAULT_INTERNAL] = { 500, "Internal error" },
	[FAULT_MALFORMED] = { 400, "Malformed request" },
	[FAULT_UNAUTHENTICATED] = { 401, "Not signed in" },
	[FAULT_FORBIDDEN] = { 403, "Not allowed" },
	[FAULT_NOT_FOUND] = { 404, "Not found" },
	[FAULT_METHOD] = { 405, "Method not allowed" },
	[FAULT_CONFLICT] = { 409, "Conflict" },
	[FAULT_GONE] = { 410, "Gone" },
	[FAULT_LENGTH_REQUIRED] = { 411, "Length required" },
	[FAULT_PRECONDITION] = { 412, "Precondition failed" },
	[FAULT_TOO_LARGE] = { 413, "Too large" },
	[FAULT_MEDIA_TYPE] = { 415, "Unsupported media type" },
	[FAULT_RANGE] = { 416, "Range not satisfiable" },
	[FAULT_INVALID] = { 422, "Invalid input" },
	[FAULT_LIMITED] = { 429, "Too many requests" },
	[FAULT_HEADERS_TOO_LARGE] = { 431, "Header fields too large" },
	[FAULT_UNAVAILABLE] = { 503, "Temporarily unavailable" },
};

int problem_status(enum fault_kind kind)
{
	return kind < FAULT_KINDS ? kinds[kind].status : 500;
}

const char *problem_title(enum fault_kind kind)
{
	return kinds[kind < FAULT_KINDS ? kind : FAULT_INTERNAL].title;
}

static void put_fields(struct json_out *w, const struct fault_field *field)
{
	json_key(w, "errors");
	json_open(w, '[');
	for (; field; field = field->next) {
		json_open(w, '{');
		json_key(w, "field");
		json_put_str(w, str_of(field->field));
		json_key(w, "code");
		json_put_str(w, str_of(field->code));
		json_key(w, "message");
		json_put_str(w, str_of(field->message));
		json_close(w, '}');
	}
	json_close(w, ']');
}

void problem_write(struct buf *out, const struct fault *f, struct str request_id)
{
	problem_write_as(out, f, request_id, problem_status(f->kind));
}

void problem_write_as(struct buf *out, const struct fault *f, struct str request_id, int status)
{
	struct json_out w;

	json_out_init(&w, out);
	json_open(&w, '{');
	json_key(&w, "type");
	buf_printf(out, "\"/docs#problem-%s\"", f->code);
	w.comma = true;
	json_key(&w, "title");
	json_put_str(&w, str_of(problem_title(f->kind)));
	json_key(&w, "status");
	json_put_int(&w, status);
	json_key(&w, "code");
	json_put_str(&w, str_of(f->code));
	json_key(&w, "detail");
	json_put_str(&w, str_of(f->text));
	json_key(&w, "request_id");
	json_put_str(&w, request_id);
	if (f->fields)
		put_fields(&w, f->fields);
	json_close(&w, '}');
}
