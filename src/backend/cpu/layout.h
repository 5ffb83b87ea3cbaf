/* How a model's tensors and a batch's buffers are laid out in memory. */
#ifndef SW_BACKEND_CPU_LAYOUT_H
#define SW_BACKEND_CPU_LAYOUT_H

#include "backend/cpu/engine.h"

/* Fills the sizes that follow from config and options. */
void sw_layout_sizes(struct sw_backend *b);

/* Takes every piece from the arenas b->weights, b->cache, b->scratch, and the lists that are only
 * needed until the weights are packed from lists. Runs twice: see base/arena.h. */
void sw_layout_take(struct sw_backend *b, struct sw_arena *lists);

/* Which rows of which tensor each tile takes. */
void sw_layout_sources(struct sw_backend *b);

/* Packs all matrices and vectors; runs on every thread, each packing the tiles it will read. ctx is
 * the backend. */
void sw_layout_pack(void *ctx, int thread);

#endif
