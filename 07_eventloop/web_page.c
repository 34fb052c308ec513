#include "07_eventloop/web_page.h"

#include <stdint.h>

/* The assembler takes the file as it is, so that it stays one of its own for
 * whoever edits it, and the program needs none when it runs.
 */
__asm__(".pushsection .rodata\n"
        "    .global web_page, web_page_end\n"
        "web_page:\n"
        "    .incbin \"07_eventloop/web_app.html\"\n"
        "web_page_end:\n"
        "    .byte 0\n"
        "    .popsection\n");

extern const char web_page_end[];

size_t web_page_length(void)
{
    return (size_t)((uintptr_t)web_page_end - (uintptr_t)web_page);
}
