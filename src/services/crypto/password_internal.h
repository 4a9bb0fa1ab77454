/* password_internal.h - the word list, seen by password.c alone. */
#pragma once

#include <stddef.h>

extern const char *const frequent_words[]; /* sorted, lower case */
extern const size_t frequent_word_count;
