# One interface target carries the flags of all our code; consumers of the library do not get them.
add_library(gn_flags INTERFACE)
target_compile_options(gn_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wswitch-enum -Wvla -Wformat=2 -Wundef -fno-common -fvisibility=hidden)
if(GN_WERROR)
    target_compile_options(gn_flags INTERFACE -Werror)
endif()
if(GN_SANITIZE)
    target_compile_options(gn_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(gn_flags INTERFACE -fsanitize=address,undefined)
endif()
if(GN_TESTS)
    target_compile_definitions(gn_flags INTERFACE GN_DASSERT)
endif()
target_include_directories(gn_flags INTERFACE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
