/* cluster.c - initdb, start, reuse, stop; see cluster.h.
 *
 * A lock file says who owns the cluster: the server that holds the lock starts
 * and stops it, another one only waits until it answers. A postmaster that runs
 * although nobody held the lock was left by a killed server: it is stopped
 * first, because nobody would stop it later. A thread waits for the postmaster
 * and starts it again when it ends unasked. Settings travel on the command
 * line, so an upgrade of the program changes them without touching a file. */
#include "app/cluster.h"

#include "app/process.h"
#include "base/clock.h"
#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <talloc.h>
#include <time.h>
#include <unistd.h>

#define DEBIAN_BINARIES "/usr/lib/postgresql"
#define OLDEST_MAJOR 15
#define SOCKET_PATH_MAX 88    /* sun_path has 108 bytes, the file name takes its share */
#define START_WITHIN_MS 60000 /* crash recovery of a large cluster takes its time */
#define STOP_WITHIN_MS 20000
#define START_ATTEMPTS 3
#define RESTART_PAUSE_MS 1000
#define LOG_BYTES_MAX (8 << 20)

static const char *const settings[] = {
	"listen_addresses=",
	"port=5432", /* names the socket, also when PGPORT is set */
	"cluster_name=bulkhead",
	"unix_socket_permissions=0700",
	"max_connections=100",
	"shared_buffers=128MB",
	"effective_cache_size=1GB",
	"work_mem=8MB",
	"maintenance_work_mem=64MB",
	"random_page_cost=1.1",
	"fsync=on",
	"synchronous_commit=on",
	"full_page_writes=on",
	"wal_compression=on",
	"max_wal_size=2GB",
	"checkpoint_timeout=15min",
	"jit=off",
	"update_process_title=off",
	"max_parallel_workers_per_gather=1",
	"autovacuum_naptime=15s",
	"timezone=UTC",
	"log_timezone=UTC",
	"log_checkpoints=off",
	"log_line_prefix=%m [%p] %q%u ",
	"password_encryption=scram-sha-256",
};

struct cluster {
	struct os_user user;
	const char *data_folder; /* of the server */
	const char *folder;	 /* PGDATA */
	const char *socket_folder;
	const char *binaries;
	const char *log_path;
	int lock;	   /* file descriptor; -1: another server owns the cluster */
	_Atomic pid_t pid; /* of the postmaster we started, 0: none */
	atomic_bool stopping;
	bool is_watched;
	pthread_t watcher; /* the only one to use this context once it runs */
	const char *conninfo[DB_ROLES];
};

