/* Names of functions for reports. */
#ifndef SW_BACKEND_CUDA_EMULATION_SYMBOL_H
#define SW_BACKEND_CUDA_EMULATION_SYMBOL_H

#include <string>

/* The function's name with its template arguments, without its parameters, out of the symbol table
 * of the program or library that holds it; otherwise, where there is none. */
std::string sw_symbol_name(const void *function, const std::string &otherwise);

#endif
