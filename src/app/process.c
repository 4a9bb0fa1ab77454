/* process.c - fork, become the user, exec; nothing between that could lock. */
#include "app/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <talloc.h>
#include <unistd.h>

#define TAIL_BYTES 2000
#define EXIT_NO_EXEC 127
#define GROUPS_MAX 64

static struct fault *from_passwd(const void *ctx, const struct passwd *found, const char *what,
				 struct os_user *ret_user)
{
	if (!found)
		return FAULT(
			ctx, FAULT_INVALID, "no_such_user",
			"There is no user %s on this machine. PostgreSQL does not run as root: "
			"name an ordinary user in BULKHEAD_USER, or set DATABASE_URL.",
			what);
	*ret_user = (struct os_user){ found->pw_uid, found->pw_gid,
				      talloc_strdup(ctx, found->pw_name) };
	return NULL;
}

struct fault *os_user_self(const void *ctx, struct os_user *ret_user)
{
	char buffer[4096];
	struct passwd entry, *found = NULL;

	getpwuid_r(geteuid(), &entry, buffer, sizeof(buffer), &found);
	return from_passwd(ctx, found, "with our id", ret_user);
}

struct fault *os_user_find(const void *ctx, struct os_user *ret_user)
{
	char buffer[4096];
	struct passwd entry, *found = NULL;
	const char *name = getenv("BULKHEAD_USER");

	if (geteuid() != 0)
		return os_user_self(ctx, ret_user);
	if (!name || !*name)
		name = "postgres";
	getpwnam_r(name, &entry, buffer, sizeof(buffer), &found);
	TRY(from_passwd(ctx, found, name, ret_user));
	if (ret_user->uid == 0)
		return FAULT(
			ctx, FAULT_INVALID, "no_such_user",
			"PostgreSQL does not run as root: BULKHEAD_USER must be another user.");
	return NULL;
}

/* Looked up before the fork: the child of a process with threads may only make
 * system calls. */
struct groups {
	gid_t list[GROUPS_MAX];
	int count;
};

static struct groups groups_of(const struct os_user *user)
{
	struct groups g = { .count = GROUPS_MAX };

	if (getgrouplist(user->name, user->gid, g.list, &g.count) < 0) {
		g.list[0] = user->gid;
		g.count = 1;
	}
	return g;
}

static bool become(const struct os_user *user, const struct groups *g)
{
	if (geteuid() != 0 || user->uid == 0)
		return true;
	return setgroups((size_t)g->count, g->list) == 0 && setgid(user->gid) == 0 &&
	       setuid(user->uid) == 0;
}

/* In the child: nothing but system calls. */
static _Noreturn void become_program(const struct os_user *user, const struct groups *groups,
				     const char *const *argv, const char *log_path,
				     int death_signal, pid_t parent)
{
	union {
		const char *const *in;
		char *const *out;
	} args = { .in = argv };
	sigset_t none;

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (!become(user, groups))
		_exit(EXIT_NO_EXEC);
	if (death_signal != 0)
		prctl(PR_SET_PDEATHSIG, death_signal);
	if (death_signal != 0 && getppid() != parent)
		_exit(EXIT_NO_EXEC); /* it died before we could ask for that */
	int null = open("/dev/null", O_RDONLY);
	int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (null < 0 || log < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0 ||
	    chdir("/") != 0)
		_exit(EXIT_NO_EXEC);
	close_range(3, ~0U, 0);
	execv(argv[0], args.out);
	_exit(EXIT_NO_EXEC);
}

struct fault *process_start(const void *ctx, const struct os_user *user, const char *const *argv,
			    const char *log_path, int death_signal, pid_t *ret_pid)
{
	struct groups groups = groups_of(user);
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid < 0)
		return FAULT_BUG(ctx, "cannot fork for %s (errno %d)", argv[0], errno);
	if (pid == 0)
		become_program(user, &groups, argv, log_path, death_signal, parent);
	*ret_pid = pid;
	return NULL;
}

struct fault *process_wait(const void *ctx, pid_t pid, const char *log_path)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return FAULT_BUG(ctx, "waitpid failed (errno %d)", errno);
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return NULL;
	return FAULT_BUG(ctx, "a program of PostgreSQL failed (status %d), see %s: %s", status,
			 log_path, file_tail(ctx, log_path));
}

bool process_can_enter(const struct os_user *user, const char *folder)
{
	struct groups groups = groups_of(user);
	int status = 1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(become(user, &groups) && access(folder, R_OK | X_OK) == 0 ? 0 : 1);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && status == 0;
}

const char *file_tail(const void *ctx, const char *path)
{
	char *text = talloc_zero_size(ctx, TAIL_BYTES + 1);
	FILE *f = fopen(path, "re");

	if (!f)
		return "";
	if (fseek(f, -TAIL_BYTES, SEEK_END) != 0)
		rewind(f);
	if (fread(text, 1, TAIL_BYTES, f) == 0)
		text[0] = '\0';
	fclose(f);
	return text;
}
