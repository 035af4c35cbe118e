/*
 * sim: one seed with its story, or many seeds.
 *
 *     sim --seed N [--trace]      sim --from A --to B [--quick] [--upgrades] [--hashes]
 *         [--coverage]            which cells and pairs were reached; 1 when one is missing
 *         [--shrink]              make what is bad small, and tell that story (shrink.h)
 *         [--long]                days to months of a host on which little happens
 *     sim --list FILE             seeds that have found something once
 *
 * SIGINT or SIGTERM: the seed in hand is the last, and the sums are told.
 *
 * A line of the list: "SEED [platform] [upgrades] [singly] [one-stream] [long] TEXT". A fifth of
 * the seeds have the graph of the platform, the others one of their own; --graph random|platform
 * says which, and so does the list.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "tests/sim/shrink.h"

#define MS_PER_YEAR (365.25 * 24 * 3600 * 1000)

struct job {
    uint64_t from, to;
    const char *list, *graph;
    bool trace, quick, upgrades, hashes, one_stream, singly, shrink, is_long;
    struct coverage *coverage;
    uint64_t n_seeds, n_bad, n_steps, n_lives, n_ms;
};

static volatile sig_atomic_t is_enough;

static void on_signal(int number)
{
    (void)number;
    is_enough = 1;
}

/* How to run it again. */
static void print_flags(const struct job *job, const struct world_options *options)
{
    (void)printf("--graph %s%s%s%s%s", options->graph.platform ? "platform" : "random",
                 options->upgrades ? " --upgrades" : "", job->singly ? " --singly" : "",
                 job->one_stream ? " --one-stream" : "", job->is_long ? " --long" : "");
}

static void run(struct job *job, uint64_t seed, bool upgrades, const char *graph)
{
    static struct world w;
    struct world_options options = world_options_of(seed, job->one_stream);

    options.trace = job->trace ? stdout : NULL;
    options.upgrades = upgrades;
    options.singly = job->singly;
    options.coverage = job->coverage;
    options.calm = options.calm && !upgrades;
    if (job->is_long) {
        world_options_make_long(&options);
    }
    options.quick |= job->quick || upgrades;
    if (graph) {
        options.graph.platform = strcmp(graph, "platform") == 0;
    }
    job->n_seeds++;
    if (job->shrink) {
        struct shrink_result ignored;

        job->n_bad += shrink(&options, stdout, &ignored) ? 1 : 0;
        return;
    }
    world_open(&w, &options);
    if (!world_run(&w)) {
        job->n_bad++;
        (void)printf("%s (", w.violation);
        print_flags(job, &options);
        (void)printf(")\n");
        if (job->n_bad == 1) {
            (void)printf("to make it small: sim --seed %" PRIu64 " --shrink ", seed);
            print_flags(job, &options);
            (void)printf("\n");
        }
    } else if (job->trace) {
        (void)printf("seed %" PRIu64 ": %zu services, %" PRIu64 " steps, %" PRIu64
                     " actions, %" PRIu64 " lives, hash %016" PRIx64 "\n",
                     seed, w.graph.model->n_services, w.n_steps, w.n_actions, w.n_lives, w.hash);
    }
    job->n_steps += w.n_steps;
    job->n_lives += w.n_lives;
    job->n_ms += w.queue.now_ms;
    if (job->hashes) {
        (void)printf("%" PRIu64 " %016" PRIx64 "\n", seed, w.hash);
    }
    (void)fflush(stdout);
    world_close(&w);
}

/* A word of a line of the list that says how; the rest of the line is for people. */
static bool take_word(char **rest, struct job *how)
{
    size_t len;

    *rest += strspn(*rest, " ");
    len = strcspn(*rest, " ");
    if (strncmp(*rest, "platform ", 9) == 0) {
        how->graph = "platform";
    } else if (strncmp(*rest, "upgrades ", 9) == 0) {
        how->upgrades = true;
    } else if (strncmp(*rest, "singly ", 7) == 0) {
        how->singly = true;
    } else if (strncmp(*rest, "one-stream ", 11) == 0) {
        how->one_stream = true;
    } else if (strncmp(*rest, "long ", 5) == 0) {
        how->is_long = true;
    } else {
        return false;
    }
    *rest += len;
    return true;
}

