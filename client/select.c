/* Which files a verb reads that asks no accd: -f and what goes with it, or -c. */

#include <string.h>

#include "client/cmd.h"
#include "load/load.h"

/* Options that mean nothing for an acc.yaml, which says all that itself. */
#define OF_FILES                                                                                   \
    (ACCCTL_O_FILE | ACCCTL_O_PROJECT | ACCCTL_O_ENV_FILE | ACCCTL_O_PROFILE | ACCCTL_O_PROJECT_DIR)

bool accctl_is_config(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;

    return strcmp(name, "acc.yaml") == 0 || strcmp(name, "acc.yml") == 0;
}

bool accctl_select(struct accctl *ctl, struct acc_load_options *ret_load)
{
    const struct accctl_options *o = ctl->options;

    if (o->config && (o->given & OF_FILES)) {
        (void)fprintf(ctl->err,
                      "accctl: %s: -c names an acc.yaml, which says which files make a stack, and "
                      "how; -f and its like are for Compose files\n",
                      o->verb);
        return false;
    }
    *ret_load = (struct acc_load_options){
        .config = o->config,
        .files = o->files,
        .n_files = o->n_files,
        .project = o->project,
        .env_files = o->env_files,
        .n_env_files = o->n_env_files,
        .profiles = o->profiles,
        .n_profiles = o->n_profiles,
        .project_dir = o->project_dir,
        .find_all = true,
    };
    return true;
}
