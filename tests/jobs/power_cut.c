/* A power cut, for tests: preloaded into a process, it kills it in the middle of what it does to files, and takes back what
 * was not on disk by then, as a computer would that loses its power.
 *
 * Of files in the directory POWER_CUT_DIRECTORY it counts what changes them: write, pwrite, fsync, fdatasync, rename, ftruncate. At number
 * POWER_CUT_AT it cuts: a write is done in part; of each file, what was written since its last fsync is lost from a random
 * place on, or is there as zeros; and the names that were given since the last fsync of the directory may be taken back. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST 256

typedef struct {
    char path[PATH_MAX];
    off_t synced;
} written_file;

typedef struct {
    char from[PATH_MAX], to[PATH_MAX], before[PATH_MAX]; /* `before` is what was called `to`, or has no name */
} new_name;

static written_file files[MOST];
static new_name names[MOST];
static int n_files, n_names;
static long left;
static const char *directory;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void begin(void) {
    directory = getenv("POWER_CUT_DIRECTORY");
    left = atol(getenv("POWER_CUT_AT"));
    srandom((unsigned)left);
}

static void *next_of(const char *name) { return dlsym(RTLD_NEXT, name); }

static int is_below(const char *path) { return directory && strncmp(path, directory, strlen(directory)) == 0; }

static int path_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_below(path);
}

static off_t size_of(const char *path) {
    struct stat s;
    return stat(path, &s) == 0 ? s.st_size : 0;
}

static written_file *file_of(const char *path) {
    for (int i = 0; i < n_files; i++)
        if (strcmp(files[i].path, path) == 0) return &files[i];
    if (n_files == MOST) abort();
    written_file *f = &files[n_files++];
    strcpy(f->path, path);
    f->synced = size_of(path); /* what was there before the process was */
    return f;
}

static void cut(void) {
    int (*change)(const char *, const char *) = next_of("rename");
    for (int i = 0; i < n_files; i++) {
        off_t size = size_of(files[i].path), lost = size - files[i].synced;
        if (lost <= 0) continue;
        off_t kept = files[i].synced + random() % (lost + 1);
        if (truncate(files[i].path, kept) == 0 && random() % 2 && truncate(files[i].path, size)) abort();
    }
    if (random() % 2)
        while (n_names--) {
            change(names[n_names].to, names[n_names].from);
            if (*names[n_names].before) change(names[n_names].before, names[n_names].to);
        }
    kill(getpid(), SIGKILL);
}

/* Counts a change; whether it is the one that is cut. */
static int is_cut(void) { return --left == 0; }

static ssize_t write_to(int fd, const void *data, size_t size, off_t at, int positioned) {
    ssize_t (*put)(int, const void *, size_t) = next_of("write");
    ssize_t (*put_at)(int, const void *, size_t, off_t) = next_of("pwrite");
    char path[PATH_MAX];
    pthread_mutex_lock(&lock);
    if (path_of(fd, path)) {
        written_file *f = file_of(path);
        if (f->synced > size_of(path)) f->synced = size_of(path); /* it was opened anew */
        if (is_cut()) {
            size_t part = (size_t)random() % (size + 1);
            if ((positioned ? put_at(fd, data, part, at) : put(fd, data, part)) >= 0) cut();
        }
    }
    ssize_t done = positioned ? put_at(fd, data, size, at) : put(fd, data, size);
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t write(int fd, const void *data, size_t size) { return write_to(fd, data, size, 0, 0); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return write_to(fd, data, size, at, 1); }
ssize_t pwrite64(int fd, const void *data, size_t size, off_t at) { return write_to(fd, data, size, at, 1); }

int ftruncate(int fd, off_t size) {
    int (*change)(int, off_t) = next_of("ftruncate");
    char path[PATH_MAX];
    pthread_mutex_lock(&lock);
    if (path_of(fd, path)) {
        written_file *f = file_of(path);
        if (is_cut()) cut();
        if (f->synced > size) f->synced = size;
    }
    int done = change(fd, size);
    pthread_mutex_unlock(&lock);
    return done;
}

int fsync(int fd) {
    char path[PATH_MAX];
    pthread_mutex_lock(&lock);
    if (path_of(fd, path)) {
        struct stat s;
        if (is_cut()) cut();
        if (fstat(fd, &s) == 0 && S_ISDIR(s.st_mode)) {
            while (n_names)
                if (*names[--n_names].before) unlink(names[n_names].before);
        } else {
            file_of(path)->synced = size_of(path);
        }
    }
    pthread_mutex_unlock(&lock);
    return 0; /* the test's disk need not be waited for */
}

int fdatasync(int fd) { return fsync(fd); }

int rename(const char *from, const char *to) {
    int (*change)(const char *, const char *) = next_of("rename");
    if (!is_below(from)) return change(from, to);
    pthread_mutex_lock(&lock);
    file_of(from); /* else it would be taken for a new one */
    if (is_cut()) cut();
    if (n_names == MOST) abort();
    new_name *name = &names[n_names++];
    snprintf(name->from, sizeof name->from, "%s", from), snprintf(name->to, sizeof name->to, "%s", to);
    snprintf(name->before, sizeof name->before, "%s.before%d", to, n_names);
    if (link(to, name->before)) *name->before = 0;
    for (int i = 0; i < n_files; i++) /* what was called so is gone */
        if (strcmp(files[i].path, to) == 0) files[i] = files[--n_files];
    strcpy(file_of(from)->path, to);
    int done = change(from, to);
    pthread_mutex_unlock(&lock);
    return done;
}
