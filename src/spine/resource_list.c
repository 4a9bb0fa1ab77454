/* resource_list.c - lists of a resource: filters, search, order, keyset pages.
 *
 * A page asks for one row more than it shows; the last row shown gives the
 * cursor: [order, value of the order column, id]. */
#include "spine/resource_internal.h"

#include <stddef.h>

static struct field slot_field(enum list_place place, const char *name, enum field_type type)
{
	size_t at = (size_t)place * sizeof(struct list_slot);

	return (struct field){ .name = name,
			       .type = type,
			       .offset = (uint16_t)(at + offsetof(struct list_slot, value)),
			       .has_offset = (uint16_t)(at + offsetof(struct list_slot, has)),
			       .null_offset = FIELD_NONE };
}

/* Both directions of every listed column, the default first. */
static const char *const *sort_values(const void *ctx, const struct resource *r)
{
	const char **values;
	size_t n = 0;

	while (r->sorts[n])
		n++;
	values = talloc_zero_size(ctx, (2 * n + 1) * sizeof(*values));
	for (size_t i = 0; i < n; i++) {
		const char *given = r->sorts[i];
		values[2 * i] = given;
		values[2 * i + 1] =
			given[0] == '-' ? given + 1 : talloc_asprintf(ctx, "-%s", given);
	}
	return values;
}

static void add_paging(struct field *fields, size_t *n, const void *ctx, const struct resource *r)
{
	struct field limit = slot_field(LIST_LIMIT, "limit", FIELD_INT);
	struct field cursor = slot_field(LIST_CURSOR, "cursor", FIELD_TEXT);
	struct field count = slot_field(LIST_COUNT, "count", FIELD_BOOL);
	struct field sort = slot_field(LIST_SORT, "sort", FIELD_ENUM);

	limit.has_range = cursor.has_range = true;
	limit.min = 1;
	limit.max = 200;
	limit.default_text = "50";
	limit.doc = "How many items a page has";
	cursor.max = 2000;
	cursor.doc = "next_cursor of the page before";
	count.default_text = "false";
	count.doc = "Answer with the total too";
	sort.values = sort_values(ctx, r);
	sort.default_text = sort.values[0];
	sort.doc = "Order; a minus means descending";
	fields[(*n)++] = limit;
	fields[(*n)++] = cursor;
	fields[(*n)++] = count;
	fields[(*n)++] = sort;
}

void resource_list_shape(const void *ctx, struct ready_resource *ready)
{
	const struct resource *r = ready->r;
	struct field *fields = talloc_zero_size(ctx, LIST_SLOTS * sizeof(*fields));
	size_t n = 0;

	add_paging(fields, &n, ctx, r);
	if (r->search && r->search[0]) {
		struct field q = slot_field(LIST_Q, "q", FIELD_TEXT);
		q.has_range = true;
		q.max = 200;
		q.doc = "Words to look for";
		fields[n++] = q;
	}
	for (size_t i = 0; i < ready->filter_count; i++) {
		const struct field *f = ready->filter_fields[i];
		struct field filter =
			slot_field((enum list_place)(LIST_FILTERS + i), f->name, f->type);
		filter.values = f->values;
		filter.doc = "Only those with this value";
		fields[n++] = filter;
	}
	ready->list_shape = (struct shape){ .name = talloc_asprintf(ctx, "%s_list_query", r->noun),
					    .doc = "Which of them, and how many",
					    .fields = fields,
					    .field_count = n,
					    .struct_bytes = LIST_SLOTS * sizeof(struct list_slot) };
}

struct page {
	const char *order;
	uint64_t filters;
	struct db_param params[RESOURCE_FILTERS_MAX + 6];
	size_t n;
	bool has_q, has_cursor;
};

static const char *order_of(const struct ready_resource *ready, struct str sent)
{
	for (size_t i = 0; i < ready->list_shape.field_count; i++) {
		const struct field *f = &ready->list_shape.fields[i];
		if (strcmp(f->name, "sort") != 0)
			continue;
		for (const char *const *v = f->values; *v; v++)
			if (str_eq(str_of(*v), sent))
				return *v;
	}
	return ready->r->sorts[0];
}

