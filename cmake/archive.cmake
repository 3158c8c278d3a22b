# SPDX-License-Identifier: BSD-2-Clause
# From layers to libraries.
#
#   gn-core.o      all core layers, one relocatable object (optimised as a whole with GN_LTO)
#   gn-all.o       the same and the outer layers; our own programs link it and see internal names
#   libgannet-core.a, libgannet.a, libgannet.so    the same objects with only gn_* visible
#
# The work of link-time optimisation is done once, in gn-core.o, and the archives hold plain machine
# code that any compiler's linker takes.

set(relocatable_flags -r -nostdlib ${gn_strings} --param=hot-bb-count-ws-permille=999)
if(GN_LTO AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
    list(APPEND relocatable_flags -flto=auto -flinker-output=nolto-rel -fPIC
        -ffunction-sections -fdata-sections -fvisibility=hidden)
endif()

# gn_relocatable(OUTPUT PARTS [OBJECT] LAYERS LAYER...): join the object files of those layers that
# exist, and OBJECT, into one object that keeps all names. PARTS names the helper archive.
function(gn_relocatable output parts)
    cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "LAYERS")
    set(objects "")
    foreach(layer ${arg_LAYERS})
        if(TARGET gn-${layer})
            list(APPEND objects $<TARGET_OBJECTS:gn-${layer}>)
        endif()
    endforeach()
    add_library(${parts} STATIC ${objects})
    set_target_properties(${parts} PROPERTIES LINKER_LANGUAGE C
        ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/parts)
    string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
    separate_arguments(opt UNIX_COMMAND "${CMAKE_C_FLAGS} ${CMAKE_C_FLAGS_${type}}")
    add_custom_command(OUTPUT ${output}
        COMMAND ${CMAKE_C_COMPILER} ${opt} ${relocatable_flags} -o ${output}
            ${arg_UNPARSED_ARGUMENTS} -Wl,--whole-archive $<TARGET_FILE:${parts}>
        DEPENDS ${arg_UNPARSED_ARGUMENTS} ${parts}
        COMMENT "Joining ${output}" VERBATIM)
endfunction()

# gn_public_object(OUTPUT INPUT): hide every global name that does not begin with gn_
function(gn_public_object output input)
    add_custom_command(OUTPUT ${output}
        COMMAND ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=gn_* ${input} ${output}
        DEPENDS ${input} COMMENT "Hiding internal names in ${output}" VERBATIM)
endfunction()

# gn_archive(OUTPUT OBJECT): a static library of that one object
function(gn_archive output object)
    add_custom_command(OUTPUT ${output}
        COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_ARCHIVE_OUTPUT_DIRECTORY}
        COMMAND ${CMAKE_COMMAND} -E rm -f ${output}
        COMMAND ${CMAKE_AR} crs ${output} ${object}
        DEPENDS ${object} COMMENT "Archiving ${output}" VERBATIM)
endfunction()

# gn_libraries(): the targets gn-all (for our programs), gannet (the .so) and gannet-archives
function(gn_libraries)
    if(NOT TARGET gn-base OR NOT TARGET gn-loop)
        return()
    endif()
    set(dir ${PROJECT_BINARY_DIR})
    gn_relocatable(${dir}/gn-core.o gn-core-parts LAYERS ${core_layers})
    gn_relocatable(${dir}/gn-all.o gn-outer-parts ${dir}/gn-core.o LAYERS ${outer_layers})
    add_custom_target(gn-join DEPENDS ${dir}/gn-all.o)
    add_library(gn-all INTERFACE)
    add_dependencies(gn-all gn-join)
    target_link_libraries(gn-all INTERFACE ${dir}/gn-all.o Threads::Threads)

    # With a sanitizer the archives would be of no use to anybody.
    if(GN_SANITIZE OR GN_FUZZ OR GN_COVERAGE)
        return()
    endif()
    gn_public_object(${dir}/gannet-core.o ${dir}/gn-core.o)
    gn_public_object(${dir}/gannet.o ${dir}/gn-all.o)
    set(lib ${CMAKE_ARCHIVE_OUTPUT_DIRECTORY})
    gn_archive(${lib}/libgannet-core.a ${dir}/gannet-core.o)
    gn_archive(${lib}/libgannet.a ${dir}/gannet.o)
    add_custom_target(gannet-archives ALL DEPENDS ${lib}/libgannet-core.a ${lib}/libgannet.a)
    add_library(gannet SHARED ${dir}/gannet.o)
    set_target_properties(gannet PROPERTIES LINKER_LANGUAGE C
        VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
    set_source_files_properties(${dir}/gannet.o PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
    target_link_libraries(gannet PRIVATE Threads::Threads)
    target_link_options(gannet PRIVATE -Wl,--no-undefined)
endfunction()
