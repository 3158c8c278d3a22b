# SPDX-License-Identifier: BSD-2-Clause
# What `cmake --install` puts down: headers, libraries, pkg-config files, a CMake package, the
# programs, the man page and the completion. tests/embed consumes the result.
if(NOT TARGET gannet)
    return()
endif()
include(CMakePackageConfigHelpers)

install(DIRECTORY include/gannet DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILES_MATCHING PATTERN "*.h" PATTERN "*.def")
install(TARGETS gannet LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${CMAKE_ARCHIVE_OUTPUT_DIRECTORY}/libgannet.a
    ${CMAKE_ARCHIVE_OUTPUT_DIRECTORY}/libgannet-core.a DESTINATION ${CMAKE_INSTALL_LIBDIR})
foreach(program gannet-cli gannet-bench)
    if(TARGET ${program})
        install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
    endif()
endforeach()
if(TARGET gannet-packetdrill)
    install(TARGETS gannet-packetdrill LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
install(FILES docs/gannet.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 OPTIONAL)
install(FILES completions/gannet.bash RENAME gannet OPTIONAL
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# Relative to where the file lies, so that the installed tree can be moved.
file(RELATIVE_PATH pc_to_prefix /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
foreach(pc gannet gannet-core)
    configure_file(cmake/${pc}.pc.in ${PROJECT_BINARY_DIR}/${pc}.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/${pc}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/gannet)
configure_package_config_file(cmake/gannetConfig.cmake.in ${PROJECT_BINARY_DIR}/gannetConfig.cmake
    INSTALL_DESTINATION ${package_dir} PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/gannetConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/gannetConfig.cmake
    ${PROJECT_BINARY_DIR}/gannetConfigVersion.cmake DESTINATION ${package_dir})
