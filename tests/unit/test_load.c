/* Files that are none, or too much: each ends in a clear error, soon and in little memory. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "load/load.h"

/* The largest that is read takes less. */
#define TREE_BYTES_MAX (64u << 20)

static char dir[] = "/tmp/acc-load-XXXXXX";
static struct acc_loaded loaded;
static struct acc_diags diags;

static void make(void)
{
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chdir(dir), 0);
}

static int delete (const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static void drop(void)
{
    acc_loaded_fini(&loaded);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(nftw(dir, delete, 8, FTW_DEPTH | FTW_PHYS), 0);
    memset(strrchr(dir, '-') + 1, 'X', 6);
}

/* `repeated` is written `n` times behind `head`. */
static void put(const char *name, const char *head, const char *repeated, size_t n)
{
    FILE *file = fopen(name, "we");

    ck_assert_ptr_nonnull(file);
    (void)fputs(head, file);
    for (size_t i = 0; i < n; i++) {
        (void)fputs(repeated, file);
    }
    ck_assert_int_eq(fclose(file), 0);
}

static int load(void)
{
    static const char *const files[] = {"compose.yaml"};
    struct acc_load_options options = {.files = files, .n_files = 1, .is_inspection = true};

    diags = (struct acc_diags){0};
    return acc_load(&options, &loaded, &diags);
}

/* One error, whose line begins with `place` and ends in `what`. */
static void check_refused(const char *place, const char *what)
{
    char line[ACC_DIAG_FILE_MAX + ACC_DIAG_TEXT_MAX + 64];
    char start[sizeof(dir) + PATH_MAX];

    ck_assert_int_eq(load(), -EINVAL);
    ck_assert_uint_eq(diags.n_errors, 1);
    (void)acc_diag_format(&diags.item[0], line, sizeof(line));
    (void)snprintf(start, sizeof(start), "%s/%s: ", dir, place);
    ck_assert_msg(strncmp(line, start, strlen(start)) == 0, "%s", line);
    ck_assert_uint_ge(strlen(line), strlen(what));
    ck_assert_str_eq(line + strlen(line) - strlen(what), what);
}

START_TEST(a_file_of_50_megabytes_is_not_read)
{
    put("compose.yaml", "services: {a: {image: x}}\n", "#\n", 1);
    ck_assert_int_eq(truncate("compose.yaml", 50000000), 0);
    check_refused("compose.yaml", "larger than 16 MiB");
}
END_TEST

START_TEST(a_device_without_end_is_not_read)
{
    ck_assert_int_eq(symlink("/dev/zero", "compose.yaml"), 0);
    check_refused("compose.yaml", "larger than 16 MiB");
}
END_TEST

START_TEST(a_link_in_a_circle_is_told)
{
    put("compose.yaml", "services:\n  a:\n    image: x\n    env_file: b.env\n", "", 0);
    ck_assert_int_eq(symlink("b.env", "b.env"), 0);
    check_refused("compose.yaml:4:15", "b.env: Too many levels of symbolic links");
}
END_TEST

START_TEST(a_pipe_that_nobody_writes_to_keeps_nobody_waiting)
{
    ck_assert_int_eq(mkfifo("compose.yaml", 0600), 0);
    check_refused("compose.yaml:1:1", "empty compose file");
}
END_TEST

START_TEST(a_link_out_of_the_project_is_followed_and_paths_stay)
{
    const struct acc_node *volume = NULL;
    char source[PATH_MAX];

    ck_assert_int_eq(mkdir("shared", 0700), 0);
    ck_assert_int_eq(mkdir("project", 0700), 0);
    put("shared/base.yaml", "services: {a: {image: x, volumes: ['./data:/data']}}\n", "", 0);
    ck_assert_int_eq(chdir("project"), 0);
    ck_assert_int_eq(symlink("../shared/base.yaml", "compose.yaml"), 0);
    ck_assert_int_eq(load(), 0);
    volume = acc_node_get(loaded.model->stacks[0]->services[0].node, "volumes");
    (void)snprintf(source, sizeof(source), "%s/project/data", dir);
    ck_assert_str_eq(acc_node_get_text(volume->first, "source"), source);
}
END_TEST

START_TEST(a_hundred_thousand_values_are_read)
{
    put("compose.yaml", "services:\n  a:\n    image: x\n    x-list:\n", "    - value\n", 100000);
    ck_assert_int_eq(load(), 0);
    ck_assert_uint_lt(acc_arena_used(loaded.model->stacks[0]->arena), TREE_BYTES_MAX);
}
END_TEST

START_TEST(a_million_values_are_refused)
{
    put("compose.yaml", "x-list:\n", "- v\n", 1000000);
    check_refused("compose.yaml:500000:3", "(excessive aliasing, or too many values)");
}
END_TEST

/* --- a start that goes on without what doesn't load ------------------------------------------ */

static int start(void)
{
    struct acc_load_options options = {
        .config = "acc.yaml", .find_all = true, .may_miss = true, .may_fail = true};

    acc_loaded_fini(&loaded);
    diags = (struct acc_diags){0};
    return acc_load(&options, &loaded, &diags);
}

static void put_stack(const char *name, const char *text)
{
    char path[PATH_MAX];

    (void)mkdir(name, 0700);
    (void)snprintf(path, sizeof(path), "%s/compose.yaml", name);
    put(path, text, "", 0);
}

/* The stack `at` that is left out, and what is told of it. */
static void check_left_out(size_t at, const char *stack, const char *file, const char *what)
{
    const struct acc_unloaded *item = &loaded.unloaded[at];

    ck_assert_uint_lt(at, loaded.n_unloaded);
    ck_assert_str_eq(item->stack, stack);
    ck_assert_str_eq(item->file + strlen(dir) + 1, file);
    ck_assert_msg(strncmp(item->problem, item->file, strlen(item->file)) == 0 &&
                      strstr(item->problem, what),
                  "%s", item->problem);
}

START_TEST(what_does_not_load_is_left_out_under_its_name)
{
    char **patterns;

    put("acc.yaml", "stacks:\n  - '*/compose.yaml'\n  - {name: named, files: [n.yaml]}\n", "", 0);
    put_stack("good", "services: {a: {image: x}}\n");
    put_stack("key", "name: other\nservices: {a: {image: x, imge: y}}\n");
    put_stack("cut", "name: whole\nservices:\n  a: {image: 'x\n");
    put_stack("none", "services: {a: {image: '${NOBODY_SETS_IT:?it}', imge: y}}\n");
    put_stack("unset", "name: ${NOBODY_SETS_IT:?it}\nservices: {a: {image: x}}\n");
    put("n.yaml", "[", "", 0);
    ck_assert_int_eq(start(), 0);
    ck_assert_uint_eq(loaded.model->n_stacks, 1);
    ck_assert_uint_eq(loaded.n_unloaded, 5);
    check_left_out(0, "whole", "cut/compose.yaml", ":4:1: ");
    check_left_out(1, "other", "key/compose.yaml", ":2:26: services.a: unknown key 'imge'");
    check_left_out(2, "none", "none/compose.yaml", ":1:23: ");
    ck_assert_uint_eq(loaded.unloaded[2].n_errors, 2);
    check_left_out(3, "unset", "unset/compose.yaml", ":1:7: name: ");
    check_left_out(4, "named", "n.yaml", ":");
    ck_assert_uint_ge(diags.n_errors, 6);
    ck_assert_uint_eq(
        acc_load_unmatched(&(struct acc_load_options){.config = "acc.yaml"}, &loaded, &patterns),
        0);
    free(patterns);
}
END_TEST

START_TEST(what_is_wrong_between_stacks_is_that_of_the_one_it_is_in)
{
    put("acc.yaml", "stacks: ['*/compose.yaml']\n", "", 0);
    put_stack("a", "services: {a: {image: x, x-acc: {edges: {b/b: {kind: needs}}}}}\n");
    put_stack("b", "services: {b: {image: x, x-acc: {edges: {c/no: {kind: needs}}}}}\n");
    put_stack("c", "services: {c: {image: x}}\n");
    ck_assert_int_eq(start(), 0);
    ck_assert_uint_eq(loaded.model->n_stacks, 2);
    ck_assert_uint_eq(loaded.n_unloaded, 1);
    check_left_out(0, "b", "b/compose.yaml", "depends on undefined service 'c/no'");
    put_stack("b", "name: c\nservices: {b: {image: x}}\n");
    put_stack("a", "services: {a: {image: x}}\n");
    ck_assert_int_eq(start(), 0);
    ck_assert_uint_eq(loaded.model->n_stacks, 1);
    ck_assert_uint_eq(loaded.n_unloaded, 2);
    ck_assert_str_eq(loaded.model->stacks[0]->name, "a");
}
END_TEST

START_TEST(an_acc_yaml_that_is_wrong_itself_is_refused)
{
    put("acc.yaml", "stacks: ['*/compose.yaml']\nstakcs: []\n", "", 0);
    put_stack("a", "services: {a: {image: x}}\n");
    put_stack("b", "services: {b: {image: x, imge: y}}\n");
    ck_assert_int_eq(start(), -EINVAL);
    ck_assert_uint_eq(diags.n, 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("load");
    TCase *tcase = tcase_create("load");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, make, drop);
    tcase_set_timeout(tcase, 60); /* the sanitizers are slow with so many */
    tcase_add_test(tcase, a_file_of_50_megabytes_is_not_read);
    tcase_add_test(tcase, a_device_without_end_is_not_read);
    tcase_add_test(tcase, a_link_in_a_circle_is_told);
    tcase_add_test(tcase, a_pipe_that_nobody_writes_to_keeps_nobody_waiting);
    tcase_add_test(tcase, a_link_out_of_the_project_is_followed_and_paths_stay);
    tcase_add_test(tcase, a_hundred_thousand_values_are_read);
    tcase_add_test(tcase, a_million_values_are_refused);
    tcase_add_test(tcase, what_does_not_load_is_left_out_under_its_name);
    tcase_add_test(tcase, what_is_wrong_between_stacks_is_that_of_the_one_it_is_in);
    tcase_add_test(tcase, an_acc_yaml_that_is_wrong_itself_is_refused);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