static void sleep_ms(int ms)
{
	const struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

static struct fault *file_fault(const void *ctx, const char *what, const char *path)
{
	return FAULT(ctx, FAULT_INVALID, "data_folder", "%s %s failed (errno %d).", what, path,
		     errno);
}

/* ---- where things are ---- */

static bool has_file(const char *folder, const char *name)
{
	void *mem = talloc_new(NULL);
	bool is_there = access(talloc_asprintf(mem, "%s/%s", folder, name), X_OK) == 0;

	talloc_free(mem);
	return is_there;
}

/* Debian keeps majors side by side; the newest, or the one the cluster has. */
static const char *find_debian_binaries(const void *ctx, long wanted_major)
{
	DIR *dir = opendir(DEBIAN_BINARIES);
	long best = 0;

	if (!dir)
		return NULL;
	for (struct dirent *d = readdir(dir); d; d = readdir(dir)) {
		long major = strtol(d->d_name, NULL, 10);
		char *bin = talloc_asprintf(ctx, DEBIAN_BINARIES "/%s/bin", d->d_name);
		bool fits = wanted_major ? major == wanted_major : major >= OLDEST_MAJOR;
		if (fits && major > best && has_file(bin, "postgres") && has_file(bin, "initdb"))
			best = major;
		talloc_free(bin);
	}
	closedir(dir);
	return best ? talloc_asprintf(ctx, DEBIAN_BINARIES "/%ld/bin", best) : NULL;
}

static const char *find_in_path(const void *ctx)
{
	const char *path = getenv("PATH");
	struct str rest = str_of(path ? path : "");

	while (!str_is_null(rest)) {
		const char *folder = str_dup(ctx, str_cut(&rest, ':'));
		if (folder && *folder && has_file(folder, "postgres") && has_file(folder, "initdb"))
			return folder;
	}
	return NULL;
}

static long cluster_major(const struct cluster *c)
{
	char text[16] = "";
	FILE *f = fopen(talloc_asprintf(c, "%s/PG_VERSION", c->folder), "re");

	if (!f)
		return 0;
	if (!fgets(text, sizeof(text), f))
		text[0] = '\0';
	fclose(f);
	return strtol(text, NULL, 10);
}

static struct fault *find_binaries(const void *ctx, struct cluster *c)
{
	long major = cluster_major(c);

	c->binaries = find_debian_binaries(c, major);
	if (!c->binaries)
		c->binaries = find_in_path(c);
	if (c->binaries)
		return NULL;
	if (major)
		return FAULT(ctx, FAULT_INVALID, "no_postgresql",
			     "The data folder needs PostgreSQL %ld, which is not installed.",
			     major);
	return FAULT(ctx, FAULT_INVALID, "no_postgresql",
		     "PostgreSQL (%d or newer) is not installed; install it or set DATABASE_URL.",
		     OLDEST_MAJOR);
}

/* A short name that stays the same for this data folder. */
static const char *folder_mark(const void *ctx, const char *path)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (; *path; path++)
		hash = (hash ^ (unsigned char)*path) * UINT64_C(0x100000001b3);
	return talloc_asprintf(ctx, "%012llx", (unsigned long long)hash & 0xffffffffffff);
}

static struct fault *make_folder(const void *ctx, const struct cluster *c, const char *path,
				 mode_t mode)
{
	struct stat at;

	if (mkdir(path, mode) != 0 && errno != EEXIST)
		return file_fault(ctx, "making", path);
	if (lstat(path, &at) != 0 || !S_ISDIR(at.st_mode))
		return file_fault(ctx, "using", path);
	if (at.st_uid != c->user.uid && geteuid() == 0 &&
	    lchown(path, c->user.uid, c->user.gid) == 0)
		at.st_uid = c->user.uid;
	if (at.st_uid != c->user.uid)
		return FAULT(ctx, FAULT_INVALID, "data_folder", "%s does not belong to %s.", path,
			     c->user.name);
	return NULL;
}

/* <data>/postgres, unless we are root and the ordinary user cannot get there
 * (a checkout in /root): then a folder in /var/lib, with a link to it. */
static struct fault *choose_folder(const void *ctx, struct cluster *c)
{
	const char *wanted = talloc_asprintf(c, "%s/postgres", c->data_folder);
	char target[PATH_MAX];

	ssize_t n = readlink(wanted, target, sizeof(target) - 1);
	if (n > 0) {
		c->folder = talloc_strndup(c, target, (size_t)n);
		return NULL;
	}
	c->folder = wanted;
	if (geteuid() != 0 || process_can_enter(&c->user, c->data_folder))
		return NULL;
	if (mkdir("/var/lib/bulkhead", 0755) != 0 && errno != EEXIST)
		return file_fault(ctx, "making", "/var/lib/bulkhead");
	c->folder = talloc_asprintf(c, "/var/lib/bulkhead/%s", folder_mark(c, c->data_folder));
	if (symlink(c->folder, wanted) != 0)
		return file_fault(ctx, "linking", wanted);
	return NULL;
}

static struct fault *choose_places(const void *ctx, struct cluster *c, const char *data_folder)
{
	char real[PATH_MAX];

