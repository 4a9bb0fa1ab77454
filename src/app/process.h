/* process.h - running another program, as an ordinary user when we are root. */
#pragma once

#include "base/fault.h"

#include <sys/types.h>

struct os_user {
	uid_t uid;
	gid_t gid;
	const char *name; /* owned by the context given to os_user_find */
};

/* Who programs of the database run as: ourselves, or when we are root
 * BULKHEAD_USER, or postgres. FAULT_INVALID when there is no such user. */
struct fault *os_user_find(const void *ctx, struct os_user *ret_user);
/* The user this process runs as. */
struct fault *os_user_self(const void *ctx, struct os_user *ret_user);

/* Starts argv[0] as user, in a session of its own (a Ctrl-C of the terminal is
 * not meant for it), output into the file log_path, environment as ours. When
 * dies_with_us, the kernel sends it death_signal when this thread ends. */
struct fault *process_start(const void *ctx, const struct os_user *user, const char *const *argv,
			    const char *log_path, int death_signal, pid_t *ret_pid);
/* Waits for the end; FAULT_INTERNAL with the end of the log unless it left with 0. */
struct fault *process_wait(const void *ctx, pid_t pid, const char *log_path);
/* Can the user get into this folder? */
bool process_can_enter(const struct os_user *user, const char *folder);
/* The last lines of a file, for a fault. */
const char *file_tail(const void *ctx, const char *path);
