/* vec.h - a growable array of any type, owned by a talloc context.
 *
 *   VEC(struct row) rows = { 0 };
 *   *VEC_ADD(&rows, ctx) = row;
 *   for (size_t i = 0; i < rows.n; i++) use(rows.v[i]);
 */
#pragma once

#include <stddef.h>
#include <talloc.h>

#define VEC(type)                                                                                  \
	struct {                                                                                   \
		type *v;                                                                           \
		size_t n;                                                                          \
		size_t room;                                                                       \
	}

/* Address of a new last element (not initialised). */
#define VEC_ADD(vec, ctx)                                                                          \
	((vec)->n == (vec)->room ? ((vec)->room = (vec)->room ? (vec)->room * 2 : 8,               \
				    (vec)->v = talloc_realloc_size(                                \
					    (ctx), (vec)->v, (vec)->room * sizeof(*(vec)->v)))     \
				 : (vec)->v,                                                       \
	 &(vec)->v[(vec)->n++])
