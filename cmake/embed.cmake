# SPDX-License-Identifier: BSD-2-Clause
# gn_embed(TARGET SYMBOL FILE...): the files as a table `const struct embedded SYMBOL[]`
# (src/cli/embed.h) in TARGET. As a script (cmake -P) it writes that table.
if(CMAKE_SCRIPT_MODE_FILE)
    set(rows "")
    set(bodies "")
    set(n 0)
    string(REPLACE "|" ";" files "${FILES}")
    foreach(file IN LISTS files)
        get_filename_component(name ${file} NAME)
        file(READ ${file} hex HEX)
        string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
        string(APPEND bodies "static const unsigned char file_${n}[] = {${bytes}0};\n")
        string(APPEND rows "    {\"${name}\", file_${n}, sizeof(file_${n}) - 1},\n")
        math(EXPR n "${n} + 1")
    endforeach()
    file(WRITE ${OUT} "#include \"cli/embed.h\"\n\n${bodies}\n"
        "const struct embedded ${SYMBOL}[] = {\n${rows}    {0},\n};\n")
    return()
endif()

set(GN_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})
function(gn_embed target symbol)
    set(out ${PROJECT_BINARY_DIR}/embed/${symbol}.c)
    string(REPLACE ";" "|" files "${ARGN}")
    add_custom_command(OUTPUT ${out}
        COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DSYMBOL=${symbol} "-DFILES=${files}"
            -P ${GN_EMBED_SCRIPT}
        DEPENDS ${ARGN} ${GN_EMBED_SCRIPT} VERBATIM)
    # a library of its own: the command and its output must be of one directory
    add_library(embed-${symbol} OBJECT ${out})
    target_link_libraries(embed-${symbol} PRIVATE gn_flags)
    target_link_libraries(${target} PRIVATE embed-${symbol})
endfunction()