	if (mkdir(data_folder, 0755) != 0 && errno != EEXIST)
		return file_fault(ctx, "making", data_folder);
	if (!realpath(data_folder, real))
		return file_fault(ctx, "finding", data_folder);
	c->data_folder = talloc_strdup(c, real);
	TRY(choose_folder(ctx, c));
	c->log_path = talloc_asprintf(c, "%s.log", c->folder);
	c->socket_folder = talloc_asprintf(c, "%s.run", c->folder);
	if (strlen(c->socket_folder) > SOCKET_PATH_MAX)
		c->socket_folder =
			talloc_asprintf(c, "/tmp/bulkhead-%s", folder_mark(c, c->data_folder));
	TRY(make_folder(ctx, c, c->socket_folder, 0700));
	struct stat log;
	if (stat(c->log_path, &log) == 0 && log.st_size > LOG_BYTES_MAX)
		unlink(c->log_path);
	int fd = open(c->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return file_fault(ctx, "opening", c->log_path);
	if (geteuid() == 0 && fchown(fd, c->user.uid, c->user.gid) != 0) {
		close(fd);
		return file_fault(ctx, "giving away", c->log_path);
	}
	close(fd);
	return NULL;
}

static const char *conninfo(const struct cluster *c, const char *role, const char *database)
{
	return talloc_asprintf(c, "host='%s' port=5432 dbname=%s user=%s", c->socket_folder,
			       database, role);
}

/* ---- the first time ---- */

static struct fault *write_file(const void *ctx, const struct cluster *c, const char *folder,
				const char *name, const char *text)
{
	const char *path = talloc_asprintf(c, "%s/%s", folder, name);
	FILE *f = fopen(path, "we");

	if (!f)
		return file_fault(ctx, "writing", path);
	bool is_whole = fputs(text, f) >= 0;
	is_whole = fclose(f) == 0 && is_whole;
	return is_whole ? NULL : file_fault(ctx, "writing", path);
}

/* Peer authentication: our operating system user, and the cluster's, may be any
 * of the four roles; nobody else gets in. */
static struct fault *write_access(const void *ctx, const struct cluster *c, const char *folder)
{
	struct os_user self;
	char *map = talloc_strdup(c, "# written by bulkhead when the cluster was made\n");

	TRY(os_user_self(ctx, &self));
	const char *const names[] = { self.name, self.uid == c->user.uid ? NULL : c->user.name };
	for (size_t i = 0; i < 2 && names[i]; i++) {
		map = talloc_asprintf_append(map, "bulkhead \"%s\" postgres\n", names[i]);
		for (int role = 0; role < DB_ROLES; role++)
			map = talloc_asprintf_append(map, "bulkhead \"%s\" %s\n", names[i],
						     db_role_name((enum db_role)role));
	}
	TRY(write_file(ctx, c, folder, "pg_ident.conf", map));
	return write_file(ctx, c, folder, "pg_hba.conf", "local all all peer map=bulkhead\n");
}

static void remove_half_made(const struct cluster *c, const char *folder)
{
	pid_t pid;
	const char *const argv[] = { "/bin/rm", "-rf", "--", folder, NULL };

	if (!process_start(c, &c->user, argv, c->log_path, 0, &pid))
		(void)process_wait(c, pid, c->log_path);
}

/* Into a folder of another name first: a killed initdb leaves half a cluster. */
static struct fault *initialise(const void *ctx, struct cluster *c)
{
	const char *half = talloc_asprintf(c, "%s.new", c->folder);
	const char *const argv[] = { talloc_asprintf(c, "%s/initdb", c->binaries),
				     "-D",
				     half,
				     "-U",
				     "postgres",
				     "-E",
				     "UTF8",
				     "--no-locale",
				     "--data-checksums",
				     "-A",
				     "peer",
				     NULL };
	pid_t pid;

