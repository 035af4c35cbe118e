#pragma once

/*
 * The dependency graph over all stacks.
 *
 * Resolves the edges by name to indexes, marks one-shots, refuses what cannot be started (cycles,
 * unknown targets, edges onto a disabled service) and puts the services into an order in which
 * dependencies come first. Knows nothing of containers.
 */

#include "lib/model/spec.h"

/* Join `stacks` into a model. Each stack is taken over on success and on failure; the array stays
 * the caller's. Problems go to `diags`, each with the place of the edge: an unknown target with the
 * nearest name, a cycle with its whole path "a -> b -> c -> a" and the cheapest edge to drop
 * (prefer after, then wants), two stacks of one name, one container_name twice.
 *
 * Several edges of a pair become one: the strongest kind with the strictest condition. Edges with
 * `required: false` whose target is not in the model are dropped, so every remaining `target` is an
 * index. Targets of a `completed` condition are marked one_shot, those of other milestones may_end.
 * Linear in services and edges, but for sorting the names. 0 and `*ret_model`; -EINVAL; -ENOMEM. */
int acc_model_join(struct acc_stack **stacks, size_t n_stacks, struct acc_model **ret_model,
                   struct acc_diags *diags);

/* Before that, of a stack that is there without some of those that it names: its edges to other
 * stacks than `there` are dropped. With `is_to_run` what it can't do without becomes a condition of
 * its services. 0 or -ENOMEM. */
int acc_stack_detach(struct acc_stack *stack, struct acc_stack *const *there, size_t n,
                     bool is_to_run);

/* Give a joined model its phases; names are copied. A service in an unknown phase, and one that
 * depends on a service of a later phase, is an error. 0, -EINVAL with `diags`, -ENOMEM. */
int acc_model_set_phases(struct acc_model *model, const struct acc_phase_spec *phases, size_t n,
                         struct acc_diags *diags);
