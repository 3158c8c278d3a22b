# SPDX-License-Identifier: BSD-2-Clause
# tests/fuzz/fuzz_NAME.c become bin/fuzz_NAME, linked with the whole stack and libFuzzer; other
# sources of that directory are shared by all of them. `make fuzz` runs them.
if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "GN_FUZZ needs clang: cmake --preset fuzz")
endif()
file(GLOB targets CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/fuzz/fuzz_*.c)
file(GLOB shared CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/fuzz/*.c)
if(targets)
    list(REMOVE_ITEM shared ${targets})
endif()
foreach(source ${targets})
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source} ${shared} $<TARGET_OBJECTS:gn-lab>)
    target_link_libraries(${name} PRIVATE gn_flags gn-all)
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
endforeach()
