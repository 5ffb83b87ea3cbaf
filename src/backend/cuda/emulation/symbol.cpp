/* Kernels are static functions, which the dynamic loader's tables (dladdr) do not have: the file's
 * own .symtab does, unless it was stripped (System V ABI, chapter 4). */
#include "backend/cuda/emulation/symbol.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <memory>
#include <vector>

namespace
{

typedef std::unique_ptr<FILE, int (*)(FILE *)> file;

template <class T> bool read_at(FILE *f, uint64_t offset, std::vector<T> *out, uint64_t n)
{
    if (n > (64u << 20) / sizeof(T) || fseek(f, static_cast<long>(offset), SEEK_SET) != 0)
        return false;
    out->resize(n);
    return fread(out->data(), sizeof(T), n, f) == n;
}

/* The mangled name of the function at an address of the file; "" if there is none. */
std::string name_in(FILE *f, uint64_t address)
{
    std::vector<ElfW(Ehdr)> header;
    std::vector<ElfW(Shdr)> sections;
    if (!read_at(f, 0, &header, 1) || header[0].e_shentsize != sizeof(ElfW(Shdr)) ||
        !read_at(f, header[0].e_shoff, &sections, header[0].e_shnum))
        return "";
    for (const ElfW(Shdr) & s : sections) {
        std::vector<ElfW(Sym)> symbols;
        std::vector<char> names;
        if (s.sh_type != SHT_SYMTAB || s.sh_link >= sections.size() ||
            !read_at(f, s.sh_offset, &symbols, s.sh_size / sizeof(ElfW(Sym))) ||
            !read_at(f, sections[s.sh_link].sh_offset, &names, sections[s.sh_link].sh_size))
            continue;
        names.push_back('\0');
        for (const ElfW(Sym) & symbol : symbols) {
            if (symbol.st_value == address && ELF64_ST_TYPE(symbol.st_info) == STT_FUNC &&
                symbol.st_name < names.size())
                return &names[symbol.st_name];
        }
    }
    return "";
}

/* "void f<(form)1>(float*, int)" is f<(form)1>. */
std::string without_parameters(const std::string &name)
{
    size_t end = name.size(), begin = 0;
    int depth = 0;
    if (!name.empty() && name.back() == ')') {
        for (size_t i = name.size(); i-- > 0 && end == name.size();) {
            depth += name[i] == ')' ? 1 : name[i] == '(' ? -1 : 0;
            if (depth == 0)
                end = i;
        }
    }
    if (name.compare(0, 5, "void ") == 0)
        begin = 5;
    return name.substr(begin, end - begin);
}

} // namespace

std::string sw_symbol_name(const void *function, const std::string &otherwise)
{
    Dl_info info;
    if (dladdr(function, &info) == 0 || info.dli_fname == NULL)
        return otherwise;
    file f(fopen(info.dli_fname, "rb"), fclose);
    /* The program's own path may be what it was called by. */
    if (!f)
        f.reset(fopen("/proc/self/exe", "rb"));
    if (!f)
        return otherwise;
    uint64_t address = static_cast<uint64_t>(static_cast<const char *>(function) -
                                             static_cast<const char *>(info.dli_fbase));
    std::string mangled = name_in(f.get(), address);
    if (mangled.empty())
        return otherwise;
    int status = 0;
    char *plain = abi::__cxa_demangle(mangled.c_str(), NULL, NULL, &status);
    std::string name = without_parameters(status == 0 ? plain : mangled);
    free(plain);
    return name.empty() ? otherwise : name;
}
