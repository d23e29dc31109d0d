/* The relations of one number, as they come in from all families, and the cycles of their large primes.
 *
 * Large primes are the vertices of a graph, with 1 for none, and relations its edges: along a cycle every large prime stands
 * twice, so that its relations together are one without large primes but for a square (A. Lenstra and M. Manasse, "Factoring with
 * two large primes", 1994).  How many cycles there are is known at any time by union and find; which they are, only when a
 * matrix is to be made of them. */
#include <stdlib.h>

#include "siqs.h"

/* From keys that are not 0 to values, which are 0 at first; open addressing, at most half full. */
typedef struct {
    uint64_t *keys;
    uint32_t *values;
    size_t size, used;
} table;

struct fp_siqs_graph {
    size_t columns, count, cycles;
    fp_wide *u;
    uint32_t (*ends)[2]; /* the vertices of their large primes */
    uint64_t *starts;    /* of their factors, and the end of the last */
    uint32_t *factors;
    size_t room, factors_room;
    table known;             /* relations */
    table vertex;            /* one more than that of a large prime */
    uint32_t *prime, *above; /* of each vertex, and what is nearer to the root of those that are connected */
    size_t vertices, vertices_room;
};

#define MIXER 0x9E3779B97F4A7C15u /* 2^64 over the golden ratio: D. Knuth, "The Art of Computer Programming", 6.4 */

static uint64_t mix(uint64_t key) {
    key *= MIXER;
    return key ^ key >> 32;
}

static size_t place(const table *t, uint64_t key) {
    size_t at = mix(key) & (t->size - 1);
    while (t->keys[at] && t->keys[at] != key) at = (at + 1) & (t->size - 1);
    return at;
}

/* Where the value of a key is, a new one if need be; NULL without memory. */
static uint32_t *value_of(table *t, uint64_t key) {
    if (2 * t->used >= t->size) {
        const size_t size = t->size ? 2 * t->size : 1024;
        table larger = {calloc(size, sizeof *t->keys), calloc(size, sizeof *t->values), size, t->used};
        if (!larger.keys || !larger.values) {
            free(larger.keys), free(larger.values);
            return NULL;
        }
        for (size_t i = 0; i < t->size; i++) {
            if (!t->keys[i]) continue;
            const size_t at = place(&larger, t->keys[i]);
            larger.keys[at] = t->keys[i], larger.values[at] = t->values[i];
        }
        free(t->keys), free(t->values);
        *t = larger;
    }
    const size_t at = place(t, key);
    if (!t->keys[at]) t->keys[at] = key, t->used++;
    return &t->values[at];
}

/* Makes `*items` as long as `room` of this size. */
static int resize(void *items, size_t room, size_t size) {
    void *old, *new;
    memcpy(&old, items, sizeof old);
    if (!(new = realloc(old, room * size))) return FP_NO_MEMORY;
    memcpy(items, &new, sizeof new);
    return FP_OK;
}

/* Room for one relation more, of so many factors, and two vertices. */
static int make_room(fp_siqs_graph *graph, size_t length) {
    if (graph->count == graph->room) {
        const size_t room = 2 * graph->room + 1024;
        if (resize(&graph->u, room, sizeof *graph->u) || resize(&graph->ends, room, sizeof *graph->ends) ||
            resize(&graph->starts, room + 1, sizeof *graph->starts))
            return FP_NO_MEMORY;
        graph->room = room;
        graph->starts[0] = 0;
    }
    if (graph->starts[graph->count] + length >= graph->factors_room) {
        const size_t room = 2 * graph->factors_room + 65536; /* more than a relation has, whose length has 16 bits */
        if (resize(&graph->factors, room, sizeof *graph->factors)) return FP_NO_MEMORY;
        graph->factors_room = room;
    }
    if (graph->vertices + 2 > graph->vertices_room) {
        const size_t room = 2 * graph->vertices_room + 1024;
        if (resize(&graph->prime, room, sizeof *graph->prime) || resize(&graph->above, room, sizeof *graph->above))
            return FP_NO_MEMORY;
        graph->vertices_room = room;
    }
    return FP_OK;
}

/* The vertex of a large prime. */
static int find_vertex(fp_siqs_graph *graph, uint32_t prime, uint32_t *vertex) {
    uint32_t *known = value_of(&graph->vertex, prime);
    if (!known) return FP_NO_MEMORY;
    if (!*known) {
        *vertex = (uint32_t)graph->vertices++;
        graph->prime[*vertex] = prime, graph->above[*vertex] = *vertex;
        *known = *vertex + 1;
    }
    *vertex = *known - 1;
    return FP_OK;
}