	remove_half_made(c, half);
	TRY(make_folder(ctx, c, half, 0700));
	TRY(process_start(ctx, &c->user, argv, c->log_path, 0, &pid));
	TRY(process_wait(ctx, pid, c->log_path));
	TRY(write_access(ctx, c, half));
	if (rename(half, c->folder) != 0)
		return file_fault(ctx, "renaming", half);
	return NULL;
}

/* ---- running ---- */

/* Pid and state of a postmaster as its own file tells it (line 1 and 8 of
 * postmaster.pid, miscadmin.h of PostgreSQL); 0 when there is none. */
static pid_t postmaster(const struct cluster *c, bool *ret_is_ready)
{
	char line[256];
	pid_t pid = 0;
	FILE *f = fopen(talloc_asprintf(c, "%s/postmaster.pid", c->folder), "re");

	*ret_is_ready = false;
	if (!f)
		return 0;
	for (int i = 1; fgets(line, sizeof(line), f); i++) {
		if (i == 1)
			pid = (pid_t)strtol(line, NULL, 10);
		if (i == 8)
			*ret_is_ready = strncmp(line, "ready", 5) == 0;
	}
	fclose(f);
	return pid > 0 ? pid : 0;
}

/* Is this process a postmaster at work in our folder (a pid may be another's by now)? */
static bool is_our_postmaster(const struct cluster *c, pid_t pid)
{
	char cwd[PATH_MAX], real[PATH_MAX];
	const char *link = talloc_asprintf(c, "/proc/%d/cwd", (int)pid);
	ssize_t n = readlink(link, cwd, sizeof(cwd) - 1);

	if (n <= 0 || !realpath(c->folder, real))
		return false;
	cwd[n] = '\0';
	return strcmp(cwd, real) == 0;
}

/* One that somebody else started. */
static void end_postmaster(const struct cluster *c, pid_t pid)
{
	int64_t until_ms = clock_steady_ms() + STOP_WITHIN_MS;
	bool was_asked_again = false;

	kill(pid, SIGINT); /* fast shutdown */
	while (is_our_postmaster(c, pid)) {
		if (!was_asked_again && clock_steady_ms() > until_ms) {
			kill(pid, SIGQUIT); /* immediate: recovers at the next start */
			was_asked_again = true;
		}
		sleep_ms(5);
	}
}

static struct fault *wait_until_ready(const void *ctx, struct cluster *c)
{
	int64_t until_ms = clock_steady_ms() + START_WITHIN_MS;
	bool is_ready;

	while (clock_steady_ms() < until_ms) {
		pid_t pid = postmaster(c, &is_ready);
		if (is_ready && (!c->pid || pid == c->pid))
			return NULL;
		if (c->pid && waitpid(c->pid, NULL, WNOHANG) == c->pid) {
			c->pid = 0;
			return FAULT_BUG(ctx, "PostgreSQL did not start, see %s: %s", c->log_path,
					 file_tail(ctx, c->log_path));
		}
		sleep_ms(3);
	}
	return FAULT_BUG(ctx, "PostgreSQL was not ready in time, see %s", c->log_path);
}

/* What a killed server left: a postmaster is stopped; a file that names a dead
 * one (or, after a reboot, a stranger of that number) is removed. We hold the
 * lock, and PostgreSQL itself still refuses while a process of the old one is
 * attached to its shared memory. */
static void clear_remains(const struct cluster *c)
{
	bool is_ready;
	pid_t left = postmaster(c, &is_ready);

	if (left && is_our_postmaster(c, left)) {
		end_postmaster(c, left);
	} else if (left) {
		unlink(talloc_asprintf(c, "%s/postmaster.pid", c->folder));
		unlink(talloc_asprintf(c, "%s/.s.PGSQL.5432.lock", c->socket_folder));
	}
}

static struct fault *start_postmaster(const void *ctx, struct cluster *c)
{
	enum { COUNT = sizeof(settings) / sizeof(settings[0]) };
	const char *argv[2 * COUNT + 8];
	struct fault *f = NULL;
	size_t n = 0;

	argv[n++] = talloc_asprintf(c, "%s/postgres", c->binaries);
	argv[n++] = "-D";
	argv[n++] = c->folder;
	argv[n++] = "-k";
	argv[n++] = c->socket_folder;
	for (size_t i = 0; i < COUNT; i++) {
		argv[n++] = "-c";
		argv[n++] = settings[i];
	}
	argv[n] = NULL;
	/* backends of a killed postmaster need a moment to notice */
	for (int attempt = 0; attempt < START_ATTEMPTS; attempt++) {
		clear_remains(c);
		pid_t pid;
		TRY(process_start(ctx, &c->user, argv, c->log_path, SIGINT, &pid));
		c->pid = pid;
		f = wait_until_ready(ctx, c);
		if (!f || c->pid)
			break;
		sleep_ms(300);
	}
	return f;
}

static struct fault *take_lock(const void *ctx, struct cluster *c)
{
	const char *path = talloc_asprintf(c, "%s/postgres.lock", c->data_folder);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return file_fault(ctx, "opening", path);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		close(fd);
		fd = -1;
	}
	c->lock = fd;
	return NULL;
}

