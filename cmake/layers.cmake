# SPDX-License-Identifier: BSD-2-Clause
# The layers of the house, bottom up. What may include what: tools/check_layers.py.
set(core_layers base wire congestion recovery tcp ip host explain)
set(outer_layers link loop socket)
set(profiled_layers base wire congestion recovery tcp ip host)

# gn_layer(NAME): all of src/NAME as one object library, gn-NAME. Nothing if it has no sources.
function(gn_layer name)
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.c)
    if(NOT sources)
        return()
    endif()
    add_library(gn-${name} OBJECT ${sources})
    set_target_properties(gn-${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    target_link_libraries(gn-${name} PRIVATE gn_flags)
    if(name IN_LIST profiled_layers)
        target_link_libraries(gn-${name} PRIVATE gn_profile)
        set_source_files_properties(${sources} PROPERTIES OBJECT_DEPENDS "${trained}")
    endif()
    if(name IN_LIST core_layers)
        # Optimisers make calls that the core must not need: gcc's -O3 turns a loop over a text into
        # strlen, clang turns memcmp() == 0 into bcmp.
        target_compile_options(gn-${name} PRIVATE
            $<$<C_COMPILER_ID:GNU>:-fno-tree-loop-distribute-patterns>
            $<$<C_COMPILER_ID:Clang>:-fno-builtin-bcmp>)
    endif()
endfunction()

# gn_program_dir(DIR PROGRAM): DIR/*.c as a program over the whole stack; DIR/CMakeLists.txt, if
# there is one, may add to the target (libraries, generated sources).
function(gn_program_dir dir program)
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${dir}/*.c)
    if(NOT sources)
        return()
    endif()
    add_executable(${program} ${sources})
    target_include_directories(${program} PRIVATE ${PROJECT_SOURCE_DIR}/${dir})
    target_link_libraries(${program} PRIVATE gn_flags gn-all)
    if(EXISTS ${PROJECT_SOURCE_DIR}/${dir}/CMakeLists.txt)
        add_subdirectory(${PROJECT_SOURCE_DIR}/${dir} ${PROJECT_BINARY_DIR}/${dir})
    endif()
endfunction()