/* The way there is halved, so that it stays short. */
static uint32_t root_of(uint32_t *above, uint32_t vertex) {
    while (above[vertex] != vertex) vertex = above[vertex] = above[above[vertex]];
    return vertex;
}

fp_siqs_graph *fp_siqs_graph_new(size_t columns) {
    fp_siqs_graph *graph = calloc(1, sizeof *graph);
    uint32_t of_one;
    if (!graph) return NULL;
    graph->columns = columns;
    if (make_room(graph, 0) == FP_OK && find_vertex(graph, 1, &of_one) == FP_OK) return graph;
    fp_siqs_graph_free(graph);
    return NULL;
}

void fp_siqs_graph_free(fp_siqs_graph *graph) {
    free(graph->u), free(graph->ends), free(graph->starts), free(graph->factors);
    free(graph->known.keys), free(graph->known.values), free(graph->vertex.keys), free(graph->vertex.values);
    free(graph->prime), free(graph->above);
    free(graph);
}

size_t fp_siqs_columns(const fp_siqs_graph *graph) { return graph->columns; }
size_t fp_siqs_count(const fp_siqs_graph *graph) { return graph->count; }
size_t fp_siqs_cycles(const fp_siqs_graph *graph) { return graph->cycles; }

int fp_siqs_gather(fp_siqs_graph *graph, const fp_siqs_relations *more) {
    const uint32_t *factors = more->factors;
    for (size_t i = 0; i < more->count; factors += more->lengths[i++]) {
        const size_t length = more->lengths[i];
        uint32_t *known, *ends;
        uint64_t key = 0; /* of all of u: two that share it are a loss of one, in 2^64 pairs */
        for (int w = 0; w < FP_WIDE; w++) key = mix(key ^ more->u[i].w[w]);
        if (make_room(graph, length) != FP_OK || !(known = value_of(&graph->known, key | 1))) return FP_NO_MEMORY;
        if (*known) continue;
        ends = graph->ends[graph->count];
        for (int end = 0; end < 2; end++)
            if (find_vertex(graph, more->large[i][end], &ends[end]) != FP_OK) return FP_NO_MEMORY;
        const uint32_t one = root_of(graph->above, ends[0]), other = root_of(graph->above, ends[1]);
        graph->cycles += one == other;
        graph->above[other] = one;
        graph->u[graph->count] = more->u[i];
        const uint64_t start = graph->starts[graph->count];
        memcpy(graph->factors + start, factors, length * sizeof *factors);
        graph->starts[++graph->count] = start + length;
        *known = 1;
    }
    return FP_OK;
}

/* Where each vertex is in a tree of shortest ways to the first one that is connected with it: at how many steps, and by which relation
 * the next one is reached, plus one; 0 for the first. */
typedef struct {
    uint32_t *depth, *towards;
} tree;

static uint32_t other_end(const fp_siqs_graph *graph, uint32_t relation, uint32_t vertex) {
    return graph->ends[relation][graph->ends[relation][0] == vertex];
}

/* Breadth first, from 1 and then from what is not connected with it. */
static int span(const fp_siqs_graph *graph, tree *t) {
    const size_t vertices = graph->vertices;
    size_t *first = calloc(vertices + 2, sizeof *first); /* of the relations of a vertex */
    uint32_t *relations = malloc((2 * graph->count + 1) * sizeof *relations);
    uint32_t *queue = malloc(vertices * sizeof *queue);
    uint8_t *seen = calloc(vertices, 1);
    const int status = first && relations && queue && seen ? FP_OK : FP_NO_MEMORY;
    if (status == FP_OK) {
        for (size_t i = 0; i < graph->count; i++) first[graph->ends[i][0] + 2]++, first[graph->ends[i][1] + 2]++;
        for (size_t v = 0; v < vertices; v++) first[v + 2] += first[v + 1];
        for (size_t i = 0; i < graph->count; i++)
            for (int end = 0; end < 2; end++) relations[first[graph->ends[i][end] + 1]++] = (uint32_t)i;
        for (size_t root = 0; root < vertices; root++) {
            if (seen[root]) continue;
            size_t head = 0, tail = 0;
            queue[tail++] = (uint32_t)root, seen[root] = 1;
            while (head < tail) {
                const uint32_t vertex = queue[head++];
                for (size_t i = first[vertex]; i < first[vertex + 1]; i++) {
                    const uint32_t next = other_end(graph, relations[i], vertex);
                    if (seen[next]) continue;
                    seen[next] = 1, queue[tail++] = next;
                    t->depth[next] = t->depth[vertex] + 1, t->towards[next] = relations[i] + 1;
                }
            }
        }
    }
    free(first), free(relations), free(queue), free(seen);
    return status;
}