static struct fault *make_roles(const void *ctx, struct cluster *c)
{
	bool is_complete = true;

	for (int i = 0; i < DB_ROLES; i++) {
		c->conninfo[i] = conninfo(c, db_role_name((enum db_role)i), "bulkhead");
		is_complete = is_complete && db_answers(c->conninfo[i]);
	}
	if (is_complete)
		return NULL;
	return db_bootstrap(ctx, conninfo(c, "postgres", "postgres"), "bulkhead", NULL);
}

/* ---- keeping it up ---- */

static void *watch(void *arg)
{
	struct cluster *c = arg;

	while (!c->stopping) {
		pid_t ended = waitpid(c->pid, NULL, 0);
		if (ended < 0 && errno == EINTR)
			continue;
		c->pid = 0;
		while (!c->stopping && !c->pid) {
			void *mem = talloc_new(NULL);
			LOG_ERROR("the database has ended, starting it again");
			struct fault *f = start_postmaster(mem, c);
			if (f)
				LOG_ERROR("the database does not start",
					  LOG_TEXT("fault", fault_describe(mem, f)));
			talloc_free(mem);
			sleep_ms(c->pid ? 0 : RESTART_PAUSE_MS);
		}
	}
	return NULL;
}

/* The watcher sees the end; asked again each moment, since it may just be
 * starting another. */
static void stop_watched(struct cluster *c)
{
	int64_t until_ms = clock_steady_ms() + STOP_WITHIN_MS;

	c->stopping = true;
	for (;;) {
		struct timespec moment;
		pid_t pid = c->pid;
		if (pid > 0)
			kill(pid, clock_steady_ms() < until_ms ? SIGINT : SIGQUIT);
		clock_gettime(CLOCK_REALTIME, &moment);
		moment.tv_sec += 1;
		if (pthread_timedjoin_np(c->watcher, NULL, &moment) == 0)
			return;
	}
}

static int cluster_free(struct cluster *c)
{
	if (c->is_watched) {
		stop_watched(c);
	} else if (c->pid > 0) {
		kill(c->pid, SIGINT);
		waitpid(c->pid, NULL, 0);
	}
	if (c->lock >= 0)
		close(c->lock);
	return 0;
}

static struct fault *start(const void *ctx, const char *data_folder, struct cluster *c)
{
	TRY(os_user_find(ctx, &c->user));
	TRY(choose_places(ctx, c, data_folder));
	TRY(take_lock(ctx, c));
	if (c->lock < 0) {
		TRY(wait_until_ready(ctx, c));
	} else {
		TRY(find_binaries(ctx, c));
		if (cluster_major(c) == 0)
			TRY(initialise(ctx, c));
		TRY(start_postmaster(ctx, c));
	}
	TRY(make_roles(ctx, c));
	c->is_watched = c->pid > 0 && pthread_create(&c->watcher, NULL, watch, c) == 0;
	return NULL;
}

struct fault *cluster_start(const void *ctx, const char *data_folder, struct cluster **ret_cluster)
{
	struct cluster *c = talloc_zero(ctx, struct cluster);

	c->lock = -1;
	talloc_set_destructor(c, cluster_free);
	struct fault *f = start(ctx, data_folder, c);
	if (f)
		talloc_free(c);
	else
		*ret_cluster = c;
	return f;
}

const char *cluster_conninfo(const struct cluster *c, enum db_role role)
{
	return c->conninfo[role];
}

void cluster_stop(struct cluster *c)
{
	talloc_free(c);
}
