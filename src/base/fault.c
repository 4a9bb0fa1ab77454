/* fault.c - making and describing faults (see fault.h). */
#include "base/fault.h"

#include <stdarg.h>
#include <talloc.h>

static struct fault *fault_alloc(const void *ctx, enum fault_kind kind, const char *code,
				 const char *file, int line)
{
	struct fault *f = talloc_zero(ctx, struct fault);

	f->kind = kind;
	f->code = code;
	f->file = file;
	f->line = line;
	return f;
}

struct fault *fault_new(const void *ctx, enum fault_kind kind, const char *code, const char *file,
			int line, const char *format, ...)
{
	struct fault *f = fault_alloc(ctx, kind, code, file, line);
	va_list ap;

	va_start(ap, format);
	f->text = talloc_vasprintf(f, format, ap);
	va_end(ap);
	return f;
}

struct fault *fault_new_internal(const void *ctx, const char *file, int line, const char *format,
				 ...)
{
	struct fault *f = fault_alloc(ctx, FAULT_INTERNAL, "internal", file, line);
	va_list ap;

	va_start(ap, format);
	f->detail = talloc_vasprintf(f, format, ap);
	va_end(ap);
	f->text = "Something went wrong on our side. The request id helps us find it.";
	return f;
}

__attribute__((format(printf, 4, 0))) static struct fault *fault_vfield(
	struct fault *f, const char *field, const char *code, const char *format, va_list ap)
{
	struct fault_field *entry = talloc_zero(f, struct fault_field);
	struct fault_field **end = &f->fields;

	entry->field = talloc_strdup(entry, field);
	entry->code = talloc_strdup(entry, code);
	entry->message = talloc_vasprintf(entry, format, ap);
	while (*end)
		end = &(*end)->next;
	*end = entry;
	return f;
}

struct fault *fault_field(struct fault *f, const char *field, const char *code, const char *format,
			  ...)
{
	va_list ap;

	va_start(ap, format);
	fault_vfield(f, field, code, format, ap);
	va_end(ap);
	return f;
}

struct fault *fault_detail(struct fault *f, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	f->detail = talloc_vasprintf(f, format, ap);
	va_end(ap);
	return f;
}

struct fault *fault_invalid(const void *ctx, const char *field, const char *code,
			    const char *format, ...)
{
	struct fault *f = FAULT(ctx, FAULT_INVALID, "invalid", "Some fields are not valid.");
	va_list ap;

	va_start(ap, format);
	fault_vfield(f, field, code, format, ap);
	va_end(ap);
	return f;
}

char *fault_describe(const void *ctx, const struct fault *f)
{
	char *line = talloc_strdup(ctx, "");

	for (; f; f = f->cause) {
		line = talloc_asprintf_append(line, "%s%s at %s:%d: %s", *line ? " <- " : "",
					      f->code, f->file, f->line, f->text);
		if (f->detail)
			line = talloc_asprintf_append(line, " (%s)", f->detail);
	}
	return line;
}
