/* mail_send_one.c - sends one letter through services/mail for tests/mail.
 *
 *   mail_send_one URL starttls|plain ENOUGH_MS [TO [SUBJECT [TEXT]]]
 *
 * Prints the outcome (sent, later, refused), a tab and what the server said. */
#include "base/clock.h"
#include "services/mail/mail_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <talloc.h>

int main(int argc, char **argv)
{
	static const char *const outcomes[] = { "sent", "later", "refused" };
	const _Atomic bool stopping = false;
	void *mem = talloc_new(NULL);

	if (argc < 4)
		return 2;
	const struct config config = { .smtp_url = str_of(argv[1]),
				       .smtp_starttls = !strcmp(argv[2], "starttls") };
	const struct job job = { .deadline_ms = clock_steady_ms() + strtol(argv[3], NULL, 10),
				 .stopping = &stopping };
	const struct mail_letter letter = {
		.id = uuid_new(),
		.to = str_of(argc > 4 ? argv[4] : "ann@example.org"),
		.from = STR("B\xc3\xbclkhead <no-reply@example.org>"),
		.at_us = clock_wall_us(),
		.words = { .subject = str_of(argc > 5 ? argv[5] : "Hello"),
			   .text = str_of(argc > 6 ? argv[6] : "Hello\n.\n..two\nend"),
			   .html = STR("<p>Hello</p>") },
	};
	struct str bytes, said;
	struct fault *f = mail_mime(mem, &letter, &bytes);

	if (f) {
		printf("fault\t%s\n", fault_describe(mem, f));
		talloc_free(mem);
		return 0;
	}
	const enum mail_outcome outcome = smtp_send(mem, &config, &letter, bytes, &job, &said);
	printf("%s\t%.*s\n", outcomes[outcome], STR_ARG(said));
	talloc_free(mem);
	return 0;
}
