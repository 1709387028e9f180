/* The quoted string as a Ragel machine. `build.rs` compiles it to C. */

#include <stddef.h>

%%{
    machine quoted;
    alphtype unsigned char;

    main := '"' ( [^"\\] | '\\' any )* '"' @{ fbreak; };

    write data noentry;
}%%

int quoted_first(void) {
    return quoted_start;
}

/* Runs the machine from `*state` over the chunk. Returns 0 if it needs more input, 1 at the end of
 * the string, 2 if the input is bad. */
int quoted_feed(int *state, const unsigned char *p, size_t len) {
    const unsigned char *pe = p + len;
    int cs = *state;
    %% write exec;
    *state = cs;
    return cs >= quoted_first_final ? 1 : cs == quoted_error ? 2 : 0;
}