/* The relations of each cycle, and the matrix of their factors; both back to back, by the cycles' starts. */
typedef struct {
    uint32_t *members, *entries;
    uint64_t *member_starts, *entry_starts;
    size_t room;
} rows;

/* A cycle is a relation that the tree does without, and the ways of its ends to where they meet. */
static int close_cycles(const fp_siqs_graph *graph, const tree *t, rows *all) {
    size_t cycle = 0, used = 0, entries = 0;
    for (size_t i = 0; i < graph->count; i++) {
        uint32_t a = graph->ends[i][0], b = graph->ends[i][1], step = (uint32_t)i;
        if (t->towards[a] == i + 1 || t->towards[b] == i + 1) continue;
        all->member_starts[cycle] = used, all->entry_starts[cycle++] = entries;
        for (;;) {
            if (used == all->room) {
                const size_t room = 2 * all->room + 1024;
                if (resize(&all->members, room, sizeof *all->members)) return FP_NO_MEMORY;
                all->room = room;
            }
            all->members[used++] = step;
            entries += graph->starts[step + 1] - graph->starts[step];
            if (a == b) break;
            uint32_t *deeper = t->depth[a] < t->depth[b] ? &b : &a;
            step = t->towards[*deeper] - 1;
            *deeper = other_end(graph, step, *deeper);
        }
    }
    all->member_starts[cycle] = used, all->entry_starts[cycle] = entries;
    if (!(all->entries = malloc((entries + 1) * sizeof *all->entries))) return FP_NO_MEMORY;
    uint32_t *entry = all->entries;
    for (size_t i = 0; i < used; i++) {
        const uint64_t start = graph->starts[all->members[i]], length = graph->starts[all->members[i] + 1] - start;
        memcpy(entry, graph->factors + start, length * sizeof *entry);
        entry += length;
    }
    return FP_OK;
}

int fp_siqs_sets(const fp_siqs_graph *graph, size_t most, const fp_control *control, uint64_t *sets, size_t *found) {
    const size_t cycles = graph->cycles, words = (cycles + 63) / 64, words_out = (graph->count + 63) / 64;
    tree t = {calloc(graph->vertices, sizeof *t.depth), calloc(graph->vertices, sizeof *t.towards)};
    rows all = {.member_starts = malloc((cycles + 1) * sizeof *all.member_starts),
                .entry_starts = malloc((cycles + 1) * sizeof *all.entry_starts)};
    uint64_t *of_cycles = malloc((most * words + 1) * sizeof *of_cycles);
    int status = t.depth && t.towards && all.member_starts && all.entry_starts && of_cycles ? FP_OK : FP_NO_MEMORY;
    *found = 0;
    if (status == FP_OK) status = span(graph, &t);
    if (status == FP_OK) status = close_cycles(graph, &t, &all);
    if (status == FP_OK)
        status = fp_siqs_dependencies(all.entries, all.entry_starts, cycles, graph->columns, most, control, of_cycles,
                                      found);
    if (status == FP_OK) {
        memset(sets, 0, *found * words_out * sizeof *sets);
        for (size_t s = 0; s < *found; s++)
            for (size_t c = 0; c < cycles; c++) {
                if (!(of_cycles[s * words + c / 64] >> c % 64 & 1)) continue;
                for (uint64_t i = all.member_starts[c]; i < all.member_starts[c + 1]; i++)
                    sets[s * words_out + all.members[i] / 64] ^= 1ull << all.members[i] % 64;
            }
    }
    free(t.depth), free(t.towards), free(of_cycles);
    free(all.members), free(all.entries), free(all.member_starts), free(all.entry_starts);
    return status;
}

void fp_siqs_product(const fp_siqs_graph *graph, const uint64_t *set, fp_wide *u, uint32_t *large, uint32_t *halves) {
    size_t chosen = 0;
    memset(halves, 0, graph->columns * sizeof *halves);
    for (size_t i = 0; i < graph->count; i++) {
        if (!(set[i / 64] >> i % 64 & 1)) continue;
        for (int end = 0; end < 2; end++) large[2 * chosen + (size_t)end] = graph->prime[graph->ends[i][end]];
        u[chosen++] = graph->u[i];
        for (uint64_t k = graph->starts[i]; k < graph->starts[i + 1]; k++) halves[graph->factors[k]]++;
    }
    for (size_t c = 0; c < graph->columns; c++) halves[c] /= 2;
    qsort(large, 2 * chosen, sizeof *large, fp_siqs_ascending);
    for (size_t i = 0; i < chosen; i++) large[i] = large[2 * i];
}
