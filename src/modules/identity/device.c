/* device.c - a browser's name and system out of its User-Agent, for the list of
 * sessions. Ordered tables: the first word found wins, because everybody also
 * claims to be somebody older. */
#include "modules/identity/identity_internal.h"

struct mark {
	const char *word;
	const char *name;
};

static const struct mark browsers[] = {
	{ "Edg/", "Edge" },	     { "EdgA/", "Edge" },
	{ "EdgiOS/", "Edge" },	     { "OPR/", "Opera" },
	{ "Vivaldi/", "Vivaldi" },   { "SamsungBrowser/", "Samsung Internet" },
	{ "FxiOS/", "Firefox" },     { "Firefox/", "Firefox" },
	{ "CriOS/", "Chrome" },	     { "HeadlessChrome/", "Chromium" },
	{ "Chromium/", "Chromium" }, { "Chrome/", "Chrome" },
	{ "Safari/", "Safari" },     { "curl/", "curl" },
	{ "Wget/", "Wget" },	     { "python", "Python" },
	{ "Python", "Python" },	     { "node", "Node.js" },
	{ "Go-http-client/", "Go" }, { "okhttp/", "OkHttp" },
	{ NULL, "Unknown browser" },
};

static const struct mark systems[] = {
	{ "iPhone", "iOS" },	  { "iPad", "iPadOS" },	  { "Android", "Android" },
	{ "Windows", "Windows" }, { "CrOS", "ChromeOS" }, { "Mac OS X", "macOS" },
	{ "Macintosh", "macOS" }, { "Linux", "Linux" },	  { NULL, "unknown system" },
};

static const char *first_mark(const struct mark *list, struct str text)
{
	for (; list->word; list++)
		if (!str_is_null(text) && memmem(text.p, text.n, list->word, strlen(list->word)))
			return list->name;
	return list->name;
}

const char *device_browser(struct str user_agent)
{
	return first_mark(browsers, user_agent);
}

const char *device_os(struct str user_agent)
{
	return first_mark(systems, user_agent);
}
