/* replay.c - runs a fuzz target over stored inputs, so that every corpus is a
 * normal test with any compiler. With clang and -fsanitize=fuzzer the same
 * targets search for new inputs (tools/fuzz.sh). */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
	static uint8_t bytes[1 << 22];
	FILE *file = fopen(path, "rb");

	if (!file)
		return 1;
	size_t n = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	/* an exact copy, so that the sanitizer sees reads past the end */
	uint8_t *copy = malloc(n ? n : 1);
	if (!copy)
		return 1;
	memcpy(copy, bytes, n);
	LLVMFuzzerTestOneInput(copy, n);
	free(copy);
	return 0;
}

static int replay(const char *path, size_t *count)
{
	struct stat info;

	if (stat(path, &info) != 0)
		return 1;
	if (!S_ISDIR(info.st_mode)) {
		++*count;
		return replay_file(path);
	}
	DIR *folder = opendir(path);
	int failed = 0;
	for (struct dirent *entry; folder && (entry = readdir(folder));) {
		char name[4096];
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		failed |= replay(name, count);
	}
	if (folder)
		closedir(folder);
	return failed;
}

int main(int argc, char **argv)
{
	size_t count = 0;
	int failed = 0;

	for (int i = 1; i < argc; i++)
		failed |= replay(argv[i], &count);
	printf("%zu inputs replayed\n", count);
	return failed || count == 0;
}
