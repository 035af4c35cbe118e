/*
 * accctl: asks accd over its control socket, and shows the answer.
 */

#include <stdio.h>

#include "client/cmd.h"

int main(int argc, char **argv)
{
    accctl_render_init();
    return (int)accctl_run(argc, argv, stdout, stderr);
}
