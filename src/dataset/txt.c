/* A question a line. */
#include "dataset/reader.h"

enum sw_code sw_reader_read_txt(struct sw_reader *reader, const char *bytes, size_t size)
{
    struct sw_reader_lines lines = {0};
    const char *line;
    size_t line_size;
    enum sw_code code = SW_OK;
    while (code == SW_OK && sw_reader_next_line(&lines, bytes, size, &line, &line_size)) {
        if (sw_reader_is_blank(line, line_size))
            continue;
        struct sw_question *question;
        sw_reader_set_line(reader, lines.number);
        code = sw_reader_add(reader, &question);
        if (code == SW_OK)
            code = sw_reader_set_question(reader, question, line, line_size);
    }
    return code;
}