static void take_filters(struct page *p, const struct ready_resource *ready,
			 const struct list_slot *slots)
{
	for (size_t i = 0; i < ready->filter_count; i++) {
		if (!slots[LIST_FILTERS + i].has)
			continue;
		struct field f = *ready->filter_fields[i];
		f.offset = offsetof(struct list_slot, value);
		f.has_offset = f.null_offset = FIELD_NONE;
		p->filters |= 1ULL << i;
		p->params[p->n++] = column_param(&f, (const char *)&slots[LIST_FILTERS + i]);
	}
	p->has_q = slots[LIST_Q].has && slots[LIST_Q].value.text.n > 0;
	if (p->has_q)
		p->params[p->n++] = (struct db_param){ .text = slots[LIST_Q].value.text };
}

static struct fault *take_cursor(struct request *rq, struct page *p, struct str cursor)
{
	const struct json_node *order, *value, *id;
	struct db_param last = { 0 };
	struct str values;
	struct json doc;

	TRY(cursor_open(rq, cursor, &values));
	TRY(json_parse(rq->mem, values, &json_default_limits, &doc));
	order = json_first(&doc, json_root(&doc));
	value = order ? json_next(&doc, json_root(&doc), order) : NULL;
	id = value ? json_next(&doc, json_root(&doc), value) : NULL;
	if (!id || !str_eq(json_string(rq->mem, &doc, order), str_of(p->order)) ||
	    !uuid_parse(json_string(rq->mem, &doc, id), &last.uuid))
		return fault_invalid(rq->mem, "cursor", "invalid_cursor",
				     "This cursor belongs to another order.");
	p->has_cursor = true;
	p->params[p->n++] = (struct db_param){ .text = json_string(rq->mem, &doc, value) };
	p->params[p->n++] = last;
	return NULL;
}

static struct str next_cursor(struct request *rq, const struct page *p,
			      const struct db_result *rows, size_t last)
{
	char id[UUID_TEXT_SIZE];
	struct json_out w;
	struct buf b;

	buf_init(&b, rq->mem, 4000);
	json_out_init(&w, &b);
	json_open(&w, '[');
	json_put_str(&w, str_of(p->order));
	json_put_str(&w, db_text(rows, last, 1));
	json_put_str(&w, str_of(uuid_format(db_uuid(rows, last, 2), id)));
	json_close(&w, ']');
	return cursor_seal(rq, buf_view(&b));
}

static struct str join_items(struct request *rq, const struct db_result *rows, size_t n)
{
	size_t total = 2;
	struct buf b;

	for (size_t i = 0; i < n; i++)
		total += db_text(rows, i, 0).n + 1;
	buf_init(&b, rq->mem, total);
	buf_reserve(&b, total);
	buf_char(&b, '[');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_char(&b, ',');
		buf_str(&b, db_text(rows, i, 0));
	}
	buf_char(&b, ']');
	return buf_view(&b);
}

static struct fault *count_all(struct request *rq, struct ready_resource *ready,
			       const struct page *p, int64_t *ret_total)
{
	struct db_result *rows;

	TRY(tx_run(rq->tx, resource_list(ready, p->filters, p->order, false, p->has_q, true),
		   p->params, &rows));
	*ret_total = db_int(rows, 0, 0);
	return NULL;
}

struct fault *resource_list_answer(struct request *rq, struct ready_resource *ready)
{
	const struct list_slot *slots = rq->query;
	size_t limit = (size_t)slots[LIST_LIMIT].value.number;
	struct page p = { .order = order_of(ready, slots[LIST_SORT].value.text), .n = 1 };
	struct str cursor = { NULL, 0 };
	struct db_result *rows;
	int64_t total = -1;

	p.params[0] = (struct db_param){ .uuid = rq->tenant };
	take_filters(&p, ready, slots);
	if (slots[LIST_COUNT].value.yes)
		TRY(count_all(rq, ready, &p, &total));
	if (slots[LIST_CURSOR].has)
		TRY(take_cursor(rq, &p, slots[LIST_CURSOR].value.text));
	p.params[p.n++] = (struct db_param){ .number = (int64_t)limit + 1 };
	TRY(tx_run(rq->tx, resource_list(ready, p.filters, p.order, p.has_cursor, p.has_q, false),
		   p.params, &rows));
	size_t n = db_rows(rows);
	if (n > limit) {
		n = limit;
		cursor = next_cursor(rq, &p, rows, limit - 1);
	}
	return reply_list_total(rq, join_items(rq, rows, n), cursor, total);
}
