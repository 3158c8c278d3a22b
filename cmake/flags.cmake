# SPDX-License-Identifier: BSD-2-Clause
# One interface target carries the flags of all our code; consumers of the library do not get them.
add_library(gn_flags INTERFACE)
target_compile_options(gn_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wswitch-enum -Wvla -Wformat=2 -Wundef -fno-common -fvisibility=hidden)
if(GN_WERROR)
    target_compile_options(gn_flags INTERFACE -Werror)
endif()
if(GN_SANITIZE)
    set(sanitizers -fsanitize=address,undefined)
    target_compile_options(gn_flags INTERFACE
        ${sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(gn_flags INTERFACE ${sanitizers})
endif()
if(GN_COVERAGE)
    target_compile_options(gn_flags INTERFACE --coverage -fprofile-update=atomic)
    target_link_options(gn_flags INTERFACE --coverage)
endif()
if(GN_FUZZ)
    target_compile_options(gn_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(GN_LTO AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
    # Each function in a section of its own, so that an embedder's --gc-sections can drop what it does not use.
    target_compile_options(gn_flags INTERFACE -flto=auto -ffunction-sections -fdata-sections)
    # The way of a segment goes through small functions of many files: gcc may inline more of them than it would. It
    # does so until the whole has grown so far, so what no segment meets had better not take part.
    set(gn_inline --param=max-inline-insns-auto=60 --param=inline-unit-growth=80 --param=large-function-growth=300)
    set(apart $<STREQUAL:$<TARGET_PROPERTY:NAME>,gn-explain>)
    target_compile_options(gn_flags INTERFACE "$<$<NOT:${apart}>:${gn_inline}>")
    target_link_options(gn_flags INTERFACE ${gn_inline})
endif()
if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    # gcc clears and copies structs of a few hundred octets by string instructions, whose start alone takes longer
    # than a row of plain stores.
    set(gn_strategy unrolled_loop:256:noalign,libcall:-1:noalign)
    set(gn_strings -mmemset-strategy=${gn_strategy} -mmemcpy-strategy=${gn_strategy})
    target_compile_options(gn_flags INTERFACE ${gn_strings})
    target_link_options(gn_flags INTERFACE ${gn_strings})
    # Stores of neighbouring fields are better left apart: to put their values together first takes more
    # instructions (0.7 % of those of a short connection).
    target_compile_options(gn_flags INTERFACE -fno-tree-slp-vectorize)
endif()
if(GN_TESTS OR GN_FUZZ)
    target_compile_definitions(gn_flags INTERFACE GN_DASSERT)
endif()
target_include_directories(gn_flags INTERFACE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