static int run_list(struct job *job)
{
    FILE *file = fopen(job->list, "re");
    char line[256];

    if (!file) {
        (void)fprintf(stderr, "sim: %s can't be opened\n", job->list);
        return 2;
    }
    while (fgets(line, sizeof(line), file)) {
        char *rest;
        uint64_t seed = strtoull(line, &rest, 10);

        if (rest != line) {
            struct job how = {.graph = "random"};

            while (take_word(&rest, &how)) {
            }
            job->one_stream = how.one_stream;
            job->is_long = how.is_long;
            job->singly = how.singly;
            run(job, seed, how.upgrades, how.graph);
        }
    }
    (void)fclose(file);
    return 0;
}

static int usage(void)
{
    (void)fprintf(stderr, "usage: sim --seed N [--trace] | --from A --to B [--quick] [--hashes] "
                          "[--coverage] [--shrink] [--long] | "
                          "--list FILE; [--upgrades] [--graph random|platform]\n");
    return 2;
}

static bool parse(int argc, char **argv, struct job *job)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";

        if (strcmp(argv[i], "--trace") == 0) {
            job->trace = true;
        } else if (strcmp(argv[i], "--quick") == 0) {
            job->quick = true;
        } else if (strcmp(argv[i], "--upgrades") == 0) {
            job->upgrades = true;
        } else if (strcmp(argv[i], "--long") == 0) {
            job->is_long = true;
        } else if (strcmp(argv[i], "--shrink") == 0) {
            job->shrink = true;
        } else if (strcmp(argv[i], "--one-stream") == 0) {
            job->one_stream = true;
        } else if (strcmp(argv[i], "--singly") == 0) {
            job->singly = true;
        } else if (strcmp(argv[i], "--coverage") == 0) {
            static struct coverage coverage;

            job->coverage = &coverage;
        } else if (strcmp(argv[i], "--hashes") == 0) {
            job->hashes = true;
        } else if (strcmp(argv[i], "--seed") == 0 && acc_parse_u64(value, &job->from)) {
            job->to = job->from;
            i++;
        } else if (strcmp(argv[i], "--from") == 0 && acc_parse_u64(value, &job->from)) {
            job->to = job->to < job->from ? job->from : job->to;
            i++;
        } else if (strcmp(argv[i], "--to") == 0 && acc_parse_u64(value, &job->to)) {
            i++;
        } else if (strcmp(argv[i], "--graph") == 0 && value[0]) {
            job->graph = value;
            i++;
        } else if (strcmp(argv[i], "--list") == 0 && value[0]) {
            job->list = value;
            i++;
        } else {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    static struct job job;
    int r = 0;

    if (!parse(argc, argv, &job)) {
        return usage();
    }
    if (job.list) {
        r = run_list(&job);
    }
    (void)signal(SIGINT, on_signal);
    (void)signal(SIGTERM, on_signal);
    for (uint64_t seed = job.from; seed <= job.to && !job.list && !is_enough; seed++) {
        run(&job, seed, job.upgrades, job.graph);
    }
    if (job.coverage && coverage_print(job.coverage, job.upgrades) > 0) {
        r = r ? r : 1;
    }
    (void)printf("%" PRIu64 " seeds, %" PRIu64 " bad, %" PRIu64 " steps, %" PRIu64
                 " lives of accd, %.4f host-years\n",
                 job.n_seeds, job.n_bad, job.n_steps, job.n_lives, (double)job.n_ms / MS_PER_YEAR);
    return r ? r : job.n_bad > 0 ? 1 : 0;
}
