/* What becomes of a product's columns while they are in the first cache. */
#ifndef SW_BACKEND_CPU_EPILOGUE_H
#define SW_BACKEND_CPU_EPILOGUE_H

#include "backend/cpu/engine.h"

enum { SW_PRODUCT_STRIDE = 2 * SW_TILE };

struct sw_epilogue {
    /* Rows [row, row + n_rows) of tiles [tile, tile + n_tiles), n_tiles 1 or 2, the first one even,
     * in y (n_rows, 32). Rows of a pair of tiles come in their order, all to one thread. layer is
     * NULL for the head. */
    void (*finish)(const struct sw_backend *b, const struct sw_cpu_layer *layer, const float *y,
                   size_t row, size_t n_rows, size_t tile, size_t n_tiles);
    /* Asks for what that will touch, before the product; NULL: for nothing. */
    void (*ask_for)(const struct sw_backend *b, const struct sw_cpu_layer *layer, size_t row,
                    size_t n_rows, size_t tile, size_t n_tiles);
};

extern const struct sw_epilogue sw_to_cache;     /* q, k and v: rotated, to b->q and the cache */
extern const struct sw_epilogue sw_to_residual;  /* added to b->x */
extern const struct sw_epilogue sw_to_activated; /* gate and up: b->activated */
extern const struct sw_epilogue sw_to_logits;    /* b->logits */
extern const struct sw_epilogue sw_to_choices;   /* b->choices */

/* What the choices of all pairs lead to: b->ids, b->logprobs. Behind a barrier. */
void sw_cpu_merge_choices(const struct sw_backend *b, int thread);

#endif
